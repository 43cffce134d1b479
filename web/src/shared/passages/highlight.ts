import type { Message } from "../api/types";

/** An example, as far as its passage is concerned. */
export interface Made {
  messages: readonly Message[];
  /** The sentence that it was made of, where that is known. */
  sentence?: string | null | undefined;
}

/** A part of a passage, as positions in it. */
export interface Span {
  start: number;
  end: number;
}

/** `exact`: the sentence that the example was made of; `likely`: the sentences that share the answer's words. */
export interface Marked {
  kind: "exact" | "likely" | "none";
  spans: Span[];
}

/** The share of a sentence's words, or of the answer's, that both must have. */
const SHARED = 0.5;

/** Words that say something: not the short ones, without accents, in lower case. */
export function wordsOf(text: string): Set<string> {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return new Set(plain.match(/[\p{L}\p{N}]+/gu)?.filter((word) => word.length > 3 || /\d/.test(word)) ?? []);
}

/** The passage's sentences, each with its place. */
export function sentencesOf(text: string): Span[] {
  const spans: Span[] = [];
  for (const { segment, index } of new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(text)) {
    // A line end ends a sentence too: headings and list entries have no full stop.
    let start = index;
    for (const line of segment.split(/(?<=\n)/)) {
      const lead = line.length - line.trimStart().length;
      const body = line.trim();
      if (body) spans.push({ start: start + lead, end: start + lead + body.length });
      start += line.length;
    }
  }
  return spans;
}

/** Where in the passage an example comes from. */
export function sourceOf(passage: string, example: Made): Marked {
  const sentence = example.sentence?.trim();
  const found = sentence ? passage.indexOf(sentence) : -1;
  if (sentence && found >= 0) return { kind: "exact", spans: [{ start: found, end: found + sentence.length }] };
  const answer = wordsOf(
    example.messages
      .filter((message) => message.role === "assistant")
      .map((message) => message.content)
      .join("\n"),
  );
  const scored = sentencesOf(passage).map((span) => {
    const words = wordsOf(passage.slice(span.start, span.end));
    const shared = [...words].filter((word) => answer.has(word)).length;
    const least = Math.min(words.size, answer.size);
    return { span, shared, share: least === 0 ? 0 : shared / least };
  });
  let chosen = scored.filter(({ shared, share }) => shared >= 2 && share >= SHARED);
  if (chosen.length === 0) {
    const best = scored.reduce<(typeof scored)[number] | null>((before, one) => (one.shared > (before?.shared ?? 1) ? one : before), null);
    chosen = best ? [best] : [];
  }
  return chosen.length === 0 ? { kind: "none", spans: [] } : { kind: "likely", spans: chosen.map(({ span }) => span) };
}
