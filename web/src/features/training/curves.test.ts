import { describe, expect, it } from "vitest";
import { type Course, curvesOf, smoothed, thinned, usualStrength } from "./curves";
import type { StepPoint } from "./runStream";

const step = (number: number, loss: number | null, more: Partial<StepPoint> = {}): StepPoint => ({
  step: number,
  loss,
  learningRate: 0.001 * number,
  tokensPerSecond: null,
  secondsLeft: null,
  epoch: number / 10,
  seconds: number * 2,
  gradNorm: null,
  memoryBytes: null,
  ...more,
});
const course = (id: string, steps: StepPoint[], evaluations: Course["evaluations"] = []): Course => ({ id, name: id, steps, evaluations });

describe("smoothed", () => {
  it("begins at the first value, stays inside the range and skips gaps", () => {
    const values = smoothed([4, null, 2, 3, 1], 0.7);
    expect(values[0]).toBeCloseTo(4);
    expect(values[1]).toBeNull();
    for (const value of values) if (value !== null) expect(value).toBeGreaterThanOrEqual(1);
    expect(smoothed([2, 2, 2], 0.9)).toEqual([2, 2, 2].map((value) => expect.closeTo(value)));
  });

  it("changes nothing at strength 0, and is corrected for its beginning", () => {
    expect(smoothed([4, 1, 3], 0)).toEqual([4, 1, 3]);
    // (0.5·2 + 0.5·0.5·4) / (1 - 0.25)
    expect(smoothed([4, 2], 0.5)[1]).toBeCloseTo(2 / 0.75);
    expect(usualStrength(10)).toBeCloseTo(2 / 3);
    expect(usualStrength(1000)).toBeCloseTo(1 - 1 / 17);
    expect(usualStrength(44_500)).toBe(0.98);
  });
});

describe("curvesOf", () => {
  const first = course("a", [step(1, 3), step(2, 2)], [{ step: 2, loss: 2.5 }]);
  const second = course("b", [step(2, 5), step(4, 4)]);

  it("puts trainings of different length on one axis", () => {
    const { places, lines } = curvesOf([first, second], "loss", "step", 0);
    expect(places).toEqual([1, 2, 4]);
    expect(lines).toEqual([
      { run: 0, role: "raw", values: [3, 2, null] },
      { run: 0, role: "evaluation", values: [null, 2.5, null] },
      { run: 1, role: "raw", values: [null, 5, 4] },
    ]);
  });

  it("runs along epochs or time, with the evaluations at their steps", () => {
    expect(curvesOf([first], "loss", "epoch", 0).places).toEqual([0.1, 0.2]);
    const time = curvesOf([first], "loss", "time", 0.5);
    expect(time.places).toEqual([2, 4]);
    expect(time.lines.map((line) => line.role)).toEqual(["raw", "smooth", "evaluation"]);
    expect(time.lines[2]?.values).toEqual([null, 2.5]);
    // An evaluation whose step is not known has no place in time.
    const lost = course("c", [step(1, 3)], [{ step: 9, loss: 1 }]);
    expect(curvesOf([lost], "loss", "time", 0).places).toEqual([2]);
    expect(curvesOf([lost], "loss", "step", 0).places).toEqual([1, 9]);
  });

  it("leaves out what a logarithmic scale cannot show, and other figures' evaluations", () => {
    const flat = course("d", [step(1, 0), step(2, 1)], [{ step: 2, loss: 1 }]);
    expect(curvesOf([flat], "loss", "step", 0, true).lines[0]?.values).toEqual([null, 1]);
    expect(curvesOf([flat], "learningRate", "step", 0).lines).toEqual([{ run: 0, role: "raw", values: [0.001, 0.002] }]);
    expect(curvesOf([], "loss", "step", 0.5)).toEqual({ places: [], lines: [] });
  });
});

it("thins to a number of points with both ends", () => {
  expect(thinned([1, 2, 3], 5)).toEqual([1, 2, 3]);
  const many = thinned(Array.from({ length: 1000 }, (_, index) => index), 50);
  expect([many.length, many[0], many.at(-1)]).toEqual([50, 0, 999]);
});
