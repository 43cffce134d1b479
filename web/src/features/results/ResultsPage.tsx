import { useMutation, useQuery } from "@tanstack/react-query";
import { Gauge } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { NoRun, RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Textarea } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { Answers } from "./Answers";
import { MOST_OWN, questionsOf } from "./answers";
import { AllFigures } from "./Figures";
import { Report } from "./Report";

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
          <Summary run={run} />
          <Report key={`report-${run.id}`} run={run} />
        </div>
      )}
    </>
  );
}

/** Before and after: figures, then answers. */
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
  const [own, setOwn] = useState<string | null>(null);
  const evaluation = evaluations.data?.items[0];
  const asked = evaluation?.answers.filter((answer) => answer.set === "own").map((answer) => answer.question) ?? [];
  const text = own ?? asked.join("\n");
  const questions = questionsOf(text);
  const isTooMany = questions.length > MOST_OWN;
  const start = useMutation({
    mutationFn: () => {
      const body = { run_id: run.id, questions };
      return take(api.POST("/api/projects/{project_id}/evaluate", { params: { path }, body }));
    },
    onSuccess: (started) => job.follow(started.job),
  });
  const button = (look: "primary" | "plain") => (
    <Button look={look} busy={start.isPending} disabled={job.active || isTooMany} onClick={() => start.mutate()}>
      <Gauge aria-hidden />
      {evaluation ? t("results.measureAgain") : t("results.measure")}
    </Button>
  );
  return (
    <>
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
        {evaluation && <AllFigures evaluation={evaluation} />}
        {evaluations.data && (
          <details className="mt-4 border-t border-line pt-4">
            <summary className="cursor-pointer text-sm font-medium">{t("results.ownQuestions")}</summary>
            <Field
              className="mt-2"
              label={t("results.ownLabel")}
              hint={t("results.ownHint")}
              error={isTooMany ? t("results.ownTooMany", { count: MOST_OWN }) : null}
            >
              {(control) => <Textarea {...control} rows={4} value={text} onChange={(event) => setOwn(event.target.value)} />}
            </Field>
          </details>
        )}
      </Section>
      {evaluation && <Answers projectId={run.project_id} evaluation={evaluation} />}
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
