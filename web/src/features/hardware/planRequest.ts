import type { TrainRequest, WayPlan } from "../../shared/api/types";

/** Numbers and words of the training that decide about its memory. */
const NUMBERS = ["rank", "micro_batch_size", "gradient_accumulation_steps", "max_seq_len"] as const;
const WORDS = ["method", "base_precision", "precision", "target_modules", "layers"] as const;

/**
 * Of the chosen settings those that decide about memory. The training's form keeps what was typed, so that a field may
 * hold anything: what is no number where one belongs is left to its default.
 */
export function planRequest(chosen: object): TrainRequest {
  const values = chosen as Record<string, unknown>;
  const numbers = NUMBERS.filter((name) => Number.isInteger(values[name]) && Number(values[name]) > 0);
  const words = WORDS.filter((name) => typeof values[name] === "string" && values[name] !== "");
  return Object.fromEntries([...numbers, ...words].map((name) => [name, values[name]])) as TrainRequest;
}

/** What the training's form gets when a way is chosen; `undefined` takes a field out. */
export function settingsOf(way: string): Record<string, unknown> {
  return { method: way === "qlora" ? "lora" : way, base_precision: way === "qlora" ? "nf4" : undefined };
}

/** What the training's form gets so that a way fits. */
export function smallerSettings(way: WayPlan): Record<string, unknown> {
  const { smaller } = way;
  if (!smaller) return {};
  const { micro_batch_size, gradient_accumulation_steps, max_seq_len } = smaller;
  return { ...settingsOf(way.id), micro_batch_size, gradient_accumulation_steps, max_seq_len };
}

export const PARTS = ["weights", "adapters", "optimizer", "activations", "logits", "buffers"] as const;

/** The colours of the parts; each also has its name and size beside the bar. */
export const PART_COLOURS: Record<(typeof PARTS)[number], string> = {
  weights: "bg-accent",
  adapters: "bg-second",
  optimizer: "bg-warn",
  activations: "bg-good",
  logits: "bg-bad",
  buffers: "bg-strong-line",
};
