import { expect, it } from "vitest";
import type { Connection } from "../api/types";
import { whereTo } from "./whereTo";

const connection = (kind: string, leaves_the_machine: boolean) => ({ kind, leaves_the_machine }) as Connection;

it("says whether what is sent leaves the computer", () => {
  expect(whereTo(connection("built_in", false), "base")).toBe("program");
  expect(whereTo(connection("ollama", false), "qwen3:4b")).toBe("computer");
  expect(whereTo(connection("ollama", false), "gpt-oss:120b-cloud")).toBe("cloud");
  expect(whereTo(connection("ollama", false), "kimi-k2:cloud")).toBe("cloud");
  expect(whereTo(connection("openai_compatible", false), "my-cloud")).toBe("computer");
  expect(whereTo(connection("ollama_cloud", true), "gpt-oss:20b")).toBe("away");
});
