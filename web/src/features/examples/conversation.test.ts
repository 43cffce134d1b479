import { expect, it } from "vitest";
import { faults, nextTurn } from "./conversation";

const user = { role: "user", content: "Where?" };
const assistant = { role: "assistant", content: "Here." };

it("finds what keeps a conversation from being trained on", () => {
  expect(faults([user, assistant]).size).toBe(0);
  expect(faults([user, { ...assistant, content: " " }])).toEqual(new Map([[1, "emptyTurn"]]));
  expect(faults([user])).toEqual(new Map([[-1, "mustEnd"]]));
  expect(faults([assistant])).toEqual(new Map([[-1, "mustAsk"]]));
  expect(faults([])).toEqual(new Map([[-1, "mustEnd"]]));
});

it("goes on with the other speaker", () => {
  expect(nextTurn([user]).role).toBe("assistant");
  expect(nextTurn([user, assistant]).role).toBe("user");
});
