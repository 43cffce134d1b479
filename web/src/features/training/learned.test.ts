import { expect, it } from "vitest";
import { hasHardlyLearned, lossesOf } from "./learned";
import type { StepPoint } from "./runStream";

const steps = (...losses: (number | null)[]) => losses.map((loss, index) => ({ step: index + 1, loss }) as StepPoint);

it("tells where the loss stood by more than one step", () => {
  const twenty = steps(6, 4, ...Array.from({ length: 16 }, () => 3), 1, 2);
  expect(lossesOf(twenty)).toEqual({ first: 5, last: 1.5 });
  expect(lossesOf(steps(null, 3, 2))).toEqual({ first: 3, last: 2 });
  expect(lossesOf(steps(2))).toBeNull();
});

it("notices a training that brought next to nothing, and leaves one alone that had nothing to learn", () => {
  expect(hasHardlyLearned({ first: 7.5, last: 7.9 })).toBe(true);
  expect(hasHardlyLearned({ first: 5.2, last: 4.9 })).toBe(true);
  expect(hasHardlyLearned({ first: 5.2, last: 1.1 })).toBe(false);
  expect(hasHardlyLearned({ first: 0.2, last: 0.19 })).toBe(false);
  expect(hasHardlyLearned(null)).toBe(false);
});
