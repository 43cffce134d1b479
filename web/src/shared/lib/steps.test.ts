import { expect, it } from "vitest";
import { neighbours, nextStep, STEP_IDS } from "./steps";

const at = (states: string) => STEP_IDS.map((id, index) => ({ id, state: states[index] === "x" ? ("done" as const) : ("todo" as const) }));

it("goes on with the first step that is not done", () => {
  expect(nextStep(at("........"))).toBe("model");
  expect(nextStep(at("xx.x...."))).toBe("data");
  expect(nextStep(at("xxxxxxxx"))).toBe(null);
});

it("knows what is before and after a step", () => {
  expect(neighbours("model")).toEqual({ before: null, after: "task" });
  expect(neighbours("review")).toEqual({ before: "preview", after: "hardware" });
  expect(neighbours("export")).toEqual({ before: "train", after: null });
});
