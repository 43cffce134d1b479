import { CircleCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../shared/api/problem";
import type { Run } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { WarnNote } from "../../shared/ui/States";
import { hasHardlyLearned, lossesOf } from "./learned";
import type { RunState } from "./runStream";

/** How a training ended, said plainly, and what can be done. */
export function RunOutcome({ run, state, goesOn }: { run: Run; state: RunState; goesOn: boolean }) {
  const { t } = useTranslation();
  const checkpoint = <p className="mt-1">{t("train.noCheckpoint")}</p>;
  switch (run.status) {
    case "completed":
      return <Completed run={run} state={state} />;
    case "interrupted":
      return (
        <WarnNote className="mt-4" title={t("train.interruptedTitle")}>
          <p>{t("train.interruptedText")}</p>
          {goesOn ? <p className="mt-1">{t("train.interruptedAuto")}</p> : !run.resumable && checkpoint}
        </WarnNote>
      );
    case "cancelled":
      return (
        <WarnNote className="mt-4" title={t("train.cancelledTitle")}>
          {run.resumable ? <p>{t("train.cancelledText")}</p> : checkpoint}
        </WarnNote>
      );
    case "failed":
      return <Failed run={run} />;
    default:
      return null;
  }
}

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

function Completed({ run, state }: { run: Run; state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const summary = (run.summary ?? {}) as Record<string, unknown>;
  const losses = lossesOf(state.steps);
  const [bestStep, bestLoss] = [numberOf(summary.best_step), numberOf(summary.best_eval_loss)];
  if (losses && hasHardlyLearned(losses)) {
    return (
      <WarnNote className="mt-4" title={t("train.hardlyTitle")}>
        <p>{t("train.completedLoss", { first: format.fixed(losses.first, 3), last: format.fixed(losses.last, 3) })}</p>
        <p>{t("train.hardlyText", { rate: format.small(run.config.learning_rate), steps: format.number(run.step) })}</p>
      </WarnNote>
    );
  }
  return (
    <div className="mt-4 flex gap-2.5 rounded-lg bg-good-soft px-3 py-2.5 text-sm">
      <CircleCheck className="mt-0.5 size-4 shrink-0 text-good" aria-hidden />
      <div className="min-w-0">
        <p className="font-semibold text-good">{t("train.completedTitle")}</p>
        {losses && <p>{t("train.completedLoss", { first: format.fixed(losses.first, 3), last: format.fixed(losses.last, 3) })}</p>}
        {summary.stopped_early === true && <p>{t("train.stoppedEarly")}</p>}
        {bestStep !== null && bestLoss !== null && (
          <p>{t("train.bestStep", { step: format.number(bestStep), loss: format.fixed(bestLoss, 3) })}</p>
        )}
        <p>{t("train.completedNext")}</p>
      </div>
    </div>
  );
}

function Failed({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { error } = run;
  return (
    <div className="mt-4 space-y-2">
      <p className="font-semibold text-bad">{t("train.failedTitle")}</p>
      {error && <ProblemNote problem={new Problem(error)} />}
      <p className="text-sm">{run.resumable ? t("train.failedResume") : t("train.failedAgain")}</p>
      {error?.exit_code != null && <p className="text-xs text-soft">{t("train.exitCode", { code: error.exit_code })}</p>}
      {error && error.last_lines.length > 0 && (
        <details className="text-sm">
          <summary>{t("train.lastLines")}</summary>
          <pre lang="en" tabIndex={0} className="mt-2 max-h-60 overflow-auto rounded-lg bg-sunken p-3 text-xs">
            {error.last_lines.join("\n")}
          </pre>
        </details>
      )}
    </div>
  );
}
