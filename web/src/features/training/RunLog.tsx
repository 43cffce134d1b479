import { useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import type { LogEntry } from "./runStream";

/** The messages of a run, newest at the bottom; follows them unless the reader has scrolled up. */
export function RunLog({ log }: { log: readonly LogEntry[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const box = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  });
  const words = (entry: LogEntry): string => {
    switch (entry.kind) {
      case "log":
        return entry.message;
      case "status":
        return t("train.events.status", { status: t(`train.status.${entry.status}`) });
      case "checkpoint":
        return t("train.events.checkpoint", { step: entry.step });
      case "evaluation":
        return t("train.events.evaluation", { step: entry.step, loss: format.fixed(entry.loss, 3) });
      case "plan": {
        const { plan } = entry;
        if (plan.resumedSteps > 0) return t("train.events.resumed", { step: format.number(plan.resumedSteps) });
        const known = (value: number | null) => (value === null ? t("common.none") : format.number(value));
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
  if (log.length === 0) return <p className="text-sm text-soft">{t("train.logEmpty")}</p>;
  return (
    <ol
      ref={box}
      aria-label={t("train.log")}
      tabIndex={0}
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        follows.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
      className="max-h-64 overflow-y-auto rounded-lg bg-sunken px-3 py-2 font-mono text-xs leading-relaxed"
    >
      {log.map((entry) => (
        <li
          key={entry.key}
          className={cn("flex gap-3", entry.kind === "log" && entry.level === "warning" && "text-warn", entry.kind === "log" && entry.level === "error" && "text-bad")}
        >
          <time className="shrink-0 text-soft" dateTime={entry.time}>
            {entry.time && format.time(entry.time)}
          </time>
          <span className="min-w-0 wrap-anywhere whitespace-pre-wrap">{words(entry)}</span>
        </li>
      ))}
    </ol>
  );
}
