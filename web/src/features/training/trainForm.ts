import type { TrainConfig, TrainRequest } from "../../shared/api/types";
import { type NumberFault, numberFault, parseNumber } from "../../shared/lib/numbers";

/** The numbers that a person may set, with their limits (the server has the same). */
export const NUMBERS = {
  epochs: { min: 0.01, max: 1000, whole: false },
  max_steps: { min: 1, max: 10_000_000, whole: true },
  learning_rate: { min: 1e-9, max: 1, whole: false },
  rank: { min: 1, max: 1024, whole: true },
  alpha: { min: 0.01, max: 100000, whole: false },
  dropout: { min: 0, max: 0.9, whole: false },
  lora_plus_ratio: { min: 0.01, max: 1000, whole: false },
  micro_batch_size: { min: 1, max: 1024, whole: true },
  gradient_accumulation_steps: { min: 1, max: 4096, whole: true },
  max_seq_len: { min: 16, max: 1_000_000, whole: true },
  warmup_steps: { min: 0, max: 10_000_000, whole: true },
  weight_decay: { min: 0, max: 100, whole: false },
  max_grad_norm: { min: 0, max: 1_000_000, whole: false },
  eval_fraction: { min: 0, max: 0.5, whole: false },
  held_out_fraction: { min: 0, max: 0.5, whole: false },
  eval_steps: { min: 0, max: 10_000_000, whole: true },
  patience: { min: 0, max: 10_000, whole: true },
  checkpoint_steps: { min: 1, max: 10_000_000, whole: true },
  keep_checkpoints: { min: 1, max: 100, whole: true },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
} as const;

export type NumberField = keyof typeof NUMBERS;
export const NUMBER_FIELDS = Object.keys(NUMBERS) as NumberField[];
/** What only adapters have. */
const OF_ADAPTERS = new Set<string>(["rank", "alpha", "dropout", "lora_plus_ratio"]);

/** What stands in the form: numbers as they are typed. */
export type FormValues = Record<NumberField, string> & {
  name: string;
  /** Whether the length is given in times through the examples, or in steps. */
  length: "epochs" | "steps";
  method: TrainConfig["method"];
  schedule: TrainConfig["schedule"];
  precision: TrainConfig["precision"];
  /** Empty: as `precision`. */
  base_precision: "" | NonNullable<TrainConfig["base_precision"]>;
  target_modules: string;
  layers: string;
  use_rslora: boolean;
  packing: boolean;
};

/**
 * What a person chose and has not started yet, under the names of the request, as the server keeps it. A number that is
 * not written the usual way (“0,5”, or one that is not finished) is kept as its text.
 */
export type TrainChoices = { [Field in keyof TrainRequest]?: TrainRequest[Field] | string };

/** A number as it is kept. */
export function kept(text: string): number | string {
  const value = parseNumber(text);
  return value !== null && String(value) === text ? value : text;
}

/** What is shown: the choices over the project's usual settings. */
export function formValues(choices: TrainChoices, usual: TrainConfig): FormValues {
  const base: Record<string, unknown> = {
    ...usual,
    epochs: usual.epochs ?? 3,
    max_steps: usual.max_steps ?? 200,
  };
  // What is kept may be of another version, or of another page: nothing is taken that does not fit its field.
  const chosen = choices as Record<string, unknown>;
  const text = (field: string) => {
    const value = chosen[field];
    return typeof value === "string" || typeof value === "number" ? String(value) : String(base[field] ?? "");
  };
  const flag = (field: string) => (typeof chosen[field] === "boolean" ? chosen[field] : base[field] === true);
  const one = <Value extends string>(field: string, known: readonly Value[], otherwise: Value) =>
    known.find((value) => value === text(field)) ?? otherwise;
  return {
    ...(Object.fromEntries(NUMBER_FIELDS.map((field) => [field, text(field)])) as Record<NumberField, string>),
    name: typeof chosen.name === "string" ? chosen.name : "",
    length: chosen.max_steps == null ? "epochs" : "steps",
    method: one("method", ["lora", "dora", "full"], usual.method),
    schedule: one("schedule", ["constant", "linear", "cosine"], usual.schedule),
    precision: one("precision", ["f32", "bf16"], usual.precision),
    base_precision: one("base_precision", ["nf4", "q8"], "" as "nf4"),
    target_modules: text("target_modules"),
    layers: text("layers"),
    use_rslora: flag("use_rslora"),
    packing: flag("packing"),
  };
}

