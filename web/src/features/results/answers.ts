import type { EvaluationAnswer } from "../../shared/api/types";

/** Answers about the same document; `name` is null for examples of no known document. */
export interface Group {
  kind: "document" | "own";
  name: string | null;
  answers: EvaluationAnswer[];
}

/** Answers by document, in the order of their first question; those of no document next to last, the person's own last. */
export function grouped(answers: readonly EvaluationAnswer[]): Group[] {
  const groups: Group[] = [];
  for (const answer of answers) {
    const kind = answer.set === "own" ? "own" : "document";
    const name = kind === "own" ? null : (answer.file_name ?? null);
    const known = groups.find((group) => group.kind === kind && group.name === name);
    if (known) known.answers.push(answer);
    else groups.push({ kind, name, answers: [answer] });
  }
  const place = (group: Group) => (group.kind === "own" ? 2 : group.name === null ? 1 : 0);
  return groups.sort((one, other) => place(one) - place(other));
}

/** One question a line; the server takes so many. */
export const MOST_OWN = 10;

/** The questions in a text with one a line. */
export function questionsOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
