import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, ExternalLink, Tags } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys, useLabelStudio } from "../../shared/api/queries";
import type { Job, LabelStudioDataset } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Card, Section } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DoneNote, EmptyState, Skeleton } from "../../shared/ui/States";
import { Conflicts } from "./Conflicts";
import { PushForm } from "./PushForm";
import { SyncButton } from "./SyncButton";

/** Examples to Label Studio and back: send, take the verdicts, settle what both sides changed. */
export function LabelStudioPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const connection = useLabelStudio();
  const isReady = connection.data?.address != null && connection.data.problem == null;
  const push = useProjectJob(project.id, "label_studio_push");
  const sync = useProjectJob(project.id, "label_studio_sync");
  const path = { project_id: project.id };
  const datasets = useQuery({
    queryKey: keys.labelStudioDatasets(project.id),
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/label-studio/datasets", { params: { path }, signal })),
  });
  const isBusy = push.active || sync.active;
  const linked = datasets.data ?? [];
  return (
    <>
      <PageHeader
        title={t("labelStudio.pageTitle")}
        intro={t("labelStudio.pageIntro")}
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
      <div className="space-y-5">
        {connection.isPending && <Skeleton rows={3} />}
        {connection.isError && <ProblemNote problem={connection.error} onRetry={() => void connection.refetch()} />}
        {connection.data && !isReady && (
          <EmptyState icon={Tags} title={t("labelStudio.notConnected")} text={t("labelStudio.notConnectedText")}>
            <Button asChild look="primary">
              <Link to="/settings">{t("labelStudio.toSettings")}</Link>
            </Button>
          </EmptyState>
        )}
        <Progress job={push} title={t("labelStudio.pushing")} />
        <Progress job={sync} title={t("labelStudio.syncing")} />
        <Outcome push={push.job} sync={sync.job} />
        {isReady && datasets.data && !isBusy && (
          <PushForm project={project} address={connection.data?.address ?? ""} linked={linked.filter((one) => one.connected)} onStarted={push.follow} />
        )}
        {datasets.isError && <ProblemNote problem={datasets.error} onRetry={() => void datasets.refetch()} />}
        {(isReady || linked.length > 0) && datasets.data && (
          <Section
            title={t("labelStudio.datasets")}
            actions={isReady && linked.some((one) => one.connected) && <SyncButton projectId={project.id} disabled={isBusy} onStarted={sync.follow} />}
          >
            {linked.length === 0 && <p className="text-sm text-soft">{t("labelStudio.datasetsEmpty")}</p>}
            <ul className="divide-y divide-line">
              {linked.map((dataset) => (
                <DatasetRow key={dataset.url} dataset={dataset} />
              ))}
            </ul>
          </Section>
        )}
        <Conflicts projectId={project.id} />
      </div>
    </>
  );
}

function Progress({ job, title }: { job: ReturnType<typeof useProjectJob>; title: string }) {
  return (
    <>
      {job.active && job.job && (
        <Card className="p-4">
          <JobProgress job={job.job} title={title} lost={job.connection === "lost"} onCancel={() => job.job && job.cancel.mutate(job.job.id)} />
        </Card>
      )}
      <JobProblem job={job.job} />
    </>
  );
}

/** What the jobs answer: how many examples went there, and what came back. */
interface PushResult {
  examples: { pushed: number; there: number; changed_since: number };
}
interface SyncResult {
  examples: { tasks: number; reviewed: number; changed: number; conflicts: number };
}

/** What the newest of both jobs has brought. */
function Outcome({ push, sync }: { push: Job | null; sync: Job | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const newest = [push, sync].filter((job) => job?.status === "completed").sort((a, b) => (a && b ? b.created_at.localeCompare(a.created_at) : 0))[0];
  if (!newest?.result) return null;
  if (newest === push) {
    const { examples } = newest.result as unknown as PushResult;
    const values = { pushed: format.number(examples.pushed), there: format.number(examples.there), changed: format.number(examples.changed_since) };
    return <DoneNote>{t("labelStudio.pushed", values)}</DoneNote>;
  }
  const { examples } = newest.result as unknown as SyncResult;
  const values = {
    reviewed: format.number(examples.reviewed),
    tasks: format.number(examples.tasks),
    changed: format.number(examples.changed),
    conflicts: format.number(examples.conflicts),
  };
  return <DoneNote>{t("labelStudio.synced", values)}</DoneNote>;
}

function DatasetRow({ dataset }: { dataset: LabelStudioDataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  const pushed = format.dateTime(dataset.pushed_at);
  const counts = ["tasks", "approved", "rejected", "undecided", "conflicts"] as const;
  return (
    <li data-dataset={dataset.remote_project} className="py-3 first:pt-0 last:pb-0">
      <p className="flex flex-wrap items-center gap-2">
        <a href={dataset.url} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1.5 font-medium text-accent-strong underline" title={t("labelStudio.open")}>
          {dataset.title || dataset.remote_project}
          <ExternalLink className="size-3.5" aria-hidden />
          <span className="sr-only">({t("labelStudio.open")})</span>
        </a>
        {!dataset.connected && <Badge>{t("labelStudio.elsewhere")}</Badge>}
      </p>
      <dl className="mt-1 flex flex-wrap gap-x-5 gap-y-1 text-sm">
        {counts.map((id) => (
          <div key={id} className="flex gap-1.5">
            <dt className="text-soft">{t(`labelStudio.counts.${id}`)}</dt>
            <dd data-count={id} className={id === "conflicts" && dataset.conflicts > 0 ? "font-semibold text-warn" : "font-medium tabular-nums"}>
              {format.number(dataset[id])}
            </dd>
          </div>
        ))}
      </dl>
      <p className="mt-1 text-xs text-soft">
        {dataset.synced_at == null
          ? t("labelStudio.times", { pushed })
          : t("labelStudio.timesSynced", { pushed, synced: format.dateTime(dataset.synced_at) })}
      </p>
    </li>
  );
}
