import { useQuery } from "@tanstack/react-query";
import { RotateCcw, SendHorizontal, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Side } from "../../shared/api/ask";
import { api, take } from "../../shared/api/client";
import { keys, useSettings } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { cn } from "../../shared/lib/cn";
import { RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { Textarea } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";
import { AnswerView } from "./AnswerView";
import { type ChatForm, faultsOf, newForm, optionsOf } from "./chatForm";
import { ChatOptions } from "./ChatOptions";
import type { Exchange } from "./conversation";
import { useConversation } from "./useConversation";

type Shown = Side | "both";

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

function Conversation({ projectId, runId }: { projectId: string; runId: string | null }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const usual = settings.data?.defaults.chat;
  const [shown, setShown] = useState<Shown>("both");
  const [changed, setForm] = useState<ChatForm | null>(null);
  const form = changed ?? newForm(usual);
  const faults = faultsOf(form);
  const [isOpen, setOpen] = useState(false);
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
    if (Object.keys(faults).length > 0) {
      setOpen(true);
      return;
    }
    setText("");
    send(trimmed, sides, { ...optionsOf(form), system: form.system, simultaneous: form.simultaneous });
  };
  // Wherever the focus is: what is being written stops.
  useEffect(() => {
    if (!isWriting) return;
    const onEscape = (event: globalThis.KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) stop();
    };
    window.addEventListener("keydown", onEscape);
    return () => window.removeEventListener("keydown", onEscape);
  }, [isWriting, stop]);
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
        {runId !== null && <ShownChoice shown={shown} onShow={setShown} />}
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
        <ChatOptions
          form={form}
          faults={faults}
          onChange={setForm}
          isOpen={isOpen}
          onToggle={setOpen}
          isCompared={runId !== null && shown === "both"}
        />
      </form>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="text-xs text-soft">
          {t("chat.keys")} {t("chat.private")}
        </p>
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

/** Which of the two models is asked. */
function ShownChoice({ shown, onShow }: { shown: Shown; onShow: (shown: Shown) => void }) {
  const { t } = useTranslation();
  const words: [Shown, string][] = [
    ["both", t("chat.both")],
    ["base", t("chat.base")],
    ["adapter", t("chat.tuned")],
  ];
  return (
    <fieldset className="mb-2 flex flex-wrap gap-1.5">
      <legend className="sr-only">{t("chat.show")}</legend>
      {words.map(([id, word]) => (
        <label
          key={id}
          className={cn(
            "cursor-pointer rounded-full border px-3 py-1 text-xs has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
            shown === id ? "border-accent bg-accent-soft font-medium text-accent-strong" : "border-line text-soft hover:bg-sunken",
          )}
        >
          <input type="radio" name="shown" className="sr-only" checked={shown === id} onChange={() => onShow(id)} />
          {word}
        </label>
      ))}
    </fieldset>
  );
}

function ExchangeView({ exchange }: { exchange: Exchange }) {
  const { t } = useTranslation();
  const sides = (["base", "adapter"] as const).filter((side) => exchange.answers[side]);
  return (
    <li>
      <p className="ml-auto w-fit max-w-[85%] rounded-2xl rounded-br-md bg-accent px-4 py-2 wrap-anywhere whitespace-pre-wrap text-on-accent">
        <span className="sr-only">{t("common.labelled", { label: t("chat.you") })} </span>
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
