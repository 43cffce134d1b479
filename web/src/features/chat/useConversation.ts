import { useEffect, useRef, useState } from "react";
import { type AnswerOptions, ask, type Prompt, type Side } from "../../shared/api/ask";
import { asProblem } from "../../shared/api/problem";
import { readStored, writeStored } from "../../shared/lib/storage";
import { type Answer, type Exchange, history, restore } from "./conversation";

interface Options extends AnswerOptions {
  system: string;
  /** Both sides at the same time, instead of one after the other. */
  simultaneous: boolean;
}

/** The conversation with the two sides of one training. It is kept in this window, so that a reload does not lose it. */
export function useConversation(projectId: string, runId: string | null) {
  const key = `chat:${projectId}:${runId ?? "base"}`;
  const [exchanges, setExchanges] = useState(() => restore(readStored("sessionStorage", key)));
  const [isWriting, setWriting] = useState(false);
  const abort = useRef<AbortController | null>(null);

  useEffect(() => {
    writeStored("sessionStorage", key, exchanges.length > 0 ? JSON.stringify(exchanges) : null);
  }, [key, exchanges]);
  useEffect(() => () => abort.current?.abort(), []);

  const change = (side: Side, apply: (answer: Answer) => Answer) =>
    setExchanges((before) => {
      const last = before.at(-1);
      const answer = last?.answers[side];
      if (!last || !answer) return before;
      return [...before.slice(0, -1), { ...last, answers: { ...last.answers, [side]: apply(answer) } }];
    });

  const send = (question: string, sides: Side[], { system, simultaneous, ...options }: Options) => {
    const controller = new AbortController();
    abort.current = controller;
    const started: Answer = { text: "", prompt: null, state: "writing", done: null, problem: null };
    const answers: Exchange["answers"] = Object.fromEntries(sides.map((side) => [side, started]));
    const before = exchanges;
    setExchanges([...before, { question, answers }]);
    setWriting(true);
    const fail = (side: Side, thrown: unknown) => {
      const { code, message, hint } = asProblem(thrown);
      change(side, (answer) => ({ ...answer, state: "failed", problem: { code, message, hint } }));
    };
    // Each side goes on from its own answers: they are two conversations.
    const answer = async (side: Side) => {
      const messages = history(before, side, question, system);
      if (controller.signal.aborted) return;
      const listener = {
        onStart: (prompt: Prompt | null) => change(side, (answer) => ({ ...answer, prompt })),
        onToken: (_: Side, text: string) => change(side, (answer) => ({ ...answer, text: answer.text + text })),
        onDone: (_: Side, done: Answer["done"]) => change(side, (answer) => ({ ...answer, state: "done", done })),
        onProblem: fail,
      };
      try {
        await ask(projectId, { messages, target: side, run_id: runId, ...options }, listener, controller.signal);
      } catch (thrown) {
        fail(side, thrown);
      }
      if (controller.signal.aborted) {
        change(side, (answer) => (answer.state === "writing" ? { ...answer, state: "stopped" } : answer));
      }
    };
    const all = async () => {
      if (simultaneous) await Promise.all(sides.map(answer));
      else for (const side of sides) await answer(side);
      if (abort.current === controller) setWriting(false);
    };
    void all();
  };

  return {
    exchanges,
    isWriting,
    send,
    stop: () => abort.current?.abort(),
    clear: () => setExchanges([]),
  };
}
