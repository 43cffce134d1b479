import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, FileInput, ListTodo, PenLine, Sparkles, Tags } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys, refreshProject, useStats } from "../../shared/api/queries";
import type { Example, ExampleStatus, Job } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Card } from "../../shared/ui/Card";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { Checkbox, Input } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DoneNote, EmptyState, Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { EditExample } from "./EditExample";
import { ExampleRow } from "./ExampleRow";
import { GenerateDialog } from "./GenerateDialog";
import { FindingFilter } from "./FindingFilter";
import { ImportDialog } from "./ImportDialog";
import { StatsPanel } from "./StatsPanel";
import { WritingCard } from "./WritingCard";

const PER_PAGE = 25;
const STATUSES: ExampleStatus[] = ["pending", "approved", "rejected"];

type Action = "approve" | "reject" | "reset" | "delete";
type Target = { ids: string[] } | { filter: { status?: ExampleStatus; q?: string } };

/** The filter and the page stand in the address: a reload shows the same. */
function useFilter() {
  const [search, setSearch] = useSearchParams();
  const status = STATUSES.find((known) => known === search.get("status")) ?? null;
  const change = (name: string, value: string | null) =>
    setSearch(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        if (name !== "page") before.delete("page");
        return before;
      },
      { replace: true },
    );
  return { status, q: search.get("q") ?? "", issue: search.get("issue") ?? "", page: Math.max(1, Number(search.get("page")) || 1), change };
}

