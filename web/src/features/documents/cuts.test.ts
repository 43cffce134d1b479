import { expect, it } from "vitest";
import { cutPage } from "./cuts";

const chunk = (index: number, start: number | null, end: number | null) => ({ index, tokens: 3, start, end });
const shown = (start: number, text: string, chunks: ReturnType<typeof chunk>[]) =>
  cutPage({ number: 1, start, text }, chunks).map(({ chunk: of, text: piece, begins }) => [of?.index ?? null, piece, begins]);

it("cuts a page where its passages begin and end", () => {
  expect(shown(0, "One two. Three. Rest", [chunk(0, 0, 8), chunk(1, 9, 15)])).toEqual([
    [0, "One two.", true],
    [1, "Three.", true],
    [null, " Rest", false],
  ]);
});

it("goes on with a passage of the page before, and counts signs as the server does", () => {
  expect(shown(10, "😀😀 end. Next", [chunk(3, 4, 17), chunk(4, 18, 22), chunk(5, 40, 50), chunk(6, null, null)])).toEqual([
    [3, "😀😀 end.", false],
    [4, "Next", true],
  ]);
});

it("begins a passage inside the one that it overlaps", () => {
  expect(shown(0, "abcdef", [chunk(0, 0, 4), chunk(1, 2, 6)])).toEqual([
    [0, "ab", true],
    [1, "cdef", true],
  ]);
});
