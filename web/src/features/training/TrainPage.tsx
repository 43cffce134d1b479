import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { Problem } from "../../shared/api/problem";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { isWorking, useRuns } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { RunList } from "./RunList";
import { RunView } from "./RunView";
import { TrainForm } from "./TrainForm";

/** The training that the address names, or the newest; the form when there is none. */
export function TrainPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const navigate = useNavigate();
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
      {run && <RunView key={run.id} run={run} others={items.filter((other) => other.id !== run.id && other.step > 0)} />}
      {items.length > 0 && (
        <RunList
          runs={items}
          shown={run?.id ?? null}
          onDeleted={(id) => {
            if (id === runId) void navigate(`/projects/${project.id}/train`, { replace: true });
          }}
        />
      )}
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