export function ExamplesPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const project = useOpenProject();
  const filter = useFilter();
  const { status, q, issue, page } = filter;
  const [dialog, setDialog] = useState<"generate" | "import" | null>(null);
  const [edited, setEdited] = useState<Example | null>(null);
  const [deleted, setDeleted] = useState<string[] | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const stats = useStats(project.id);
  const job = useProjectJob(project.id, "dataset_generate");
  const query = { page, per_page: PER_PAGE, ...(status ? { status } : {}), ...(q ? { q } : {}), ...(issue ? { issue } : {}) };
  const examples = useQuery({
    queryKey: [...keys.examples(project.id), query],
    queryFn: ({ signal }) =>
      take(api.GET("/api/projects/{project_id}/dataset/examples", { params: { path: { project_id: project.id }, query }, signal })),
    placeholderData: keepPreviousData,
  });
  const refresh = () => refreshProject(client, project.id);

  const decide = useMutation({
    mutationFn: ({ action, target }: { action: Action; target: Target }) => {
      const params = { path: { project_id: project.id } };
      return take(api.POST("/api/projects/{project_id}/dataset/examples/bulk", { params, body: { action, ...target } }));
    },
    onSuccess: async () => {
      setSelected(new Set());
      setDeleted(null);
      await refresh();
    },
  });

  const items = examples.data?.items ?? [];
  const isEmpty = stats.data?.total === 0;
  const ids = items.map((example) => example.id);
  const allSelected = ids.length > 0 && ids.every((id) => selected.has(id));
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };

  const startButtons = (
    <>
      <Button look="primary" disabled={job.active} onClick={() => setDialog("generate")}>
        <Sparkles aria-hidden />
        {t("examples.generate")}
      </Button>
      <Button asChild>
        <Link to={`/projects/${project.id}/preview`}>
          <PenLine aria-hidden />
          {t("writing.title")}
        </Link>
      </Button>
      <Button onClick={() => setDialog("import")}>
        <FileInput aria-hidden />
        {t("examples.import")}
      </Button>
    </>
  );

  return (
    <>
      <PageHeader
        title={t("examples.title")}
        intro={t("examples.intro")}
        windowTitle={project.name}
        actions={!isEmpty && startButtons}
      />
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
      {(stats.isPending || examples.isPending) && <Skeleton rows={4} />}
      {(stats.error ?? examples.error) != null && (
        <ProblemNote
          problem={stats.error ?? examples.error}
          onRetry={() => {
            void stats.refetch();
            void examples.refetch();
          }}
        />
      )}
      {isEmpty && !job.active && (
        <EmptyState icon={ListTodo} title={t("examples.emptyTitle")} text={t("examples.emptyText")}>
          {startButtons}
        </EmptyState>
      )}
      {stats.data && !isEmpty && (
        <>
          <StatsPanel projectId={project.id} stats={stats.data} onFinding={(code) => filter.change("issue", code)} />
          <div className="mb-3 flex flex-wrap items-center gap-3">
            <StatusTabs
              counts={{ all: stats.data.total, ...stats.data }}
              status={status}
              onChoose={(next) => filter.change("status", next)}
            />
            <FindingFilter issue={issue} findings={stats.data.findings} onChoose={(code) => filter.change("issue", code)} />
            <SearchBox key={q} initial={q} onSearch={(text) => filter.change("q", text)} />
          </div>
          {decide.isError && !deleted && <ProblemNote problem={decide.error} className="mb-3" />}
          {decide.isSuccess && <DoneNote className="mb-3">{t("examples.changed", { count: decide.data.changed })}</DoneNote>}
          {items.length > 0 && (
            <div className="mb-2 flex min-h-9 flex-wrap items-center gap-x-4 gap-y-2">
              <Checkbox
                label={t("examples.selectPage")}
                checked={allSelected}
                onChange={() => setSelected(allSelected ? new Set() : new Set(ids))}
              />
              {selected.size > 0 ? (
                <div className="flex flex-wrap items-center gap-1.5">
                  <span className="mr-1 text-sm font-medium">{t("examples.selected", { count: selected.size })}</span>
                  {(["approve", "reject", "reset"] as const).map((action) => (
                    <Button
                      key={action}
                      size="small"
                      disabled={decide.isPending}
                      onClick={() => decide.mutate({ action, target: { ids: [...selected] } })}
                    >
                      {t(`examples.${action}`)}
                    </Button>
                  ))}
                  <Button size="small" onClick={() => setDeleted([...selected])}>
                    {t("common.delete")}
                  </Button>
                </div>
              ) : (
                !q && !issue && stats.data.pending > 0 && (
                  <Button
                    size="small"
                    className="ml-auto"
                    busy={decide.isPending}
                    onClick={() => decide.mutate({ action: "approve", target: { filter: { status: "pending" } } })}
                  >
                    {t("examples.approveAll", { count: stats.data.pending })}
                  </Button>
                )
              )}
            </div>
          )}
          {examples.data?.total === 0 && (
            <p className="py-6 text-soft">
              {t("examples.noMatch")}{" "}
              <Link className="text-accent-strong underline" to={{ search: "" }} replace>
                {t("examples.showAll")}
              </Link>
            </p>
          )}
          <ul className={cn("space-y-2", examples.isPlaceholderData && "opacity-60")}>
            {items.map((example) => (
              <ExampleRow
                key={example.id}
                projectId={project.id}
                example={example}
                isSelected={selected.has(example.id)}
                isBusy={decide.isPending}
                onToggle={() => toggle(example.id)}
                onDecide={(action) => decide.mutate({ action, target: { ids: [example.id] } })}
                onEdit={() => setEdited(example)}
                onDelete={() => setDeleted([example.id])}
              />
            ))}
          </ul>
          {examples.data && (
            <Pager page={page} perPage={PER_PAGE} total={examples.data.total} onPage={(next) => filter.change("page", String(next))} />
          )}
          <Footer projectId={project.id} approved={stats.data.approved} />
        </>
      )}
      <StepFooter step="review" />
      {dialog === "generate" && (
        <GenerateDialog project={project} onClose={() => setDialog(null)} onStarted={(started) => job.follow(started)} />
      )}
      {dialog === "import" && <ImportDialog project={project} onClose={() => setDialog(null)} />}
      {edited && <EditExample projectId={project.id} example={edited} onClose={() => setEdited(null)} />}
      {deleted && (
        <ConfirmDialog
          open
          onOpenChange={(open) => !open && setDeleted(null)}
          title={deleted.length === 1 ? t("examples.deleteTitle") : t("examples.deleteMany", { count: deleted.length })}
          text={t("examples.deleteText")}
          action={decide.isPending ? t("common.deleting") : t("common.delete")}
          busy={decide.isPending}
          problem={decide.error}
          onConfirm={() => decide.mutate({ action: "delete", target: { ids: deleted } })}
        />
      )}
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

function StatusTabs(props: {
  counts: Record<"all" | ExampleStatus, number>;
  status: ExampleStatus | null;
  onChoose: (status: ExampleStatus | null) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const tab = (id: ExampleStatus | null) => (
    <button
      key={id ?? "all"}
      type="button"
      aria-pressed={props.status === id}
      onClick={() => props.onChoose(id)}
      className={cn(
        "h-8 rounded-md px-2.5 text-sm font-medium whitespace-nowrap",
        props.status === id ? "bg-surface text-ink shadow-sm" : "text-soft hover:text-ink",
      )}
    >
      {id ? t(`examples.status.${id}`) : t("examples.total")}{" "}
      <span className="text-xs text-soft tabular-nums">{format.number(props.counts[id ?? "all"])}</span>
    </button>
  );
  return (
    <div role="group" aria-label={t("examples.filter")} className="flex max-w-full gap-0.5 overflow-x-auto rounded-lg bg-sunken p-1">
      {tab(null)}
      {STATUSES.map(tab)}
    </div>
  );
}

function SearchBox({ initial, onSearch }: { initial: string; onSearch: (text: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(initial);
  return (
    <form
      role="search"
      className="flex min-w-0 flex-1 basis-56 gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(text.trim());
      }}
    >
      <Input
        type="search"
        aria-label={t("examples.search")}
        placeholder={t("examples.search")}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value === "") onSearch("");
        }}
      />
      <Button type="submit">{t("common.search")}</Button>
    </form>
  );
}

function Footer({ projectId, approved }: { projectId: string; approved: number }) {
  const { t } = useTranslation();
  return (
    <div className="mt-6 flex flex-wrap items-center justify-end gap-2">
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
