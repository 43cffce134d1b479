import { describe, expect, it } from "vitest";
import { faultsOf, newForm, optionsOf } from "./chatForm";

describe("the settings of an answer", () => {
  it("begin with what is usual", () => {
    const form = newForm({ temperature: 0.7, max_tokens: 64 });
    expect(faultsOf(form)).toEqual({});
    expect(optionsOf(form)).toEqual({
      temperature: 0.7,
      max_tokens: 64,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      repeat_penalty: 1,
      seed: 0,
      stop: [],
    });
  });
  it("name what is wrong", () => {
    const form = { ...newForm(undefined), top_p: "1.5", top_k: "2.5", seed: "x" };
    expect(faultsOf(form)).toEqual({
      top_p: { key: "outOfRange", min: 0, max: 1 },
      top_k: { key: "wholeNumber" },
      seed: { key: "numberNeeded" },
    });
  });
  it("take a comma for a point, and a stop text from each line", () => {
    const form = { ...newForm(undefined), min_p: "0,05", stop: "END\n\n\\n\\n" };
    expect(optionsOf(form)).toMatchObject({ min_p: 0.05, stop: ["END", "\n\n"] });
  });
});
