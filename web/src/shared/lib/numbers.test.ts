import { describe, expect, it } from "vitest";
import { numberFault, optionalFault, parseNumber } from "./numbers";

describe("parseNumber", () => {
  it.each([
    ["3", 3],
    [" 0.0002 ", 0.0002],
    ["0,0002", 0.0002],
    ["2e-4", 0.0002],
    ["1\u202f000", 1000],
    ["", null],
    ["three", null],
    ["1.2.3", null],
    ["1e999", null],
  ])("reads %j as %j", (text, value) => expect(parseNumber(text)).toBe(value));
});

it("says what is wrong with a number, and leaves an empty field alone where it may be empty", () => {
  const bounds = { min: 1, max: 20, whole: true };
  expect(numberFault("20", bounds)).toBeNull();
  expect(numberFault("21", bounds)).toEqual({ key: "outOfRange", min: 1, max: 20 });
  expect(numberFault("2,5", bounds)).toEqual({ key: "wholeNumber" });
  expect(numberFault(" ", bounds)).toEqual({ key: "numberNeeded" });
  expect(optionalFault(" ", bounds)).toBeNull();
  expect(optionalFault("0", bounds)).toEqual({ key: "outOfRange", min: 1, max: 20 });
});
