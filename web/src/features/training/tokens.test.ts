import { expect, it } from "vitest";
import { runsOf, visible } from "./tokens";

const token = (text: string, learned: boolean) => ({ id: 1, text, learned, special: false });

it("puts neighbours of the same treatment together, and what is cut apart", () => {
  const tokens = [token("a", false), token("b", false), token("c", true), token("d", true), token("e", false), token("f", true)];
  const short = (length: number) => runsOf(tokens, length).map((run) => [run.part, run.tokens.map(({ text }) => text).join("")]);
  expect(short(6)).toEqual([["given", "ab"], ["learned", "cd"], ["given", "e"], ["learned", "f"]]);
  expect(short(3)).toEqual([["given", "ab"], ["learned", "c"], ["cut", "def"]]);
  expect(runsOf([], 5)).toEqual([]);
});

it("shows what cannot be seen", () => {
  expect(visible("a\n\tb")).toBe("a⏎\n⇥\tb");
});
