import type { EvaluationPoint, StepPoint } from "./runStream";

/** What the chart runs along: steps, times through the examples, or seconds of training. */
export type Axis = "step" | "epoch" | "time";
export type Figure = "loss" | "learningRate" | "gradNorm" | "tokensPerSecond" | "memoryBytes";

/** The course of one training. */
export interface Course {
  id: string;
  name: string;
  steps: readonly StepPoint[];
  evaluations: readonly EvaluationPoint[];
}

/** One line of the chart: a value or a gap at each place. */
export interface Line {
  run: number;
  role: "raw" | "smooth" | "evaluation";
  values: (number | null)[];
}

export interface Curves {
  places: number[];
  lines: Line[];
}

const place = (point: StepPoint, axis: Axis): number | null =>
  axis === "step" ? point.step : axis === "epoch" ? point.epoch : point.seconds;

/**
 * A running mean that lets the course be seen through the noise: each value counts `1 - strength`, the mean before it
 * `strength`, corrected for its beginning (as TensorBoard's). 0 changes nothing.
 */
export function smoothed(values: readonly (number | null)[], strength: number): (number | null)[] {
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    mean = strength * mean + (1 - strength) * value;
    weight = strength * weight + (1 - strength);
    return mean / weight;
  });
}

const MOST_USUAL = 0.98;

/** A strength that suits the length: long courses are smoothed over more steps, up to some fifty. */
export function usualStrength(steps: number): number {
  return Math.min(MOST_USUAL, 1 - 1 / Math.max(3, Math.round(steps / 60)));
}

/** The courses on one axis. On a logarithmic scale what is not above 0 is a gap. */
export function curvesOf(courses: readonly Course[], figure: Figure, axis: Axis, strength: number, logarithmic = false): Curves {
  const fit = (value: number | null) => (value === null || (logarithmic && value <= 0) ? null : value);
  const drawn = courses.flatMap((course, run) => {
    const points = course.steps.flatMap((point) => {
      const at = place(point, axis);
      return at === null ? [] : [{ at, step: point.step, value: fit(point[figure]) }];
    });
    const at = points.map((point) => point.at);
    const raw = points.map((point) => point.value);
    const lines: { run: number; role: Line["role"]; at: number[]; values: (number | null)[] }[] = [{ run, role: "raw", at, values: raw }];
    if (strength > 0) lines.push({ run, role: "smooth", at, values: smoothed(raw, strength) });
    if (figure === "loss" && course.evaluations.length > 0) {
      const byStep = new Map(points.map((point) => [point.step, point.at]));
      const measured = course.evaluations.flatMap((point) => {
        const where = byStep.get(point.step) ?? (axis === "step" ? point.step : undefined);
        return where === undefined ? [] : [{ at: where, value: fit(point.loss) }];
      });
      lines.push({ run, role: "evaluation", at: measured.map((point) => point.at), values: measured.map((point) => point.value) });
    }
    return lines;
  });
  const places = [...new Set(drawn.flatMap((line) => line.at))].sort((a, b) => a - b);
  const index = new Map(places.map((at, position) => [at, position]));
  const lines = drawn.map(({ run, role, at, values }): Line => {
    const aligned: (number | null)[] = new Array<null>(places.length).fill(null);
    at.forEach((where, position) => {
      aligned[index.get(where) ?? 0] = values[position] ?? null;
    });
    return { run, role, values: aligned };
  });
  return { places, lines };
}

/** At most `most` of the points, spread evenly, the first and the last among them. */
export function thinned<Point>(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points];
  const stride = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => points[Math.round(index * stride)] as Point);
}
