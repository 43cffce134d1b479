import { describe, expect, it } from "vitest";
import { type Answer, type Exchange, history, restore } from "./conversation";

const answer = (text: string, state: Answer["state"] = "done"): Answer => ({ text, prompt: null, state, done: null, problem: null });

describe("history", () => {
  it("gives each side its own answers only", () => {
    const exchanges: Exchange[] = [
      { question: "One?", answers: { base: answer("b1"), adapter: answer("a1") } },
      { question: "Two?", answers: { adapter: answer("a2") } },
      { question: "Three?", answers: { base: answer("", "failed"), adapter: answer("a3 begun", "stopped") } },
    ];
    const words = (side: "base" | "adapter") => history(exchanges, side, "Four?").map((message) => message.content);
    expect(words("base")).toEqual(["One?", "b1", "Four?"]);
    expect(words("adapter")).toEqual(["One?", "a1", "Two?", "a2", "Three?", "a3 begun", "Four?"]);
  });
  it("begins with what the model is told", () => {
    const roles = (system: string) => history([], "base", "One?", system).map((message) => message.role);
    expect(roles("Be brief.")).toEqual(["system", "user"]);
    expect(roles(" ")).toEqual(["user"]);
  });
});

describe("restore", () => {
  it("brings a conversation back, with answers that were being written as stopped", () => {
    const kept: Exchange[] = [{ question: "One?", answers: { base: answer("begun", "writing") } }];
    expect(restore(JSON.stringify(kept))[0]?.answers.base?.state).toBe("stopped");
  });
  it("begins anew with nothing, or with what it cannot read", () => {
    expect(restore(null)).toEqual([]);
    expect(restore("{broken")).toEqual([]);
  });
});
