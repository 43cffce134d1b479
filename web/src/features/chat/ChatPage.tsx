import { useQuery } from "@tanstack/react-query";
import { RotateCcw, SendHorizontal, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Side } from "../../shared/api/ask";
import { api, take } from "../../shared/api/client";
import { Problem } from "../../shared/api/problem";
import { keys, useSettings } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { Field, Input, Select, Textarea } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";
import type { Answer, Exchange } from "./conversation";
import { useConversation } from "./useConversation";

export function ChatPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const { runs, usable, run, choose } = useChosenRun(project.id);
  return (
    <>
      <PageHeader title={t("chat.title")} intro={t("chat.intro")} windowTitle={project.name} />
      {runs.isPending && <Skeleton rows={3} />}
      {runs.isError && <ProblemNote problem={runs.error} onRetry={() => void runs.refetch()} />}
      {run && <RunChooser runs={usable} run={run} onChoose={choose} />}
      {runs.data && !run && (
        <WarnNote className="mb-5">
          {t("chat.noRun")}{" "}
          <Link className="text-accent-strong underline" to={`/projects/${project.id}/train`}>
            {t("runs.toTrain")}
          </Link>
        </WarnNote>
      )}
      {runs.data && <Conversation key={run?.id ?? "base"} projectId={project.id} runId={run?.id ?? null} />}
    </>
  );
}

type Shown = Side | "both";

function Conversation({ projectId, runId }: { projectId: string; runId: string | null }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const usual = settings.data?.defaults.chat;
  const [shown, setShown] = useState<Shown>("both");
  const [temperature, setTemperature] = useState<string | null>(null);
  const [maxTokens, setMaxTokens] = useState<string | null>(null);
  const [text, setText] = useState("");
  const { exchanges, isWriting, send, stop, clear } = useConversation(projectId, runId);
  const sides: Side[] = runId === null ? ["base"] : shown === "both" ? ["base", "adapter"] : [shown];
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (exchanges.length > 0) end.current?.scrollIntoView({ block: "nearest" });
  }, [exchanges]);

  const submit = (question: string) => {
    const trimmed = question.trim();
    if (trimmed === "" || isWriting) return;
    setText("");
    const warmth = Number(temperature ?? usual?.temperature ?? 0);
    const longest = Number(maxTokens ?? usual?.max_tokens ?? 128);
    send(trimmed, sides, {
      temperature: Number.isFinite(warmth) ? Math.min(5, Math.max(0, warmth)) : 0,
      max_tokens: Number.isInteger(longest) ? Math.min(4096, Math.max(1, longest)) : 128,
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit(text);
    }
  };

  return (
    <div className="space-y-5">
      {exchanges.length === 0 && <Suggestions projectId={projectId} onChoose={submit} />}
      <ol className="space-y-6" aria-live="polite">
        {exchanges.map((exchange, index) => (
          <ExchangeView key={index} exchange={exchange} />
        ))}
      </ol>
      <div ref={end} />
      <form
        className="sticky bottom-0 -mx-3 border-t border-line bg-canvas px-3 py-3 sm:mx-0 sm:rounded-xl sm:border sm:bg-surface"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          submit(text);
        }}
      >
        <div className="flex items-end gap-2">
          <Textarea
            aria-label={t("chat.question")}
            placeholder={t("chat.placeholder")}
            rows={2}
            className="min-h-0 flex-1 resize-none"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
          />
          {isWriting ? (
            <Button onClick={stop}>
              <Square aria-hidden />
              {t("chat.stop")}
            </Button>
          ) : (
            <Button type="submit" look="primary" disabled={text.trim() === ""}>
              <SendHorizontal aria-hidden />
              <span className="max-sm:sr-only">{t("chat.send")}</span>
            </Button>
          )}
        </div>
        <details className="mt-2 text-sm">
          <summary className="text-soft">{t("chat.options")}</summary>
          <div className="mt-3 grid gap-3 sm:grid-cols-3">
            {runId !== null && (
              <Field label={t("chat.show")}>
                {(control) => (
                  <Select {...control} value={shown} onChange={(event) => setShown(event.target.value as Shown)}>
                    <option value="both">{t("chat.both")}</option>
                    <option value="base">{t("chat.base")}</option>
                    <option value="adapter">{t("chat.tuned")}</option>
                  </Select>
                )}
              </Field>
            )}
            <Field label={t("chat.temperature")} hint={t("chat.temperatureHint")}>
              {(control) => (
                <Input
                  {...control}
                  type="number"
                  min={0}
                  max={5}
                  step={0.1}
                  value={temperature ?? String(usual?.temperature ?? 0)}
                  onChange={(event) => setTemperature(event.target.value)}
                />
              )}
            </Field>
            <Field label={t("chat.maxTokens")}>
              {(control) => (
                <Input
                  {...control}
                  type="number"
                  min={1}
                  max={4096}
                  value={maxTokens ?? String(usual?.max_tokens ?? 128)}
                  onChange={(event) => setMaxTokens(event.target.value)}
                />
              )}
            </Field>
          </div>
        </details>
      </form>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="text-xs text-soft">{t("chat.private")}</p>
        {exchanges.length > 0 && (
          <Button look="quiet" size="small" disabled={isWriting} onClick={clear}>
            <RotateCcw aria-hidden />
            {t("chat.clear")}
          </Button>
        )}
      </div>
    </div>
  );
}

