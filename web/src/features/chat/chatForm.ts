import type { AnswerOptions } from "../../shared/api/ask";
import { type Bounds, type NumberFault, numberFault, parseNumber } from "../../shared/lib/numbers";

const BOUNDS = {
  temperature: { min: 0, max: 5, whole: false },
  max_tokens: { min: 1, max: 4096, whole: true },
  top_k: { min: 0, max: 1_000_000, whole: true },
  top_p: { min: 0, max: 1, whole: false },
  min_p: { min: 0, max: 1, whole: false },
  repeat_penalty: { min: 0.1, max: 10, whole: false },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
} satisfies Record<string, Bounds>;

export type NumberName = keyof typeof BOUNDS;
export const NUMBERS = Object.keys(BOUNDS) as NumberName[];

/** How answers are drawn, as it is typed. */
export interface ChatForm extends Record<NumberName, string> {
  /** What the model is told before the conversation. */
  system: string;
  /** One text a line. */
  stop: string;
  simultaneous: boolean;
}

export function newForm(usual: { temperature?: number; max_tokens?: number } | undefined): ChatForm {
  return {
    temperature: String(usual?.temperature ?? 0),
    max_tokens: String(usual?.max_tokens ?? 128),
    top_k: "0",
    top_p: "1",
    min_p: "0",
    repeat_penalty: "1",
    seed: "0",
    system: "",
    stop: "",
    simultaneous: true,
  };
}

export function faultsOf(form: ChatForm): Partial<Record<NumberName, NumberFault>> {
  const found = NUMBERS.map((name) => [name, numberFault(form[name], BOUNDS[name])] as const);
  return Object.fromEntries(found.filter(([, fault]) => fault !== null));
}

/** What the API takes; of a form without faults. A typed `\n` in a stop text is a line break. */
export function optionsOf(form: ChatForm): AnswerOptions {
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, parseNumber(form[name]) ?? 0])) as Record<NumberName, number>;
  const stop = form.stop.split("\n").map((line) => line.replaceAll("\\n", "\n"));
  return { ...numbers, stop: stop.filter((text) => text !== "") };
}
