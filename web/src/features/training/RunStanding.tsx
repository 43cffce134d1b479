import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Run } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { isWorking } from "../../shared/runs/useRuns";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import type { RunState } from "./runStream";

/** The figures of the last step, and how far the training is. */
export function RunStanding({ run, state }: { run: Run; state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const last = state.steps.at(-1);
  const step = last?.step ?? run.step;
  const total = state.totalSteps ?? run.total_steps ?? null;
  const loss = last?.loss ?? run.loss;
  const rate = last?.learningRate ?? run.learning_rate;
  const speed = last?.tokensPerSecond ?? run.tokens_per_second;
  const epoch = last?.epoch ?? run.epoch;
  const left = run.status === "running" ? (last?.secondsLeft ?? run.seconds_left) : null;
  const evalLoss = state.evaluations.at(-1)?.loss ?? run.eval_loss;
  const fraction = run.status === "completed" ? 1 : total ? step / total : 0;
  const took =
    run.started_at && run.finished_at ? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000 : null;
  const isOver = !isWorking(run);
  const known = (value: number | null | undefined, write: (value: number) => string) => (value == null ? null : write(value));
  return (
    <>
      <ProgressBar fraction={fraction} label={t("train.progress")} />
      {run.status === "queued" && <p className="mt-3 text-sm text-soft">{t("train.queuedText")}</p>}
      {run.status === "running" && step === 0 && <p className="mt-3 text-sm text-soft">{t("train.startingText")}</p>}
      <dl className="mt-4 grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-3 xl:grid-cols-5">
        <Figure label={t("train.step")}>
          {total === null ? format.number(step) : t("train.stepOf", { step: format.number(step), total: format.number(total) })}
        </Figure>
        {isOver ? (
          <Figure label={t("train.elapsed")}>{known(took, format.duration)}</Figure>
        ) : (
          <Figure label={t("train.timeLeft")}>{known(left, format.duration)}</Figure>
        )}
        <Figure label={t("train.loss")}>{known(loss, (value) => format.fixed(value, 3))}</Figure>
        <Figure label={t("train.evalLoss")}>{known(evalLoss, (value) => format.fixed(value, 3))}</Figure>
        <Figure label={t("train.epoch")}>{known(epoch, (value) => format.number(value, 2))}</Figure>
        <Figure label={t("train.learningRateShort")}>{known(rate, format.small)}</Figure>
        <Figure label={t("train.figures.gradNorm")}>{known(last?.gradNorm, (value) => format.number(value, 2))}</Figure>
        <Figure label={t("train.tokensPerSecond")}>{known(speed, (value) => format.number(value))}</Figure>
        <Memory run={run} state={state} isOver={isOver} />
      </dl>
    </>
  );
}

/** What the training takes now (or took at most), beside what it said that it would. */
function Memory({ run, state, isOver }: { run: Run; state: RunState; isOver: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = isOver ? null : (state.steps.at(-1)?.memoryBytes ?? null);
  const peak = state.peakBytes ?? run.peak_memory_bytes ?? null;
  const planned = state.plannedBytes ?? run.planned_memory_bytes ?? null;
  const main = now ?? peak;
  const notes = [
    ...(now !== null && peak !== null ? [t("train.memoryPeak", { size: format.bytes(peak) })] : []),
    ...(planned !== null ? [t("train.memoryPlanned", { size: format.bytes(planned) })] : []),
  ];
  return (
    <Figure label={now === null ? t("train.memoryMost") : t("train.memoryNow")} note={notes.join(", ")}>
      {main === null ? null : format.bytes(main)}
    </Figure>
  );
}

function Figure({ label, note, children }: { label: string; note?: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="min-w-0">
      <dt className="text-xs text-soft">{label}</dt>
      <dd className="text-lg font-semibold tabular-nums">
        {children ?? t("common.none")}
        {note && <span className="block text-xs font-normal text-soft">{note}</span>}
      </dd>
    </div>
  );
}
