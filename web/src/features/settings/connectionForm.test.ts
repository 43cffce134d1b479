import { describe, expect, it } from "vitest";
import type { Connection } from "../../shared/api/types";
import { check, keyState, originOf, request, startValues } from "./connectionForm";

const CLOUD: Connection = {
  id: "work",
  kind: "ollama_cloud",
  label: "Ollama Cloud",
  address: "https://ollama.com/v1",
  model: "gpt-oss:20b",
  has_key: true,
  needs_key: true,
  timeout_seconds: 300,
  concurrency: 4,
  prompt_price: 2.5,
  completion_price: null,
  leaves_the_machine: true,
  problem: null,
};

describe("the form of a connection", () => {
  it("keeps a key for its own host, and asks for it again elsewhere", () => {
    const values = startValues(CLOUD, false);
    expect(keyState(values, CLOUD)).toBe("kept");
    expect(check(values, CLOUD, true, [])).toEqual({});
    expect(request(values)).not.toHaveProperty("key");
    expect(keyState({ ...values, address: "https://ollama.com/other" }, CLOUD)).toBe("kept");
    const moved = { ...values, address: "https://ollama.com.example.org/v1" };
    expect(keyState(moved, CLOUD)).toBe("again");
    expect(check(moved, CLOUD, true, [])).toEqual({ key: "needsKey" });
    expect(check({ ...moved, key: "k" }, CLOUD, true, [])).toEqual({});
    expect(check(moved, CLOUD, false, [])).toEqual({});
  });

  it("sends a key that was typed, forgets one when asked to, and empties a price", () => {
    const values = startValues(CLOUD, false);
    expect(request({ ...values, key: " secret " })).toMatchObject({ key: "secret", prompt_price: 2.5, completion_price: null });
    expect(request({ ...values, forgetKey: true, promptPrice: "" })).toMatchObject({ key: "", prompt_price: null });
  });

  it("names every field that is wrong", () => {
    const values = { ...startValues(CLOUD, true), id: "Work!", address: "localhost:11434", timeout: "0", concurrency: "1,5", promptPrice: "-1" };
    expect(check({ ...values, key: "k" }, null, true, [])).toEqual({
      id: "nameFault",
      address: "addressFault",
      timeout: { key: "outOfRange", min: 1, max: 3600 },
      concurrency: { key: "wholeNumber" },
      promptPrice: expect.objectContaining({ key: "outOfRange" }),
    });
    const taken = { ...startValues(CLOUD, true), id: "work", key: "k" };
    expect(check(taken, null, true, ["work"])).toEqual({ id: "nameTaken" });
  });

  it("sets only the model of what is part of the program", () => {
    const inside = { ...CLOUD, id: "built_in", kind: "built_in", address: "", has_key: false, needs_key: false };
    expect(request(startValues(inside, false))).toEqual({ kind: "built_in", model: "gpt-oss:20b" });
    expect(check(startValues(inside, false), inside, false, [])).toEqual({});
  });
});

it.each([
  ["http://localhost:11434/v1", "http://localhost:11434"],
  [" https://example.org/v1 ", "https://example.org"],
  ["localhost:11434", null],
  ["ftp://example.org", null],
  ["", null],
])("sees %j at %j", (address, origin) => expect(originOf(address)).toBe(origin));
