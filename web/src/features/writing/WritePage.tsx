import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, FileText } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { useConnections } from "../../shared/connections/useConnections";
import { cn } from "../../shared/lib/cn";
import { Button } from "../../shared/ui/Button";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { Calls } from "./Calls";
import { Units } from "./Units";
import { useWriting } from "./useWriting";
import { Work } from "./Work";
import { WriteForm } from "./WriteForm";

const VIEWS = ["write", "units", "calls"] as const;

/** A language model writes examples: what, how far it is, what became of each passage, and every call. */
export function WritePage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const [search, setSearch] = useSearchParams();
  const view = VIEWS.find((known) => known === search.get("view")) ?? "write";
  const writing = useWriting(project.id);
  return (
    <>
      <PageHeader
        title={t("writing.pageTitle")}
        intro={t("writing.intro")}
        windowTitle={project.name}
        actions={
          <Button asChild>
            <Link to={`/projects/${project.id}/review`}>
              <ArrowLeft aria-hidden />
              {t("writing.back")}
            </Link>
          </Button>
        }
      />
      <nav aria-label={t("writing.viewsLabel")} className="mb-5 flex gap-1 border-b border-line">
        {VIEWS.map((id) => (
          <button
            key={id}
            type="button"
            aria-current={view === id ? "page" : undefined}
            onClick={() => setSearch(id === "write" ? {} : { view: id }, { replace: true })}
            className={cn(
              "-mb-px border-b-2 px-3 py-2 text-sm font-medium",
              view === id ? "border-accent text-accent-strong" : "border-transparent text-soft hover:text-ink",
            )}
          >
            {t(`writing.views.${id}`)}
          </button>
        ))}
      </nav>
      {writing.status.isError && <ProblemNote problem={writing.status.error} onRetry={() => void writing.status.refetch()} className="mb-5" />}
      {view === "write" && <Write writing={writing} />}
      {view === "units" && <Units projectId={project.id} work={writing.work} />}
      {view === "calls" && <Calls projectId={project.id} isWorking={writing.job.active} />}
      <StepFooter step="preview" />
    </>
  );
}

function Write({ writing }: { writing: ReturnType<typeof useWriting> }) {
  const { t } = useTranslation();
  const project = useOpenProject();
  const connections = useConnections();
  const passages = useQuery({
    queryKey: [...keys.project(project.id), "chunks", "count"],
    queryFn: ({ signal }) =>
      take(api.GET("/api/projects/{project_id}/chunks", { params: { path: { project_id: project.id }, query: { per_page: 1 } }, signal })),
  });
  const failed = [connections, passages].find((query) => query.isError);
  const isReady = connections.data && passages.data && !writing.status.isPending;
  return (
    <div className="space-y-5">
      {writing.work && <Work project={project} writing={writing} work={writing.work} connections={connections.data ?? []} />}
      {failed && <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />}
      {!failed && !isReady && <Skeleton rows={4} />}
      {passages.data?.total === 0 && (
        <EmptyState icon={FileText} title={t("writing.noPassages")} text={t("writing.noPassagesText")}>
          <Button asChild look="primary">
            <Link to={`/projects/${project.id}/data`}>{t("writing.toDocuments")}</Link>
          </Button>
        </EmptyState>
      )}
      {isReady && passages.data.total > 0 && !writing.job.active && (
        <WriteForm
          project={project}
          connections={connections.data}
          passages={passages.data.total}
          last={writing.work?.request ?? null}
          onStarted={(job) => writing.job.follow(job)}
        />
      )}
    </div>
  );
}
