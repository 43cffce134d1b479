import { Check, ClipboardCopy } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { translated } from "../../shared/lib/said";
import { Button } from "../../shared/ui/Button";
import { Field, Input, Select } from "../../shared/ui/Field";
import type { LogEntry } from "./runStream";

/** The words of a message; those of the trainer's output are as it wrote them. */
function useWords(): (entry: LogEntry) => string {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const known = (value: number | null) => (value === null ? t("common.none") : format.number(value));
  return (entry) => {
    switch (entry.kind) {
      case "log":
        return translated(i18n, "notes.training", entry) ?? entry.message;
      case "status":
        return t("train.events.status", { status: t(`train.status.${entry.status}`) });
      case "checkpoint":
        return t("train.events.checkpoint", { step: entry.step });
      case "evaluation":
        return t("train.events.evaluation", { step: entry.step, loss: format.fixed(entry.loss, 3) });
      case "stopped_early":
        return t("train.events.stoppedEarly", { step: format.number(entry.step), best: known(entry.bestStep) });
      case "plan": {
        const { plan } = entry;
        if (plan.resumedSteps > 0) return t("train.events.resumed", { step: format.number(plan.resumedSteps) });
        return t("train.events.plan", {
          rows: known(plan.rows),
          tokens: known(plan.rowTokens),
          trainable: known(plan.trainable),
          all: known(plan.all),
          steps: known(plan.totalSteps),
        });
      }
    }
  };
}

type Level = "all" | "warnings";

const isWarning = (entry: LogEntry) => entry.kind === "log" && entry.level !== "info";

/** The messages of a run, newest at the bottom; follows them unless the reader has scrolled up. */
export function RunLog({ log, name }: { log: readonly LogEntry[]; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useWords();
  const [search, setSearch] = useState("");
  const [level, setLevel] = useState<Level>("all");
  const [isCopied, setCopied] = useState(false);
  const box = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  });
  if (log.length === 0) return <p className="text-sm text-soft">{t("train.logEmpty")}</p>;
  const wanted = search.trim().toLocaleLowerCase();
  const lines = log
    .filter((entry) => level === "all" || isWarning(entry))
    .map((entry) => ({ entry, text: words(entry) }))
    .filter(({ text }) => text.toLocaleLowerCase().includes(wanted));
  const copy = async () => {
    const text = lines.map(({ entry, text }) => `${entry.time}\t${text}`).join("\n");
    await navigator.clipboard.writeText(`${name}\n${text}\n`);
    setCopied(true);
  };
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-3">
        <Field label={t("train.logSearch")} className="min-w-40 flex-1">
          {(control) => <Input {...control} type="search" value={search} onChange={(event) => setSearch(event.target.value)} />}
        </Field>
        <Field label={t("train.logLevel")} className="w-52">
          {(control) => (
            <Select {...control} value={level} onChange={(event) => setLevel(event.target.value as Level)}>
              <option value="all">{t("train.logAll")}</option>
              <option value="warnings">{t("train.logWarnings")}</option>
            </Select>
          )}
        </Field>
        <Button onClick={() => void copy()} onBlur={() => setCopied(false)}>
          {isCopied ? <Check aria-hidden /> : <ClipboardCopy aria-hidden />}
          <span aria-live="polite">{isCopied ? t("train.logCopied") : t("train.logCopy")}</span>
        </Button>
      </div>
      {lines.length === 0 && <p className="text-sm text-soft">{t("train.logNothing")}</p>}
      <ol
        ref={box}
        aria-label={t("train.log")}
        tabIndex={0}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
        className={cn("max-h-64 overflow-y-auto rounded-lg bg-sunken px-3 py-2 font-mono text-xs leading-relaxed", lines.length === 0 && "hidden")}
      >
        {lines.map(({ entry, text }) => (
          <li
            key={entry.key}
            className={cn("flex gap-3", entry.kind === "log" && entry.level === "warning" && "text-warn", entry.kind === "log" && entry.level === "error" && "text-bad")}
          >
            <time className="shrink-0 text-soft" dateTime={entry.time}>
              {entry.time && format.time(entry.time)}
            </time>
            <span className="min-w-0 wrap-anywhere whitespace-pre-wrap">{text}</span>
          </li>
        ))}
      </ol>
    </>
  );
}
