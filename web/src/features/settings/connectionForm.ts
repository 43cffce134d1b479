import type { Connection, SetConnection } from "../../shared/api/types";
import { type NumberFault, numberFault, optionalFault, parseNumber } from "../../shared/lib/numbers";

/** What stands in the form: numbers as they are typed. */
export interface ConnectionValues {
  kind: string;
  id: string;
  address: string;
  key: string;
  forgetKey: boolean;
  model: string;
  timeout: string;
  concurrency: string;
  promptPrice: string;
  completionPrice: string;
}

/** The limits of the server. */
const NUMBERS = {
  timeout: { min: 1, max: 3600, whole: true },
  concurrency: { min: 1, max: 64, whole: true },
} as const;
const PRICE = { min: 0, max: 1_000_000_000, whole: false } as const;

export interface ConnectionFaults {
  id?: "nameFault" | "nameTaken";
  address?: "addressFault";
  key?: "needsKey";
  timeout?: NumberFault;
  concurrency?: NumberFault;
  promptPrice?: NumberFault;
  completionPrice?: NumberFault;
}

/** Kinds that are reached at an address; the other one is part of the program. */
export function isRemote(kind: string): boolean {
  return kind !== "built_in";
}

/** The form of a connection; that of a new one begins with what its kind says. */
export function startValues(connection: Connection, isNew: boolean): ConnectionValues {
  const text = (value: number | null | undefined) => (value == null ? "" : String(value));
  return {
    kind: connection.kind,
    id: isNew ? "" : connection.id,
    address: connection.address,
    key: "",
    forgetKey: false,
    model: isNew ? "" : (connection.model ?? ""),
    timeout: text(connection.timeout_seconds),
    concurrency: text(connection.concurrency),
    promptPrice: text(connection.prompt_price),
    completionPrice: text(connection.completion_price),
  };
}

/** Scheme, host and port of an address; null where it is none. */
export function originOf(address: string): string | null {
  try {
    const url = new URL(address.trim());
    return /^https?:$/.test(url.protocol) && url.host !== "" ? url.origin : null;
  } catch {
    return null;
  }
}

/** What becomes of the kept key: a key belongs to the address that it was entered for. */
export function keyState(values: ConnectionValues, before: Connection | null): "none" | "kept" | "again" {
  if (!before?.has_key) return "none";
  return originOf(values.address) === originOf(before.address) ? "kept" : "again";
}

/** What is wrong; `taken` are the names of the others. */
export function check(values: ConnectionValues, before: Connection | null, needsKey: boolean, taken: string[]): ConnectionFaults {
  const faults: ConnectionFaults = {};
  if (!before && !/^[a-z0-9_-]{1,40}$/.test(values.id)) faults.id = "nameFault";
  else if (!before && taken.includes(values.id)) faults.id = "nameTaken";
  if (!isRemote(values.kind)) return faults;
  if (originOf(values.address) === null) faults.address = "addressFault";
  const isKept = keyState(values, before) === "kept" && !values.forgetKey;
  if (needsKey && values.key.trim() === "" && !isKept && !values.forgetKey) faults.key = "needsKey";
  const numbers = {
    timeout: numberFault(values.timeout, NUMBERS.timeout),
    concurrency: numberFault(values.concurrency, NUMBERS.concurrency),
    promptPrice: optionalFault(values.promptPrice, PRICE),
    completionPrice: optionalFault(values.completionPrice, PRICE),
  };
  for (const [field, fault] of Object.entries(numbers)) if (fault) faults[field as keyof typeof numbers] = fault;
  return faults;
}

/** The request for values that have no fault. */
export function request(values: ConnectionValues): SetConnection {
  const model = values.model.trim();
  if (!isRemote(values.kind)) return { kind: values.kind, model };
  const key = values.key.trim();
  return {
    kind: values.kind,
    address: values.address.trim(),
    model,
    timeout_seconds: parseNumber(values.timeout),
    concurrency: parseNumber(values.concurrency),
    prompt_price: parseNumber(values.promptPrice),
    completion_price: parseNumber(values.completionPrice),
    ...(key ? { key } : values.forgetKey ? { key: "" } : {}),
  };
}
