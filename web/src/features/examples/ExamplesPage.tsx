import { Download, FileInput, FileText, ListTodo, MessageSquarePlus, PenLine, Sparkles, Tags } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import type { Job } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { ImportDialog } from "../../shared/imports/ImportDialog";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { cn } from "../../shared/lib/cn";
import { Button } from "../../shared/ui/Button";
import { Card } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DoneNote, EmptyState, Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { BulkNote } from "./BulkNote";
import { FilterBar } from "./FilterBar";
import { EditExample } from "./EditExample";
import { GenerateDialog } from "./GenerateDialog";
import { StatsPanel } from "./StatsPanel";
import { Triage } from "./Triage";
import { useBulkUndo } from "./useBulkUndo";
import { useFilter } from "./useFilter";
import { useReview } from "./useReview";
import { WritingCard } from "./WritingCard";

/** The examples of a project: looked through, decided about, counted. */
export function ExamplesPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const filter = useFilter();
  const [search] = useSearchParams();
  const [dialog, setDialog] = useState<"generate" | "import" | "write" | null>(search.get("make") === "examples" ? "generate" : null);
  const job = useProjectJob(project.id, "dataset_generate");
  const review = useReview(project.id, filter.filter);
  const { list } = review;
  const bulk = useBulkUndo(project.id, list);
  const isFiltered = Object.keys(filter.filter).length > 0;
  const isEmpty = !review.isPending && review.isCurrent && list.total === 0 && !isFiltered;

  const hasDocuments = project.counts.documents > 0;
  const importButton = (
    <Button size={isEmpty ? "normal" : "small"} onClick={() => setDialog("import")}>
      <FileInput aria-hidden />
      {t("examples.import")}
    </Button>
  );
  const writeButton = (
    <Button size={isEmpty ? "normal" : "small"} onClick={() => setDialog("write")}>
      <MessageSquarePlus aria-hidden />
      {t("review.writeOne")}
    </Button>
  );
  const startButtons = (
    <>
      <Button {...(isEmpty ? { look: "primary" } : { size: "small" })} disabled={job.active} onClick={() => setDialog("generate")}>
        <Sparkles aria-hidden />
        {t("examples.generate")}
      </Button>
      <Button asChild size={isEmpty ? "normal" : "small"}>
        <Link to={`/projects/${project.id}/preview`}>
          <PenLine aria-hidden />
          {t("writing.title")}
        </Link>
      </Button>
      {importButton}
      {writeButton}
    </>
  );
  const dataButtons = (
    <>
      <Button asChild look="primary">
        <Link to={`/projects/${project.id}/data`}>
          <FileText aria-hidden />
          {t("examples.toDocuments")}
        </Link>
      </Button>
      {importButton}
      {writeButton}
    </>
  );

  return (
    <>
      <PageHeader title={t("triage.title")} {...(filter.isSingle ? {} : { intro: t("examples.intro") })} windowTitle={project.name} actions={!isEmpty && !review.isPending && !filter.isSingle && startButtons} />
      {job.active && job.job && (
        <Card className="mb-5 p-4">
          <JobProgress
            job={job.job}
            title={t("examples.generating")}
            lost={job.connection === "lost"}
            onCancel={() => job.job && job.cancel.mutate(job.job.id)}
          />
        </Card>
      )}
      <WritingCard projectId={project.id} />
      <JobProblem job={job.job} className="mb-5" />
      <GeneratedNote job={job.job} />
      {review.isPending && <Skeleton rows={6} />}
      {review.problem != null && <ProblemNote problem={review.problem} className="mb-3" onRetry={() => void review.reload()} />}
      {isEmpty && !job.active && (
        <EmptyState icon={ListTodo} title={t("examples.emptyTitle")} text={hasDocuments ? t("examples.emptyText") : t("triage.noDocuments")}>
          {hasDocuments ? startButtons : dataButtons}
        </EmptyState>
      )}
      {!review.isPending && !isEmpty && (
        <>
          {!filter.isSingle && (
            <>
              <StatsPanel projectId={project.id} onFinding={(code) => filter.narrow("issue", code)} />
              <FilterBar
                projectId={project.id}
                filter={filter.filter}
                counts={list.counts}
                onNarrow={filter.narrow}
                onClear={filter.clear}
              />
            </>
          )}
          <div aria-busy={!review.isCurrent} className={cn(!review.isCurrent && "opacity-60")}>
            {list.total > 0 ? (
              <Triage projectId={project.id} list={list} filter={filter} bulk={bulk} />
            ) : (
              <p className="py-6 text-soft">
                {t("examples.noMatch")}{" "}
                <button type="button" className="text-accent-strong underline" onClick={filter.clear}>
                  {t("examples.showAll")}
                </button>
              </p>
            )}
          </div>
          {!filter.isSingle && <Others projectId={project.id} approved={list.counts.approved} />}
        </>
      )}
      <StepFooter step="review" note={review.isCurrent && list.counts.approved === 0 && !isFiltered && t("triage.noneApproved")} />
      <BulkNote bulk={bulk} />
      {dialog === "generate" && (
        <GenerateDialog project={project} onClose={() => setDialog(null)} onStarted={(started) => job.follow(started)} />
      )}
      {dialog === "write" && <EditExample projectId={project.id} example={null} onClose={() => setDialog(null)} />}
      {dialog === "import" && <ImportDialog project={project} onClose={() => setDialog(null)} />}
    </>
  );
}

/** What a generation that ended while the page is open has brought. */
function GeneratedNote({ job }: { job: Job | null }) {
  const { t } = useTranslation();
  const [watched, setWatched] = useState<string | null>(null);
  const isActive = job?.status === "queued" || job?.status === "running";
  useEffect(() => {
    if (isActive && job) setWatched(job.id);
  }, [isActive, job]);
  if (job?.status !== "completed" || job.id !== watched) return null;
  const result = job.result as { files?: number; examples?: number; new?: number; failed?: { name: string; error: string }[] } | null;
  const fresh = result?.new ?? 0;
  return (
    <div className="mb-5 space-y-2">
      <DoneNote>
        {fresh > 0
          ? t("examples.generated", { fresh, files: result?.files ?? 0 })
          : t("examples.generatedNothing", { all: result?.examples ?? 0 })}
      </DoneNote>
      {(result?.failed ?? []).map((failure) => (
        <p key={failure.name} lang="en" role="alert" className="text-sm text-bad">
          {failure.error}
        </p>
      ))}
    </div>
  );
}

/** Other ways with the examples: reviewed elsewhere, or taken along. */
function Others({ projectId, approved }: { projectId: string; approved: number }) {
  const { t } = useTranslation();
  return (
    <div className="mt-6 flex flex-wrap items-center gap-2">
      <Button asChild>
        <Link to={`/projects/${projectId}/review/label-studio`}>
          <Tags aria-hidden />
          {t("labelStudio.pageTitle")}
        </Link>
      </Button>
      {approved > 0 && (
        <Button asChild>
          <a href={`/api/projects/${projectId}/dataset/export?format=messages&status=approved`} download>
            <Download aria-hidden />
            {t("examples.downloadAll")}
          </a>
        </Button>
      )}
    </div>
  );
}
