/** What a number may be. */
export interface Bounds {
  min: number;
  max: number;
  whole: boolean;
}

export type NumberFault = { key: "numberNeeded" | "wholeNumber" } | { key: "outOfRange"; min: number; max: number };

/** A number as people type it, with a comma or a point; null when it is none. */
export function parseNumber(text: string): number | null {
  const plain = text.trim().replace(/[\s\u00a0\u202f]/g, "").replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** What is wrong with a number as it is typed. */
export function numberFault(text: string, { min, max, whole }: Bounds): NumberFault | null {
  const value = parseNumber(text);
  if (value === null) return { key: "numberNeeded" };
  if (value < min || value > max) return { key: "outOfRange", min, max };
  return whole && !Number.isInteger(value) ? { key: "wholeNumber" } : null;
}

/** The same for a field that may be empty. */
export function optionalFault(text: string, bounds: Bounds): NumberFault | null {
  return text.trim() === "" ? null : numberFault(text, bounds);
}
