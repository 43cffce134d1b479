import { useTranslation } from "react-i18next";
import type { Side } from "../../shared/api/ask";
import { Problem } from "../../shared/api/problem";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import type { Answer } from "./conversation";

/** What one of the two models answers, and what it was given for that. */
export function AnswerView({ side, answer }: { side: Side; answer: Answer }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { done, prompt } = answer;
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
            {answer.text === "" ? t(prompt ? "chat.thinking" : "chat.waiting") : ""}
            <span className="ml-0.5 inline-block h-4 w-1.5 animate-pulse bg-accent align-text-bottom" aria-hidden />
          </span>
        )}
      </p>
      {answer.problem && <ProblemNote problem={new Problem(answer.problem)} className="mt-2" />}
      <p className="mt-2 text-xs text-soft empty:hidden">
        {answer.state === "stopped" && t("chat.stopped")}
        {done &&
          (done.tokens_per_second === null
            ? t("chat.tokensOnly", { count: done.tokens })
            : t("chat.tokens", { tokens: done.tokens, speed: format.number(done.tokens_per_second) }))}
        {done?.stop_reason === "length" && ` · ${t("chat.length")}`}
      </p>
      {prompt && (
        <details className="mt-2 text-xs">
          <summary className="text-soft">{t("chat.prompt", { count: prompt.tokens })}</summary>
          <pre className="mt-1 max-h-64 overflow-auto rounded-lg border border-line bg-canvas p-2 font-mono wrap-anywhere whitespace-pre-wrap">
            {prompt.text}
          </pre>
        </details>
      )}
    </div>
  );
}