function ExchangeView({ exchange }: { exchange: Exchange }) {
  const { t } = useTranslation();
  const sides = (["base", "adapter"] as const).filter((side) => exchange.answers[side]);
  return (
    <li>
      <p className="ml-auto w-fit max-w-[85%] rounded-2xl rounded-br-md bg-accent px-4 py-2 wrap-anywhere whitespace-pre-wrap text-on-accent">
        <span className="sr-only">{t("chat.you")}: </span>
        {exchange.question}
      </p>
      <div className={cn("mt-3 grid gap-3", sides.length > 1 && "md:grid-cols-2")}>
        {sides.map((side) => {
          const answer = exchange.answers[side];
          return answer && <AnswerView key={side} side={side} answer={answer} />;
        })}
      </div>
    </li>
  );
}

function AnswerView({ side, answer }: { side: Side; answer: Answer }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div
      data-side={side}
      data-state={answer.state}
      className={cn("min-w-0 rounded-xl border bg-surface p-3", side === "adapter" ? "border-accent" : "border-line")}
    >
      <p className={cn("mb-1 text-xs font-semibold", side === "adapter" ? "text-accent-strong" : "text-soft")}>
        {side === "adapter" ? t("chat.tuned") : t("chat.base")}
      </p>
      <p className="text-sm wrap-anywhere whitespace-pre-wrap">
        {answer.text}
        {answer.state === "writing" && (
          <span className="text-soft">
            {answer.text === "" ? t("chat.thinking") : ""}
            <span className="ml-0.5 inline-block h-4 w-1.5 animate-pulse bg-accent align-text-bottom" aria-hidden />
          </span>
        )}
      </p>
      {answer.problem && <ProblemNote problem={new Problem(answer.problem)} className="mt-2" />}
      <p className="mt-2 text-xs text-soft empty:hidden">
        {answer.state === "stopped" && t("chat.stopped")}
        {answer.done && t("chat.tokens", { tokens: answer.done.tokens, speed: format.number(answer.done.tokens_per_second) })}
        {answer.done?.stop_reason === "length" && ` · ${t("chat.length")}`}
      </p>
    </div>
  );
}

/** Some questions of the examples to begin with. */
function Suggestions({ projectId, onChoose }: { projectId: string; onChoose: (question: string) => void }) {
  const { t } = useTranslation();
  const examples = useQuery({
    queryKey: [...keys.examples(projectId), "suggestions"],
    queryFn: ({ signal }) => {
      const query = { status: "approved" as const, per_page: 60 };
      return take(api.GET("/api/projects/{project_id}/dataset/examples", { params: { path: { project_id: projectId }, query }, signal }));
    },
  });
  const questions = (examples.data?.items ?? [])
    .map((example) => example.messages.find((message) => message.role === "user")?.content ?? "")
    .filter((question) => question !== "" && question.length < 90);
  const few = [0, 0.35, 0.7].map((place) => questions[Math.floor(place * questions.length)]).filter((question) => question !== undefined);
  return (
    <div className="rounded-xl border border-dashed border-line p-5 text-sm">
      <p className="font-medium">{t("chat.empty")}</p>
      {few.length > 0 && (
        <>
          <p className="mt-2 mb-1 text-soft">{t("chat.examples")}</p>
          <ul className="flex flex-wrap gap-2">
            {[...new Set(few)].map((question) => (
              <li key={question} className="max-w-full">
                <Button className="h-auto min-h-9 max-w-full py-1.5 text-left whitespace-normal" onClick={() => onChoose(question)}>
                  {question}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
