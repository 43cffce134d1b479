/** `count` entries from all over a list, in its order: examples that stand together ask about the same fact. */
export function spread<Entry>(list: readonly Entry[], count: number): Entry[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, index) => list[Math.floor(((index + 0.5) * list.length) / count)] as Entry);
}
