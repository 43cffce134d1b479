import { useMutation } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { useStats } from "../../shared/api/queries";
import type { DatasetStats } from "../../shared/api/types";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { languageTag } from "../../shared/lib/language";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { Histogram, StatusBars } from "./charts";
import { Coverage } from "./Coverage";
import { useFacets } from "./FilterBar";
import { useIssueText } from "./useIssueText";
import { useTaskText } from "./useTaskText";

type Count = DatasetStats["sources"][number];

/** Figures of the examples, counted when they are asked for: what the checks found, lengths, languages, coverage. */
export function StatsPanel({ projectId, onFinding }: { projectId: string; onFinding: (issue: string) => void }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="mb-4 rounded-xl border border-line bg-surface p-4" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="text-sm font-medium text-accent-strong">{t("review.stats")}</summary>
      {isOpen && <Figures projectId={projectId} onFinding={onFinding} />}
    </details>
  );
}

function Figures({ projectId, onFinding }: { projectId: string; onFinding: (issue: string) => void }) {
  const stats = useStats(projectId);
  if (stats.isPending) return <Skeleton rows={4} className="mt-4" />;
  if (stats.isError) return <ProblemNote problem={stats.error} className="mt-4" onRetry={() => void stats.refetch()} />;
  return (
    <div className="mt-4 space-y-6" data-testid="stats">
      <Check projectId={projectId} stats={stats.data} />
      <Charts projectId={projectId} stats={stats.data} />
      <Facts stats={stats.data} onFinding={onFinding} />
      {stats.data.coverage.length > 0 && <Coverage coverage={stats.data.coverage} />}
    </div>
  );
}

/** Where the decisions stand, as a whole, by document and by task; and how long the examples are. */
function Charts({ projectId, stats }: { projectId: string; stats: DatasetStats }) {
  const { t } = useTranslation();
  const taskText = useTaskText();
  const facets = useFacets(projectId);
  const files = (facets.data?.files ?? []).map((facet) => ({ ...facet, label: facet.name ?? t("triage.fileGone") }));
  const tasks = (facets.data?.tasks ?? []).map((facet) => ({ ...facet, label: taskText(facet.id) }));
  const isCounted = stats.token_histogram.length > 0;
  return (
    <div className="grid gap-x-8 gap-y-6 lg:grid-cols-2">
      <StatusBars
        title={t("triage.byState")}
        rows={[{ id: "all", label: t("examples.total"), counts: { pending: stats.pending, approved: stats.approved, rejected: stats.rejected } }]}
      />
      <Histogram
        title={isCounted ? t("triage.tokensEach") : t("triage.charactersEach")}
        {...(isCounted ? {} : { hint: t("triage.tokensUnknown") })}
        bars={isCounted ? stats.token_histogram : stats.histogram}
      />
      {files.length > 0 && <StatusBars title={t("triage.byDocument")} rows={files} />}
      {tasks.length > 0 && <StatusBars title={t("triage.byTask")} rows={tasks} />}
    </div>
  );
}

function Facts({ stats, onFinding }: { stats: DatasetStats; onFinding: (issue: string) => void }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const issueText = useIssueText();
  const spread = (of: DatasetStats["tokens"]) =>
    of && t("review.tokensText", { sum: format.number(of.sum), min: format.number(of.min), max: format.number(of.max), median: format.number(of.median) });
  const language = (code: string) => {
    const tag = code === "unknown" ? undefined : languageTag(code);
    return tag ? (new Intl.DisplayNames(i18n.language, { type: "language" }).of(tag) ?? tag) : t("review.languageUnknown");
  };
  const source = (id: string) => (i18n.exists(`review.sourceNames.${id}`) ? t(`review.sourceNames.${id}` as never) : id);
  const finding = (id: string) => (id === "none" ? t("review.findingsNone") : issueText(id));
  const findingButton = (id: string) => (
    <button type="button" className="text-left text-accent-strong underline" onClick={() => onFinding(id)}>
      {finding(id)}
    </button>
  );
  return (
    <div className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
      <Fact title={t("review.findings")}>{stats.findings.length === 0 ? t("review.findingsNone") : <Counts counts={stats.findings} name={findingButton} />}</Fact>
      {stats.rejected_findings.length > 0 && (
        <Fact title={t("review.rejected")}>
          <Counts counts={stats.rejected_findings} name={finding} />
        </Fact>
      )}
      {stats.tokens && <Fact title={t("review.tokens")}>{spread(stats.tokens)}</Fact>}
      {stats.characters && <Fact title={t("review.characters")}>{spread(stats.characters)}</Fact>}
      {stats.languages.length > 0 && (
        <Fact title={t("review.languages")}>
          <Counts counts={stats.languages} name={language} />
        </Fact>
      )}
      <Fact title={t("review.sources")}>
        <Counts counts={stats.sources} name={source} />
      </Fact>
      <Fact title={t("review.edited")}>{format.number(stats.edited)}</Fact>
    </div>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <h3 className="mb-1 text-xs font-semibold text-soft">{title}</h3>
      <div className="text-sm">{children}</div>
    </div>
  );
}

function Counts({ counts, name }: { counts: Count[]; name: (id: string) => ReactNode }) {
  const format = useFormat();
  return (
    <ul className="space-y-0.5">
      {counts.map((entry) => (
        <li key={entry.id} data-count={entry.id} className="flex justify-between gap-4">
          <span className="min-w-0 wrap-anywhere">{name(entry.id)}</span>
          <span className="tabular-nums">{format.number(entry.count)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Has all examples checked anew, repetitions among them too. */
function Check({ projectId, stats }: { projectId: string; stats: DatasetStats }) {
  const { t } = useTranslation();
  const format = useFormat();
  const job = useProjectJob(projectId, "dataset_check");
  const start = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/dataset/check", { params: { path: { project_id: projectId } }, body: {} })),
    onSuccess: (started) => job.follow(started.job),
  });
  const all = stats.pending + stats.approved;
  if (job.active && job.job) {
    return (
      <JobProgress
        job={job.job}
        title={t("review.checking")}
        lost={job.connection === "lost"}
        onCancel={() => job.job && job.cancel.mutate(job.job.id)}
      />
    );
  }
  return (
    <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
      <Button size="small" busy={start.isPending} disabled={all === 0} onClick={() => start.mutate()}>
        <ShieldCheck aria-hidden />
        {t("review.check")}
      </Button>
      <p className="min-w-0 flex-1 basis-64 text-xs text-soft">
        {t("review.notChecked", { checked: format.number(stats.checked), all: format.number(all) })} {t("review.checkHint")}
      </p>
      {start.isError && <ProblemNote problem={start.error} className="w-full" />}
      <JobProblem job={job.job} className="w-full" />
    </div>
  );
}
