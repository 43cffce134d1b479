import { useMutation, useQuery } from "@tanstack/react-query";
import { Gauge } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Evaluation, Run } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { NoRun, RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton, WarnNote } from "../../shared/ui/States";
import { Answers } from "./Answers";

export function ResultsPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const { runs, usable, run, choose, working } = useChosenRun(project.id);
  return (
    <>
      <PageHeader title={t("results.title")} intro={t("results.intro")} windowTitle={project.name} />
      {runs.isPending && <Skeleton rows={4} />}
      {runs.isError && <ProblemNote problem={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.data && !run && <NoRun projectId={project.id} working={working} />}
      {run && (
        <div className="space-y-5">
          <RunChooser runs={usable} run={run} onChoose={choose} />
          <Measured key={run.id} run={run} />
          <Answers key={`answers-${run.id}`} run={run} />
          <Summary run={run} />
        </div>
      )}
    </>
  );
}

/** Before and after in figures. */
function Measured({ run }: { run: Run }) {
  const { t } = useTranslation();
  const path = { project_id: run.project_id };
  const evaluations = useQuery({
    queryKey: [...keys.evaluations(run.project_id), run.id],
    queryFn: ({ signal }) => {
      const query = { run_id: run.id, per_page: 1 };
      return take(api.GET("/api/projects/{project_id}/evaluations", { params: { path, query }, signal }));
    },
  });
  const job = useProjectJob(run.project_id, "evaluate");
  const start = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/evaluate", { params: { path }, body: { run_id: run.id } })),
    onSuccess: (started) => job.follow(started.job),
  });
  const evaluation = evaluations.data?.items[0];
  const button = (look: "primary" | "plain") => (
    <Button look={look} busy={start.isPending} disabled={job.active} onClick={() => start.mutate()}>
      <Gauge aria-hidden />
      {evaluation ? t("results.measureAgain") : t("results.measure")}
    </Button>
  );
  return (
    <Section title={t("results.perplexity")} text={t("results.perplexityHint")} actions={evaluation && button("plain")}>
      {job.active && job.job && (
        <JobProgress
          className="mb-4 rounded-lg bg-sunken p-3"
          job={job.job}
          title={t("results.measuring")}
          lost={job.connection === "lost"}
          onCancel={() => job.job && job.cancel.mutate(job.job.id)}
        />
      )}
      {start.isError && <ProblemNote problem={start.error} className="mb-4" />}
      {job.job?.run_id === run.id && <JobProblem job={job.job} className="mb-4" />}
      {evaluations.isPending && <Skeleton rows={2} />}
      {evaluations.isError && <ProblemNote problem={evaluations.error} onRetry={() => void evaluations.refetch()} />}
      {evaluations.data && !evaluation && !job.active && (
        <EmptyState icon={Gauge} title={t("results.notMeasured")} text={t("results.notMeasuredText")} className="py-8">
          {button("primary")}
        </EmptyState>
      )}
      {evaluation && <Figures evaluation={evaluation} />}
    </Section>
  );
}

function Figures({ evaluation }: { evaluation: Evaluation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { base, adapter, examples, split, held_out: heldOut } = evaluation;
  const perplexity = (value: number | null | undefined) => (value == null ? t("common.none") : format.number(value, value < 100 ? 2 : 0));
  const rows = [
    { label: t("results.loss"), before: base.eval_loss, after: adapter.eval_loss, show: (value: number) => format.fixed(value, 3) },
    {
      label: t("results.accuracy"),
      before: base.token_accuracy,
      after: adapter.token_accuracy,
      show: (value: number) => format.percent(value, 1),
    },
    ...(heldOut
      ? [{ label: t("results.heldOut"), before: heldOut.base.perplexity, after: heldOut.adapter.perplexity, show: (value: number) => perplexity(value) }]
      : []),
  ];
  return (
    <>
      <div className="grid grid-cols-2 gap-3">
        <div className="rounded-lg bg-sunken p-4">
          <p className="text-sm text-soft">{t("results.before")}</p>
          <p data-testid="perplexity-before" className="text-3xl font-semibold tabular-nums">
            {perplexity(base.perplexity)}
          </p>
        </div>
        <div className="rounded-lg bg-accent-soft p-4">
          <p className="text-sm text-accent-strong">{t("results.after")}</p>
          <p data-testid="perplexity-after" className="text-3xl font-semibold text-accent-strong tabular-nums">
            {perplexity(adapter.perplexity)}
          </p>
        </div>
      </div>
      <table className="mt-4 w-full text-sm">
        <thead>
          <tr className="border-b border-line text-left text-xs text-soft">
            <td />
            <th scope="col" className="py-1.5 text-right font-medium">
              {t("results.before")}
            </th>
            <th scope="col" className="py-1.5 text-right font-medium">
              {t("results.after")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.label} className="border-b border-line last:border-0">
              <th scope="row" className="py-2 text-left font-normal">
                {row.label}
              </th>
              <td className="py-2 text-right tabular-nums">{row.before == null ? t("common.none") : row.show(row.before)}</td>
              <td className="py-2 text-right font-medium tabular-nums">{row.after == null ? t("common.none") : row.show(row.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {split === "training" ? (
        <WarnNote className="mt-3">{t("results.training", { count: examples })}</WarnNote>
      ) : (
        <p className="mt-3 text-sm text-soft">{t("results.heldBack", { count: examples })}</p>
      )}
      {heldOut && <p className="mt-1 text-sm text-soft">{t("results.heldOutHint", { count: heldOut.examples })}</p>}
      <p className="mt-1 text-xs text-soft">{t("results.measuredAt", { date: format.dateTime(evaluation.created_at) })}</p>
    </>
  );
}

/** What the training took. */
function Summary({ run }: { run: Run }) {
  const { t } = useTranslation();
  const format = useFormat();
  const summary = (run.summary ?? {}) as Record<string, unknown>;
  const figure = (name: string) => (typeof summary[name] === "number" ? summary[name] : null);
  const took = run.started_at && run.finished_at ? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000 : null;
  const memory = figure("peak_memory_bytes");
  const facts: [string, string | null][] = [
    [t("results.examples"), run.train_examples == null ? null : format.number(run.train_examples)],
    [t("results.steps"), format.number(run.step)],
    [t("results.finalLoss"), run.loss == null ? null : format.fixed(run.loss, 3)],
    [t("results.duration"), took === null ? null : format.duration(took)],
    [t("train.tokensPerSecond"), run.tokens_per_second == null ? null : format.number(run.tokens_per_second)],
    [t("results.memory"), memory === null ? null : format.bytes(memory)],
  ];
  return (
    <Section title={t("results.summary")}>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-3">
        {facts.map(
          ([label, value]) =>
            value !== null && (
              <div key={label}>
                <dt className="text-xs text-soft">{label}</dt>
                <dd className="font-semibold tabular-nums">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </Section>
  );
}
