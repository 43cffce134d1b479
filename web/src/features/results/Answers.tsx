import { useQuery } from "@tanstack/react-query";
import { MessagesSquare, Square } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ask, type Side } from "../../shared/api/ask";
import { api, take } from "../../shared/api/client";
import { keys, useSettings } from "../../shared/api/queries";
import type { Example, Run } from "../../shared/api/types";
import { readStored, writeStored } from "../../shared/lib/storage";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { spread } from "./spread";

const QUESTIONS = 5;

interface Compared {
  question: string;
  expected: string;
  base: string;
  adapter: string;
}

/** A single question with its answer; longer conversations cannot be put side by side. */
function asQuestion(example: Example): Compared | null {
  const [question, expected] = example.messages;
  if (example.messages.length !== 2 || question?.role !== "user" || !expected) return null;
  return { question: question.content, expected: expected.content, base: "", adapter: "" };
}

function restore(stored: string | null): Compared[] {
  try {
    return stored === null ? [] : (JSON.parse(stored) as Compared[]);
  } catch {
    return [];
  }
}

/** Asks the model before and after the training the same questions of the examples. Kept in this window. */
export function Answers({ run }: { run: Run }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const key = `answers:${run.id}`;
  const [rows, setRows] = useState(() => restore(readStored("sessionStorage", key)));
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const path = { project_id: run.project_id };
  const examples = useQuery({
    queryKey: [...keys.examples(run.project_id), "compare"],
    queryFn: ({ signal }) => {
      const query = { status: "approved" as const, per_page: 500 };
      return take(api.GET("/api/projects/{project_id}/dataset/examples", { params: { path, query }, signal }));
    },
  });
  const questions = (examples.data?.items ?? []).map(asQuestion).filter((row) => row !== null);

  const start = async () => {
    const controller = new AbortController();
    abort.current = controller;
    setAsking(true);
    setProblem(null);
    const asked: Compared[] = [];
    const show = () => {
      setRows(asked.map((row) => ({ ...row })));
      writeStored("sessionStorage", key, JSON.stringify(asked));
    };
    try {
      for (const row of spread(questions, QUESTIONS)) {
        if (controller.signal.aborted) break;
        const current = { ...row };
        asked.push(current);
        show();
        const listener = {
          onToken: (side: Side, text: string) => {
            current[side] += text;
            show();
          },
          onDone: () => {},
          onProblem: (_: Side, failed: unknown) => setProblem(failed),
        };
        const question = {
          messages: [{ role: "user", content: row.question }],
          target: "both" as const,
          run_id: run.id,
          max_tokens: settings.data?.defaults.chat.max_tokens ?? 128,
          temperature: 0,
        };
        await ask(run.project_id, question, listener, controller.signal);
      }
    } catch (thrown) {
      setProblem(thrown);
    }
    setAsking(false);
  };

  if (questions.length === 0 && rows.length === 0) return null;
  return (
    <Section
      title={t("results.answers")}
      text={t("results.answersText")}
      actions={
        isAsking ? (
          <Button onClick={() => abort.current?.abort()}>
            <Square aria-hidden />
            {t("results.stop")}
          </Button>
        ) : (
          <Button onClick={() => void start()}>
            <MessagesSquare aria-hidden />
            {rows.length > 0 ? t("results.askAgain") : t("results.ask", { count: Math.min(QUESTIONS, questions.length) })}
          </Button>
        )
      }
    >
      {problem != null && <ProblemNote problem={problem} className="mb-4" />}
      <ol className="space-y-4" aria-busy={isAsking}>
        {rows.map((row, index) => (
          <li key={index} className="rounded-lg border border-line p-3 text-sm">
            <p className="font-medium wrap-anywhere">{row.question}</p>
            <div className="mt-2 grid gap-2 sm:grid-cols-2">
              <Cell label={t("results.base")} text={row.base} isLast={isAsking && index === rows.length - 1} />
              <Cell label={t("results.tuned")} text={row.adapter} isLast={isAsking && index === rows.length - 1} isTuned />
            </div>
            <p className="mt-2 text-xs wrap-anywhere text-soft">
              {t("results.expected")}: {row.expected}
            </p>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Cell(props: { label: string; text: string; isLast: boolean; isTuned?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={props.isTuned ? "min-w-0 rounded-md bg-accent-soft p-2.5" : "min-w-0 rounded-md bg-sunken p-2.5"}>
      <p className={props.isTuned ? "text-xs font-semibold text-accent-strong" : "text-xs font-semibold text-soft"}>{props.label}</p>
      <p className="mt-0.5 wrap-anywhere whitespace-pre-wrap">{props.text || (props.isLast ? t("results.asking") : t("results.noAnswer"))}</p>
    </div>
  );
}
