import type { Connection, WriteDataset } from "../../shared/api/types";
import { type NumberFault, numberFault, optionalFault, parseNumber } from "../../shared/lib/numbers";

/** The numbers that a person may set, with their limits (the server has the same). */
const NUMBERS = {
  examples_per_chunk: { min: 1, max: 20, whole: true },
  max_tokens: { min: 64, max: 32_768, whole: true },
  temperature: { min: 0, max: 2, whole: false },
} as const;
const BUDGET = { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true } as const;

export type BudgetField = "max_calls" | "max_total_tokens";
export type NumberName = keyof typeof NUMBERS | BudgetField;

/** What stands in the form: numbers as they are typed. */
export interface WriteValues extends Record<NumberName, string> {
  connection: string;
  model: string;
  task: string;
  language: string;
  tone: string;
  use_schema: boolean;
  /** Null: the stock prompt of the task. */
  prompt: string | null;
  /** Null: all documents. */
  file_ids: string[] | null;
  approve: boolean;
}

export interface WriteFaults extends Partial<Record<NumberName, NumberFault>> {
  connection?: "connectionFault";
  model?: "modelFault";
  tone?: "toneFault";
  prompt?: "promptFault";
  file_ids?: "noDocument";
}

/** Names of languages as the server and the models take them: in English words. */
export function languageWords(tag: string): string {
  return new Intl.DisplayNames("en", { type: "language" }).of(tag) ?? tag;
}

/** What was chosen in the step before, as far as it can be used: a language as a tag or in words. */
export interface ChosenTask {
  task?: unknown;
  language?: unknown;
  tone?: unknown;
}

function languageOf(chosen: unknown): string | null {
  if (typeof chosen !== "string" || chosen.trim() === "") return null;
  return /^[a-z]{2,3}$/i.test(chosen) ? languageWords(chosen) : chosen;
}

/** The form begins as the last writing was asked for, with the task that was chosen for the project, or with what is usual. */
export function startValues(last: WriteDataset | null, connections: Connection[], projectLanguage: string, chosen: ChosenTask = {}): WriteValues {
  const usable = connections.filter((connection) => connection.problem == null);
  const withModel = usable.filter((connection) => connection.model != null);
  const first =
    connections.find((connection) => connection.id === last?.connection) ??
    // The model inside the program is there for trying.
    withModel.find((connection) => connection.kind !== "built_in") ??
    withModel[0] ??
    usable[0];
  const text = (value: number | null | undefined, usual: string) => (value == null ? usual : String(value));
  return {
    connection: first?.id ?? "",
    model: last?.connection === first?.id ? (last?.model ?? first?.model ?? "") : (first?.model ?? ""),
    task: last?.task ?? (typeof chosen.task === "string" && chosen.task ? chosen.task : "question_answer"),
    language: last?.language ?? languageOf(chosen.language) ?? languageWords(projectLanguage),
    tone: last?.tone ?? (typeof chosen.tone === "string" ? chosen.tone : ""),
    examples_per_chunk: text(last?.examples_per_chunk, "5"),
    max_tokens: text(last?.max_tokens, "2048"),
    // A 32-bit number of the server: 0.7 comes back as 0.699999988079071.
    temperature: text(last?.temperature == null ? null : Number(last.temperature.toFixed(4)), "0.7"),
    max_calls: text(last?.max_calls, ""),
    max_total_tokens: text(last?.max_total_tokens, ""),
    use_schema: last?.use_schema ?? true,
    prompt: last?.prompt ?? null,
    file_ids: last?.file_ids ?? null,
    approve: last?.approve ?? false,
  };
}

/** The form as it was left: what is kept of it, over what it begins with. What another version kept otherwise is passed over. */
export function keptValues(start: WriteValues, kept: Readonly<Record<string, unknown>>, connections: readonly Connection[]): WriteValues {
  const values: Record<string, unknown> = { ...start };
  for (const [field, value] of Object.entries(kept)) {
    const fits =
      field === "file_ids"
        ? value === null || (Array.isArray(value) && value.every((id) => typeof id === "string"))
        : field === "prompt"
          ? value === null || typeof value === "string"
          : field in start && typeof value === typeof start[field as keyof WriteValues];
    if (fits) values[field] = value;
  }
  const isThere = connections.some((connection) => connection.id === values.connection);
  if (!isThere) Object.assign(values, { connection: start.connection, model: start.model });
  return values as unknown as WriteValues;
}

/** What is wrong with the bounds of the work. */
export function checkBudget(values: Record<BudgetField, string>): Partial<Record<BudgetField, NumberFault>> {
  const faults: Partial<Record<BudgetField, NumberFault>> = {};
  for (const field of ["max_calls", "max_total_tokens"] as const) {
    const fault = optionalFault(values[field], BUDGET);
    if (fault) faults[field] = fault;
  }
  return faults;
}

/** What is wrong with each field. */
export function check(values: WriteValues, connection: Connection | null): WriteFaults {
  const faults: WriteFaults = checkBudget(values);
  for (const [field, bounds] of Object.entries(NUMBERS)) {
    const fault = numberFault(values[field as keyof typeof NUMBERS], bounds);
    if (fault) faults[field as keyof typeof NUMBERS] = fault;
  }
  if (!connection || connection.problem != null) faults.connection = "connectionFault";
  if (values.model.trim() === "") faults.model = "modelFault";
  if (values.tone.trim().length > 100) faults.tone = "toneFault";
  if (values.prompt !== null && !values.prompt.includes("{{text}}")) faults.prompt = "promptFault";
  if (values.file_ids?.length === 0) faults.file_ids = "noDocument";
  return faults;
}

/** The request for values that have no fault. */
export function request(values: WriteValues): WriteDataset {
  const tone = values.tone.trim();
  return {
    connection: values.connection,
    model: values.model.trim(),
    task: values.task,
    language: values.language,
    examples_per_chunk: parseNumber(values.examples_per_chunk),
    max_tokens: parseNumber(values.max_tokens),
    temperature: parseNumber(values.temperature),
    use_schema: values.use_schema,
    approve: values.approve,
    max_calls: parseNumber(values.max_calls),
    max_total_tokens: parseNumber(values.max_total_tokens),
    ...(tone ? { tone } : {}),
    ...(values.prompt === null ? {} : { prompt: values.prompt }),
    ...(values.file_ids ? { file_ids: values.file_ids } : {}),
  };
}