/** Whether a field means anything with the rest as it is. */
export function matters(values: FormValues, field: NumberField): boolean {
  if (field === "epochs") return values.length === "epochs";
  if (field === "max_steps") return values.length === "steps";
  return values.method !== "full" || !OF_ADAPTERS.has(field);
}

/** What is wrong with each number; `context` is how many tokens the model sees at once. */
export function check(values: FormValues, context: number | null): Partial<Record<NumberField, NumberFault>> {
  const faults: Partial<Record<NumberField, NumberFault>> = {};
  for (const field of NUMBER_FIELDS.filter((field) => matters(values, field))) {
    const max = field === "max_seq_len" && context !== null ? context : NUMBERS[field].max;
    const fault = numberFault(values[field], { ...NUMBERS[field], max });
    if (fault) faults[field] = fault;
  }
  return faults;
}

/** Stopping early needs examples that are held back. */
export function patienceIsIdle(values: FormValues): boolean {
  return (parseNumber(values.patience) ?? 0) > 0 && parseNumber(values.eval_fraction) === 0;
}

/** The request for values that have no fault. */
export function request(values: FormValues): TrainRequest {
  const fields = NUMBER_FIELDS.filter((field) => matters(values, field));
  const numbers: TrainRequest = Object.fromEntries(fields.map((field) => [field, parseNumber(values[field]) ?? 0]));
  const { method, schedule, precision, packing } = values;
  const name = values.name.trim();
  const adapters = {
    use_rslora: values.use_rslora,
    target_modules: values.target_modules,
    layers: values.layers.trim() || "all",
    ...(values.base_precision ? { base_precision: values.base_precision } : {}),
  };
  const all = { ...numbers, method, schedule, precision, packing, ...(method === "full" ? {} : adapters) };
  if (patienceIsIdle(values)) all.patience = 0;
  return name ? { ...all, name } : all;
}

/** The way of training that is chosen: the usual settings go by it. */
export function wayOf(choices: TrainChoices): { method?: TrainConfig["method"]; base_precision?: TrainConfig["base_precision"] } {
  const { method, base_precision } = choices as Record<string, unknown>;
  return {
    method: (["lora", "dora", "full"] as const).find((known) => known === method),
    base_precision: method === "full" ? undefined : (["nf4", "q8"] as const).find((known) => known === base_precision),
  };
}

/** Steps that a training of about so many tokens takes, and tokens of each; null where it cannot be told. */
export function stepsOf(values: FormValues, tokens: number | null | undefined): { steps: number; tokens: number } | null {
  const [rows, passes, length, epochs] = [values.micro_batch_size, values.gradient_accumulation_steps, values.max_seq_len, values.epochs].map(parseNumber);
  if (!rows || !passes || !length) return null;
  const size = rows * passes * length;
  if (values.length === "steps") return { steps: parseNumber(values.max_steps) ?? 0, tokens: size };
  if (!tokens || !epochs || !values.packing) return null;
  const share = 1 - (parseNumber(values.eval_fraction) ?? 0) - (parseNumber(values.held_out_fraction) ?? 0);
  return { steps: Math.max(1, Math.round((tokens * share * epochs) / size)), tokens: size };
}

/** The settings of a training as choices for the next one: only what differs from the usual ones. */
export function choicesOf(config: TrainConfig, usual: TrainConfig): TrainChoices {
  const differing = Object.entries(config).filter(
    ([field, value]) => value !== null && value !== (usual as unknown as Record<string, unknown>)[field],
  );
  return Object.fromEntries(differing) as TrainChoices;
}

/** The modules that are chosen; null: all of them. */
export function chosenModules(text: string): string[] | null {
  const names = text.split(",").map((name) => name.trim()).filter(Boolean);
  return names.includes("all-linear") || names.length === 0 ? null : names;
}

/** The modules that a model of this family has. Phi 3 has some of them in one. */
export function modulesOf(family: string | null, known: readonly { id: string }[]): string[] {
  const fused = ["qkv_proj", "gate_up_proj"];
  const parts = ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"];
  const missing = family === "phi3" ? parts : fused;
  return known.map((entry) => entry.id).filter((id) => id !== "all-linear" && !missing.includes(id));
}

/** The text for a choice of modules; none of them is no choice. */
export function modulesText(names: readonly string[], all: readonly string[]): string {
  return names.length === 0 || names.length === all.length ? "all-linear" : all.filter((name) => names.includes(name)).join(",");
}
