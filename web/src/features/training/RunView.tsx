import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChartNoAxesCombined, MessagesSquare, Play, Square } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { Problem } from "../../shared/api/problem";
import { keys, refreshProject } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { isActive } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { isWorking, RUN_TONES } from "../../shared/runs/useRuns";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { WarnNote } from "../../shared/ui/States";
import { LearningRateChart, LossChart } from "./LossChart";
import { RunLog } from "./RunLog";
import type { RunState } from "./runStream";
import { useRunStream } from "./useRunStream";

/** One training: where it stands, its curves and its messages, live while it works. */
export function RunView({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { state, connection } = useRunStream(run.project_id, run.id, run.job_id ?? "");
  // The stream is ahead of what was asked for last.
  const current: Run = { ...run, status: state.status ?? run.status };
  const goesOn = useGoesOn(current);
  return (
    <div className="space-y-5" data-run-status={current.status}>
      <Section
        title={run.name}
        actions={<Badge tone={RUN_TONES[current.status]}>{t(`train.status.${current.status}`)}</Badge>}
      >
        <Standing run={current} state={state} />
        {connection === "lost" && (
          <p role="status" className="mt-3 text-sm text-warn">
            {t("common.reconnecting")}
          </p>
        )}
        <Outcome run={current} goesOn={goesOn} />
        <Controls run={current} goesOn={goesOn} />
      </Section>
      <Section title={t("train.chart")}>
        <LossChart state={state} />
      </Section>
      {state.steps.length > 0 && (
        <details className="rounded-xl border border-line bg-surface p-4 sm:p-5">
          <summary className="text-base font-semibold">{t("train.learningRateShort")}</summary>
          <div className="mt-4">
            <LearningRateChart state={state} />
          </div>
        </details>
      )}
      <Section title={t("train.log")} text={t("train.logStep")}>
        <RunLog log={state.log} />
      </Section>
    </div>
  );
}

/** An interrupted training whose job still waits goes on by itself. */
function useGoesOn(run: Run): boolean {
  const jobId = run.job_id ?? "";
  const job = useQuery({
    queryKey: [...keys.project(run.project_id), "run-job", jobId],
    queryFn: ({ signal }) => take(api.GET("/api/jobs/{id}", { params: { path: { id: jobId } }, signal })),
    enabled: run.status === "interrupted" && jobId !== "",
  });
  return run.status === "interrupted" && isActive(job.data);
}

/** The figures of the last step, and how far the training is. */
function Standing({ run, state }: { run: Run; state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const last = state.steps.at(-1);
  const step = last?.step ?? run.step;
  const total = state.totalSteps ?? run.total_steps ?? null;
  const loss = last?.loss ?? run.loss;
  const rate = last?.learningRate ?? run.learning_rate;
  const speed = last?.tokensPerSecond ?? run.tokens_per_second;
  const left = run.status === "running" ? (last?.secondsLeft ?? run.seconds_left) : null;
  const evalLoss = state.evaluations.at(-1)?.loss ?? run.eval_loss;
  const fraction = run.status === "completed" ? 1 : total ? step / total : 0;
  const took =
    run.started_at && run.finished_at ? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000 : null;
  const isOver = !isWorking(run);
  return (
    <>
      <ProgressBar fraction={fraction} label={t("train.progress")} />
      {run.status === "queued" && <p className="mt-3 text-sm text-soft">{t("train.queuedText")}</p>}
      {run.status === "running" && step === 0 && <p className="mt-3 text-sm text-soft">{t("train.startingText")}</p>}
      <dl className="mt-4 grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-3 xl:grid-cols-5">
        <Figure label={t("train.step")}>
          {total === null ? format.number(step) : t("train.stepOf", { step: format.number(step), total: format.number(total) })}
        </Figure>
        <Figure label={t("train.loss")}>{loss == null ? null : format.fixed(loss, 3)}</Figure>
        {evalLoss != null && <Figure label={t("train.evalLoss")}>{format.fixed(evalLoss, 3)}</Figure>}
        <Figure label={t("train.learningRateShort")}>{rate == null ? null : format.small(rate)}</Figure>
        <Figure label={t("train.tokensPerSecond")}>{speed == null ? null : format.number(speed)}</Figure>
        {isOver ? (
          <Figure label={t("train.elapsed")}>{took === null ? null : format.duration(took)}</Figure>
        ) : (
          <Figure label={t("train.timeLeft")}>{left == null ? null : format.duration(left)}</Figure>
        )}
      </dl>
    </>
  );
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="min-w-0">
      <dt className="text-xs text-soft">{label}</dt>
      <dd className="text-lg font-semibold tabular-nums">{children ?? t("common.none")}</dd>
    </div>
  );
}

/** How a training ended, said plainly, and what can be done. */
function Outcome({ run, goesOn }: { run: Run; goesOn: boolean }) {
  const { t } = useTranslation();
  const checkpoint = <p className="mt-1">{t("train.noCheckpoint")}</p>;
  switch (run.status) {
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

function Failed({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { error } = run;
  return (
    <div className="mt-4 space-y-2">
      <p className="font-semibold text-bad">{t("train.failedTitle")}</p>
      {error && <ProblemNote problem={new Problem(error)} />}
      {error?.exit_code != null && <p className="text-xs text-soft">{t("train.exitCode", { code: error.exit_code })}</p>}
      {error && error.last_lines.length > 0 && (
        <details className="text-sm">
          <summary>{t("train.lastLines")}</summary>
          <pre lang="en" className="mt-2 max-h-60 overflow-auto rounded-lg bg-sunken p-3 text-xs">
            {error.last_lines.join("\n")}
          </pre>
        </details>
      )}
    </div>
  );
}

function Controls({ run, goesOn }: { run: Run; goesOn: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const path = { project_id: run.project_id };
  const body = { run_id: run.id };
  const refresh = () => refreshProject(client, run.project_id);
  const cancel = useMutation({
    mutationFn: (_jobId: string | null) =>
      take(api.POST("/api/projects/{project_id}/train/cancel", { params: { path }, body })),
    onSuccess: () => {
      setAsking(false);
      return refresh();
    },
  });
  const resume = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/train/resume", { params: { path }, body })),
    onSuccess: refresh,
  });
  // After a resume the run has another job, which nobody has asked to stop.
  const jobId = run.job_id ?? null;
  const isStopping = (isWorking(run) || goesOn) && cancel.isSuccess && cancel.variables === jobId;
  return (
    <>
      <div className="mt-4 flex flex-wrap gap-2 empty:hidden">
        {(isWorking(run) || goesOn) && (
          <Button busy={isStopping} onClick={() => setAsking(true)}>
            {!isStopping && <Square aria-hidden />}
            {isStopping ? t("train.cancelling") : t("train.cancel")}
          </Button>
        )}
        {!isWorking(run) && run.resumable && !goesOn && (
          <Button look="primary" busy={resume.isPending} onClick={() => resume.mutate()}>
            <Play aria-hidden />
            {resume.isPending ? t("train.resuming") : t("train.resume")}
          </Button>
        )}
        {run.has_adapter && (
          <>
            <Button asChild look="primary">
              <Link to={`/projects/${run.project_id}/results?run=${run.id}`}>
                <ChartNoAxesCombined aria-hidden />
                {t("train.seeResults")}
              </Link>
            </Button>
            <Button asChild>
              <Link to={`/projects/${run.project_id}/chat?run=${run.id}`}>
                <MessagesSquare aria-hidden />
                {t("train.talk")}
              </Link>
            </Button>
          </>
        )}
      </div>
      {resume.isError && <ProblemNote problem={resume.error} className="mt-3" />}
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setAsking}
        title={t("train.cancelTitle")}
        text={t("train.cancelText")}
        action={t("train.cancelConfirm")}
        busy={cancel.isPending}
        problem={cancel.error}
        onConfirm={() => cancel.mutate(jobId)}
      />
    </>
  );
}
