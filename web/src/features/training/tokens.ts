import type { TrainToken } from "../../shared/api/types";

export type Part = "learned" | "given" | "cut";

/** Neighbouring tokens that are treated alike. */
export interface TokenRun {
  part: Part;
  tokens: TrainToken[];
}

/** The tokens in runs of the same treatment; those from `length` on are cut off and learned by nobody. */
export function runsOf(tokens: readonly TrainToken[], length: number): TokenRun[] {
  const runs: TokenRun[] = [];
  tokens.forEach((token, at) => {
    const part = at >= length ? "cut" : token.learned ? "learned" : "given";
    const last = runs.at(-1);
    if (last?.part === part) last.tokens.push(token);
    else runs.push({ part, tokens: [token] });
  });
  return runs;
}

/** Line breaks and tabs are seen, and still break the line. */
export function visible(text: string): string {
  return text.replace(/\n/g, "⏎\n").replace(/\t/g, "⇥\t");
}
