/** About how large a file with so many weights gets; null where the model's size is not known. */
export function estimatedBytes(parameters: number | null | undefined, bitsPerWeight: number): number | null {
  return parameters == null ? null : Math.round((parameters * bitsPerWeight) / 8);
}

/** What most people should take: the smallest format that loses next to nothing. */
export function suggested(ids: readonly string[]): string | undefined {
  return ["q8_0", "f16"].find((id) => ids.includes(id)) ?? ids[0];
}
