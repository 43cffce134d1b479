import { describe, expect, it } from "vitest";
import type { Connection, WriteDataset } from "../../shared/api/types";
import { isTooSmall } from "./isTooSmall";
import { check, keptValues, request, startValues } from "./writeForm";

const connection = (id: string, model: string | null, problem: string | null = null) => ({ id, kind: id, model, problem }) as Connection;
const INSIDE = connection("built_in", "base");
const OLLAMA = connection("ollama", null);
const OWN = connection("own", "small");
const UNSET = connection("openai_compatible", null, "address is no address");

const LAST: WriteDataset = {
  connection: "own",
  model: "large",
  task: "chat",
  language: "French",
  tone: "dry",
  examples_per_chunk: 3,
  max_tokens: 512,
  temperature: 0.699999988079071,
  use_schema: false,
  prompt: null,
  file_ids: ["file-1"],
  approve: true,
  max_calls: 100,
  max_total_tokens: null,
};

describe("the form of a writing", () => {
  it("begins with a connection that works and has a model, in the project's language", () => {
    const values = startValues(null, [UNSET, OLLAMA, OWN], "fr");
    expect(values).toMatchObject({ connection: "own", model: "small", language: "French", file_ids: null, approve: false });
    expect(startValues(null, [INSIDE, OLLAMA, OWN], "en"), "the model inside the program comes last").toMatchObject({ connection: "own" });
    expect(startValues(null, [OLLAMA, INSIDE], "en")).toMatchObject({ connection: "built_in", model: "base" });
    expect([isTooSmall(INSIDE, "base"), isTooSmall(INSIDE, "Qwen/Qwen3-4B"), isTooSmall(OWN, "base"), isTooSmall(null, "base")]).toEqual([true, false, false, false]);
    expect(startValues(null, [UNSET, OLLAMA], "en")).toMatchObject({ connection: "ollama", model: "", language: "English" });
  });

  it("begins as the last writing was asked for", () => {
    const values = startValues(LAST, [OLLAMA, OWN], "en");
    expect(values).toMatchObject({ model: "large", task: "chat", tone: "dry", temperature: "0.7", max_calls: "100", max_total_tokens: "" });
    expect(request(values)).toEqual({ ...LAST, temperature: 0.7, prompt: undefined });
    expect(startValues(LAST, [OLLAMA], "en"), "its connection is gone").toMatchObject({ connection: "ollama", model: "" });
  });

  it("begins with the task that was chosen for the project", () => {
    expect(startValues(null, [OWN], "en", { task: "summary", language: "fr", tone: "dry" })).toMatchObject({ task: "summary", language: "French", tone: "dry" });
    expect(startValues(null, [OWN], "en", { task: 7, language: "German" })).toMatchObject({ task: "question_answer", language: "German" });
    expect(startValues(LAST, [OWN], "en", { task: "summary" }), "what was written last counts more").toMatchObject({ task: "chat" });
  });

  it("goes on where it was left, as far as that can be used", () => {
    const start = startValues(null, [OWN, OLLAMA], "en");
    const kept = { tone: "dry", examples_per_chunk: "x3", use_schema: "yes", file_ids: ["a"], prompt: null, unknown: 1, temperature: 0.7 };
    expect(keptValues(start, kept, [OWN, OLLAMA])).toEqual({ ...start, tone: "dry", examples_per_chunk: "x3", file_ids: ["a"] });
    expect(keptValues(start, { connection: "ollama", model: "m" }, [OWN, OLLAMA])).toMatchObject({ connection: "ollama", model: "m" });
    expect(keptValues(start, { connection: "gone", model: "m" }, [OWN, OLLAMA]), "a connection that is gone").toMatchObject({ connection: "own", model: "small" });
  });

  it("names every field that is wrong", () => {
    const values = { ...startValues(LAST, [OWN], "en"), model: " ", examples_per_chunk: "21", temperature: "warm", max_calls: "0", prompt: "no place", file_ids: [] };
    expect(check(values, UNSET)).toEqual({
      connection: "connectionFault",
      model: "modelFault",
      examples_per_chunk: { key: "outOfRange", min: 1, max: 20 },
      temperature: { key: "numberNeeded" },
      max_calls: expect.objectContaining({ key: "outOfRange" }),
      prompt: "promptFault",
      file_ids: "noDocument",
    });
    expect(check(startValues(LAST, [OWN], "en"), OWN)).toEqual({});
  });

  it("leaves out what the server knows better", () => {
    const body = request({ ...startValues(null, [OWN], "en"), tone: "  " });
    expect(body).not.toHaveProperty("tone");
    expect(body).not.toHaveProperty("prompt");
    expect(body).not.toHaveProperty("file_ids");
  });
});
