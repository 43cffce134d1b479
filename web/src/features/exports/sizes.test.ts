import { expect, test } from "vitest";
import { estimatedBytes, suggested } from "./sizes";

test("sizes follow from parameters and bits", () => {
  expect(estimatedBytes(1_000_000, 16)).toBe(2_000_000);
  expect(estimatedBytes(8, 4.5)).toBe(5);
  expect(estimatedBytes(null, 16)).toBeNull();
});

test("the suggestion is one of what is offered", () => {
  expect(suggested(["f32", "f16", "q8_0"])).toBe("q8_0");
  expect(suggested(["f32"])).toBe("f32");
  expect(suggested([])).toBeUndefined();
});
