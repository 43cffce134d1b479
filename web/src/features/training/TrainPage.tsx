import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { Problem } from "../../shared/api/problem";
import type { Run } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { isWorking, RUN_TONES, useRuns } from "../../shared/runs/useRuns";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { RunView } from "./RunView";
import { TrainForm } from "./TrainForm";

/** The training that the address names, or the newest; the form when there is none. */
export function TrainPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const { runId } = useParams();
  const runs = useRuns(project.id);
  const items = runs.data?.items ?? [];
  const run = runId ? items.find((candidate) => candidate.id === runId) : items[0];
  const isBusy = items.some(isWorking);
  return (
    <>
      <PageHeader
        title={t("train.title")}
        intro={t("train.intro")}
        windowTitle={project.name}
        actions={
          items.length > 0 &&
          !isBusy && (
            <Button asChild>
              <Link to={`/projects/${project.id}/train/new`}>
                <Plus aria-hidden />
                {t("train.newRun")}
              </Link>
            </Button>
          )
        }
      />
      {runs.isPending && <Skeleton rows={4} />}
      {runs.isError && <ProblemNote problem={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.data && items.length === 0 && !runId && <NewTraining />}
      {runs.data && runId && !run && <ProblemNote problem={new Problem({ code: "run_not_found" })} />}
      {run && <RunView key={run.id} run={run} />}
      {items.length > 1 && <RunList runs={items} shown={run?.id ?? null} />}
      <StepFooter step="train" />
    </>
  );
}

/** The form, also when there are trainings already. */
export function NewTrainingPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  return (
    <>
      <PageHeader title={t("train.title")} intro={t("train.intro")} windowTitle={project.name} />
      <NewTraining />
      <StepFooter step="train" />
    </>
  );
}

function NewTraining() {
  const project = useOpenProject();
  const navigate = useNavigate();
  return <TrainForm project={project} onStarted={(run) => void navigate(`/projects/${project.id}/train/${run.id}`)} />;
}

function RunList({ runs, shown }: { runs: Run[]; shown: string | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Section className="mt-5" title={t("train.runs")}>
      <ul className="divide-y divide-line">
        {runs.map((run) => (
          <li key={run.id}>
            <Link
              to={`/projects/${run.project_id}/train/${run.id}`}
              aria-current={run.id === shown ? "page" : undefined}
              className={cn(
                "-mx-2 flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md px-2 py-2.5 text-sm hover:bg-sunken",
                run.id === shown && "bg-sunken",
              )}
            >
              <span className="min-w-0 flex-1 font-medium wrap-anywhere">{run.name}</span>
              {run.loss != null && (
                <span className="text-soft tabular-nums">
                  {t("train.loss")} {format.fixed(run.loss, 3)}
                </span>
              )}
              <span className="text-soft">{format.dateTime(run.created_at)}</span>
              <Badge tone={RUN_TONES[run.status]}>{t(`train.status.${run.status}`)}</Badge>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}
