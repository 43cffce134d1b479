import type { components } from "../api/schema";

export type StepId = components["schemas"]["StepId"];
export type StepState = components["schemas"]["StepState"];

/** The steps of a project, in the order in which people go through them; each is an address below the project's. */
export const STEP_IDS = ["model", "task", "data", "preview", "review", "hardware", "train", "export"] as const satisfies readonly StepId[];

/** Pages beside the steps. */
export const BESIDE_IDS = ["results", "chat"] as const;

/** The step to go on with: the first that is not done; null when all are. */
export function nextStep(steps: readonly { id: StepId; state: StepState }[]): StepId | null {
  return steps.find((step) => step.state !== "done")?.id ?? null;
}

/** The steps before and after one; null at the ends. */
export function neighbours(step: StepId): { before: StepId | null; after: StepId | null } {
  const index = STEP_IDS.indexOf(step);
  return { before: STEP_IDS[index - 1] ?? null, after: STEP_IDS[index + 1] ?? null };
}
