import type { Done, Prompt, Side } from "../../shared/api/ask";
import type { Message } from "../../shared/api/types";

export interface Answer {
  text: string;
  /** What the model was given; null until it begins. */
  prompt: Prompt | null;
  state: "writing" | "done" | "stopped" | "failed";
  done: Done | null;
  problem: { code: string; message: string; hint: string } | null;
}

/** A question, and what each side that was asked has answered. */
export interface Exchange {
  question: string;
  answers: Partial<Record<Side, Answer>>;
}

/** What a side has seen: what it is told, the questions that it answered, and its own answers; then the new question. */
export function history(exchanges: readonly Exchange[], side: Side, question: string, system = ""): Message[] {
  const before = exchanges.flatMap((exchange): Message[] => {
    const answer = exchange.answers[side];
    if (!answer || answer.text === "" || answer.state === "failed") return [];
    return [
      { role: "user", content: exchange.question },
      { role: "assistant", content: answer.text },
    ];
  });
  const told: Message[] = system.trim() === "" ? [] : [{ role: "system", content: system }];
  return [...told, ...before, { role: "user", content: question }];
}

/** A conversation as it was kept in this window; answers that were being written then count as stopped. */
export function restore(stored: string | null): Exchange[] {
  if (stored === null) return [];
  try {
    const exchanges = JSON.parse(stored) as Exchange[];
    for (const exchange of exchanges) {
      for (const answer of Object.values(exchange.answers)) {
        if (answer.state === "writing") answer.state = "stopped";
      }
    }
    return exchanges;
  } catch {
    return [];
  }
}
