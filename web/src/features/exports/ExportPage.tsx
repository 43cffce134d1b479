import { useTranslation } from "react-i18next";
import { useSettings } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { NoRun, RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { Certificate } from "./Certificate";
import { Files } from "./Files";
import { OllamaPush } from "./OllamaPush";
import { StartExport } from "./StartExport";

export function ExportPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const settings = useSettings();
  const { runs, usable, run, choose, working } = useChosenRun(project.id);
  const failed = [runs, settings].find((query) => query.isError);
  return (
    <>
      <PageHeader title={t("export.title")} intro={t("export.intro")} windowTitle={project.name} />
      {(runs.isPending || settings.isPending) && <Skeleton rows={4} />}
      {failed && <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />}
      {runs.data && !run && <NoRun projectId={project.id} working={working} />}
      {run && settings.data && (
        <div className="space-y-5">
          <RunChooser runs={usable} run={run} onChoose={choose} />
          <StartExport key={run.id} run={run} settings={settings.data} />
          <Files run={run} />
          <Certificate run={run} />
          <OllamaPush key={`ollama-${run.id}`} projectId={project.id} runId={run.id} />
        </div>
      )}
      <StepFooter step="export" />
    </>
  );
}
