import type { Hardware, TrainConfig, TrainRequest } from "../../shared/api/types";
import { type NumberFault, numberFault, parseNumber } from "../../shared/lib/numbers";

/** The numbers that a person may set, with their limits (the server has the same). */
export const NUMBERS = {
  epochs: { min: 0.01, max: 1000, whole: false },
  learning_rate: { min: 1e-9, max: 1, whole: false },
  rank: { min: 1, max: 1024, whole: true },
  alpha: { min: 0.01, max: 100000, whole: false },
  micro_batch_size: { min: 1, max: 1024, whole: true },
  gradient_accumulation_steps: { min: 1, max: 4096, whole: true },
  max_seq_len: { min: 16, max: 1_000_000, whole: true },
  eval_fraction: { min: 0, max: 0.5, whole: false },
  held_out_fraction: { min: 0, max: 0.5, whole: false },
  warmup_steps: { min: 0, max: 10_000_000, whole: true },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
} as const;

export type NumberField = keyof typeof NUMBERS;
export const NUMBER_FIELDS = Object.keys(NUMBERS) as NumberField[];

/** What stands in the form: numbers as they are typed. */
export type FormValues = Record<NumberField, string> & {
  name: string;
  method: TrainConfig["method"];
  schedule: TrainConfig["schedule"];
  precision: TrainConfig["precision"];
};

/** The usual settings, made smaller where the machine's memory asks for it. */
export function startValues(usual: TrainConfig, plan: Hardware["plan"]): FormValues {
  const fitting = plan?.fits ? plan : null;
  return {
    name: "",
    method: usual.method,
    schedule: usual.schedule,
    precision: fitting?.precision ?? usual.precision,
    epochs: String(usual.epochs ?? 3),
    learning_rate: String(usual.learning_rate),
    rank: String(usual.rank),
    alpha: String(usual.alpha),
    micro_batch_size: String(fitting?.micro_batch_size ?? usual.micro_batch_size),
    gradient_accumulation_steps: String(usual.gradient_accumulation_steps),
    max_seq_len: String(fitting?.max_seq_len ?? usual.max_seq_len),
    eval_fraction: String(usual.eval_fraction),
    held_out_fraction: String(usual.held_out_fraction),
    warmup_steps: String(usual.warmup_steps),
    seed: String(usual.seed),
  };
}

/** What is wrong with each number; `context` is how many tokens the model sees at once. */
export function check(values: FormValues, context: number | null): Partial<Record<NumberField, NumberFault>> {
  const faults: Partial<Record<NumberField, NumberFault>> = {};
  for (const field of NUMBER_FIELDS) {
    const max = field === "max_seq_len" && context !== null ? context : NUMBERS[field].max;
    const fault = numberFault(values[field], { ...NUMBERS[field], max });
    if (fault) faults[field] = fault;
  }
  return faults;
}

/** The request for values that have no fault. */
export function request(values: FormValues): TrainRequest {
  const numbers = Object.fromEntries(NUMBER_FIELDS.map((field) => [field, parseNumber(values[field]) ?? 0]));
  const { method, schedule, precision } = values;
  const name = values.name.trim();
  return { ...numbers, method, schedule, precision, ...(name ? { name } : {}) };
}
