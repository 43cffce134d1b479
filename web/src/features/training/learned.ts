import type { StepPoint } from "./runStream";

/** A tenth of the steps, at the beginning or the end, tells where the loss stood: one step's examples may be easy. */
const SHARE = 0.1;
/** Above this the examples were news to the model, and it should have come to know them. */
const NEWS = 1;
/** A loss that keeps more than this of itself has hardly fallen. */
const HARDLY = 0.85;

/** The mean loss of the first and of the last steps; null where there are not two. */
export function lossesOf(steps: readonly StepPoint[]): { first: number; last: number } | null {
  const losses = steps.flatMap((point) => (point.loss === null ? [] : [point.loss]));
  if (losses.length < 2) return null;
  const some = Math.max(1, Math.round(losses.length * SHARE));
  const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  return { first: mean(losses.slice(0, some)), last: mean(losses.slice(-some)) };
}

/** Whether what the model was shown is as strange to it at the end as it was before. */
export function hasHardlyLearned(losses: { first: number; last: number } | null): boolean {
  return losses !== null && losses.first > NEWS && losses.last > HARDLY * losses.first;
}
