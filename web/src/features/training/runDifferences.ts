import type { Run, TrainConfig } from "../../shared/api/types";

/** A setting in which trainings differ, and what it is in one of them. */
export interface Difference {
  field: keyof TrainConfig;
  value: string;
}

const written = (value: unknown): string => (value === null || value === undefined ? "–" : String(value));

/** For each training the settings that are not the same in all of them. */
export function differences(runs: readonly Pick<Run, "id" | "config">[]): Map<string, Difference[]> {
  const fields = [...new Set(runs.flatMap((run) => Object.keys(run.config)))] as (keyof TrainConfig)[];
  const differing = fields.filter((field) => new Set(runs.map((run) => written(run.config[field]))).size > 1);
  return new Map(
    runs.map((run) => [
      run.id,
      // What one of them has no value for (epochs beside steps) is told where it has one.
      differing.map((field) => ({ field, value: written(run.config[field]) })).filter(({ value }) => value !== "–"),
    ]),
  );
}
