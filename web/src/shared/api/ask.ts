import { readEvents } from "../lib/sse";
import { Problem, problemOf } from "./problem";
import type { ErrorBody, Message } from "./types";

export type Side = "base" | "adapter";

export interface Done {
  tokens: number;
  seconds: number;
  /** Of the answer alone; null where it has no second token. */
  tokens_per_second: number | null;
  stop_reason: "end" | "length" | "cancelled";
}

/** How an answer is drawn; the server has a default for what is left out. */
export interface AnswerOptions {
  max_tokens: number;
  temperature: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repeat_penalty?: number;
  seed?: number;
  stop?: string[];
}

export interface Question extends AnswerOptions {
  messages: Message[];
  target: Side | "both";
  run_id: string | null;
}

/** The conversation as the model sees it. */
export interface Prompt {
  text: string;
  tokens: number;
}

export interface Listener {
  onStart?: (prompt: Prompt | null) => void;
  onToken: (side: Side, text: string) => void;
  onDone: (side: Side, done: Done) => void;
  onProblem: (side: Side, problem: Problem) => void;
}

/**
 * Asks a model and hands out its answer piece by piece. Resolves at the end of the stream; throws a `Problem` when there
 * is no stream, or when it breaks off.
 */
export async function ask(projectId: string, question: Question, listener: Listener, signal: AbortSignal): Promise<void> {
  let response: Response;
  try {
    response = await fetch(`/api/projects/${projectId}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(question),
      signal,
    });
  } catch (thrown) {
    if (signal.aborted) return;
    throw new Problem({ code: "network", message: String(thrown) });
  }
  if (!response.ok || !response.body) {
    const body: unknown = await response.json().catch(() => null);
    throw problemOf(body, response.status);
  }
  let isOver = false;
  try {
    await readEvents(response.body, ({ event, data }) => {
      const fields = JSON.parse(data) as { side: Side; text: string; error: ErrorBody; prompt: Prompt | null } & Done;
      if (event === "start") listener.onStart?.(fields.prompt);
      else if (event === "token") listener.onToken(fields.side, fields.text);
      else if (event === "done") listener.onDone(fields.side, fields);
      else if (event === "error") listener.onProblem(fields.side, new Problem(fields.error));
      else if (event === "end") isOver = true;
    });
  } catch (thrown) {
    if (signal.aborted) return;
    throw new Problem({ code: "network", message: String(thrown) });
  }
  if (!isOver && !signal.aborted) throw new Problem({ code: "network", message: "the answer broke off" });
}
