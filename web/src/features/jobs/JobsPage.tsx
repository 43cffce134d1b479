import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ListChecks, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { Problem } from "../../shared/api/problem";
import { keys } from "../../shared/api/queries";
import type { Job, JobStatus } from "../../shared/api/types";
import { isActive } from "../../shared/jobs/useNewestJob";
import { useFormat } from "../../shared/lib/format";
import { SaidText } from "../../shared/lib/said";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Field, Select } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { Pager } from "../../shared/ui/Pager";
import { ProblemLine, ProblemNote } from "../../shared/ui/ProblemNote";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { DoneNote, EmptyState, Skeleton } from "../../shared/ui/States";

const PER_PAGE = 25;
const REFRESH_MS = 2000;
const STATUSES: JobStatus[] = ["queued", "running", "completed", "failed", "cancelled"];
const TONES: Record<JobStatus, Tone> = { queued: "neutral", running: "accent", completed: "good", failed: "bad", cancelled: "neutral" };
/** Where the work of a kind is shown. */
const PAGES: Record<string, string> = {
  chunk_documents: "data",
  document_ocr: "data",
  dataset_generate: "review",
  dataset_check: "review",
  dataset_preview: "preview",
  dataset_write: "preview",
  label_studio_push: "review/label-studio",
  label_studio_sync: "review/label-studio",
  train: "train",
  evaluate: "results",
  export: "export",
  ollama_push: "export",
};

/** The page that a job belongs to, on the training that it works with. */
export function pageOf(job: Pick<Job, "kind" | "project_id" | "run_id">): string {
  const page = PAGES[job.kind] ?? "";
  const run = job.run_id ?? null;
  if (run === null) return `/projects/${job.project_id}/${page}`;
  return job.kind === "train" ? `/projects/${job.project_id}/train/${run}` : `/projects/${job.project_id}/${page}?run=${run}`;
}

export function JobsPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const status = STATUSES.find((known) => known === search.get("status")) ?? null;
  const page = Math.max(1, Number(search.get("page")) || 1);
  const query = { page, per_page: PER_PAGE, ...(status ? { status } : {}) };
  const jobs = useQuery({
    queryKey: [...keys.jobs, query],
    queryFn: ({ signal }) => take(api.GET("/api/jobs", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: (current) => (current.state.data?.items.some(isActive) ? REFRESH_MS : false),
  });
  const projects = useQuery({
    queryKey: [...keys.projects, "names"],
    queryFn: ({ signal }) => take(api.GET("/api/projects", { params: { query: { per_page: 500 } }, signal })),
  });
  const names = new Map(projects.data?.items.map((project) => [project.id, project.name]));
  return (
    <>
      <PageHeader title={t("jobs.title")} intro={t("jobs.intro")} />
      <Field label={t("jobs.filter")} className="mb-4 w-48">
        {(control) => (
          <Select
            {...control}
            value={status ?? ""}
            onChange={(event) => setSearch(event.target.value ? { status: event.target.value } : {}, { replace: true })}
          >
            <option value="">{t("jobs.all")}</option>
            {STATUSES.map((known) => (
              <option key={known} value={known}>
                {t(`jobs.status.${known}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {jobs.isPending && <Skeleton rows={4} />}
      {jobs.isError && <ProblemNote problem={jobs.error} onRetry={() => void jobs.refetch()} className="mb-4" />}
      {jobs.data?.total === 0 &&
        (status ? (
          <p className="text-soft">{t("jobs.noMatch")}</p>
        ) : (
          <EmptyState icon={ListChecks} title={t("jobs.emptyTitle")} text={t("jobs.emptyText")} />
        ))}
      {jobs.data && jobs.data.items.length > 0 && (
        <ul className="divide-y divide-line rounded-xl border border-line bg-surface">
          {jobs.data.items.map((job) => (
            <JobRow key={job.id} job={job} projectName={job.project_id ? (names.get(job.project_id) ?? null) : null} />
          ))}
        </ul>
      )}
      {jobs.data && (
        <Pager
          page={page}
          perPage={PER_PAGE}
          total={jobs.data.total}
          onPage={(next) => setSearch({ ...(status ? { status } : {}), page: String(next) })}
        />
      )}
    </>
  );
}

function JobRow({ job, projectName }: { job: Job; projectName: string | null }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => take(api.POST("/api/jobs/{id}/cancel", { params: { path: { id: job.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
  const retry = useMutation({
    mutationFn: () => take(api.POST("/api/jobs/{id}/retry", { params: { path: { id: job.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
  const kind = i18n.exists(`jobs.kinds.${job.kind}`) ? t(`jobs.kinds.${job.kind}` as never) : job.kind;
  const isAtWork = isActive(job);
  return (
    <li className="p-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-52">
          <p className="font-medium">{kind}</p>
          <p className="text-xs wrap-anywhere text-soft">
            {projectName !== null && job.project_id && (
              <>
                <Link className="underline underline-offset-2" to={pageOf(job)}>
                  {projectName}
                </Link>
                {" · "}
              </>
            )}
            {format.dateTime(job.created_at)}
            {job.attempts > 1 && ` · ${t("jobs.attempt", { attempt: job.attempts, max: job.max_attempts })}`}
          </p>
        </div>
        <Badge tone={TONES[job.status]}>{t(`jobs.status.${job.status}`)}</Badge>
        {isAtWork && (
          <Button size="small" busy={cancel.isPending || job.cancel_requested} onClick={() => cancel.mutate()}>
            {job.cancel_requested ? t("jobs.cancelRequested") : t("jobs.cancel")}
          </Button>
        )}
      </div>
      {job.retryable && !retry.isSuccess && (
        <Button size="small" className="mt-2" busy={retry.isPending} onClick={() => retry.mutate()}>
          <RotateCw aria-hidden />
          {t("jobs.retry")}
        </Button>
      )}
      {retry.isSuccess && <DoneNote className="mt-2">{t("jobs.retried")}</DoneNote>}
      {retry.isError && <ProblemNote problem={retry.error} className="mt-2" />}
      {isAtWork && (
        <>
          <ProgressBar className="mt-3" fraction={job.status === "queued" ? 0 : (job.progress?.fraction ?? null)} label={kind} />
          <p className="mt-1 text-xs text-soft">{job.status === "queued" ? t("jobs.waiting") : <SaidText group="activities" said={job.progress ?? {}} />}</p>
        </>
      )}
      {job.error && isAtWork && <p className="mt-2 text-sm text-warn">{t("jobs.again")}</p>}
      {job.error && (
        <ProblemLine problem={new Problem(job.error)} className={`mt-2 text-sm ${job.status === "failed" ? "text-bad" : "text-warn"}`} />
      )}
      {cancel.isError && <ProblemNote problem={cancel.error} className="mt-2" />}
    </li>
  );
}
