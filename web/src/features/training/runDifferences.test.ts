import { expect, it } from "vitest";
import type { Run } from "../../shared/api/types";
import { differences } from "./runDifferences";

const run = (id: string, config: object) => ({ id, config: { rank: 16, method: "lora", epochs: 3, max_steps: null, ...config } }) as unknown as Run;

it("names only the settings in which trainings differ", () => {
  const found = differences([run("a", {}), run("b", { rank: 64 }), run("c", { epochs: null, max_steps: 50 })]);
  expect(found.get("a")).toEqual([{ field: "rank", value: "16" }, { field: "epochs", value: "3" }]);
  expect(found.get("b")).toEqual([{ field: "rank", value: "64" }, { field: "epochs", value: "3" }]);
  expect(found.get("c")).toEqual([{ field: "rank", value: "16" }, { field: "max_steps", value: "50" }]);
  expect(differences([run("a", {})]).get("a")).toEqual([]);
  expect(differences([]).size).toBe(0);
});
