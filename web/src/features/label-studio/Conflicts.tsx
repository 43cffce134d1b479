import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys, refreshProject } from "../../shared/api/queries";
import type { LabelStudioConflict } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { StatusBadge } from "../../shared/ui/StatusBadge";
import { Turns } from "../../shared/ui/Turns";

const PER_PAGE = 10;
const REASONS = ["both_changed", "deleted_here", "same_as_another"] as const;

/** What came back and was not taken, side by side; nothing is shown where there is none. */
export function Conflicts({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  const [page, setPage] = useState(1);
  const conflicts = useQuery({
    queryKey: [...keys.labelStudioDatasets(projectId), "conflicts", page],
    queryFn: ({ signal }) => {
      const params = { path: { project_id: projectId }, query: { page, per_page: PER_PAGE } };
      return take(api.GET("/api/projects/{project_id}/label-studio/conflicts", { params, signal }));
    },
    placeholderData: keepPreviousData,
  });
  if (conflicts.isError) return <ProblemNote problem={conflicts.error} onRetry={() => void conflicts.refetch()} />;
  if (!conflicts.data || conflicts.data.total === 0) return null;
  return (
    <Section title={`${t("labelStudio.conflicts")} (${conflicts.data.total})`} text={t("labelStudio.conflictsText")}>
      <ul className="space-y-4">
        {conflicts.data.items.map((conflict) => (
          <ConflictRow key={`${conflict.example_id} ${conflict.remote_project}`} projectId={projectId} conflict={conflict} />
        ))}
      </ul>
      <Pager page={page} perPage={PER_PAGE} total={conflicts.data.total} onPage={setPage} />
    </Section>
  );
}

function ConflictRow({ projectId, conflict }: { projectId: string; conflict: LabelStudioConflict }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const settle = useMutation({
    mutationFn: (side: "ours" | "theirs") => {
      const path = { project_id: projectId, example_id: conflict.example_id };
      return take(api.POST("/api/projects/{project_id}/label-studio/conflicts/{example_id}", { params: { path }, body: { take: side } }));
    },
    onSuccess: () => refreshProject(client, projectId),
  });
  const why = REASONS.find((known) => known === conflict.why);
  return (
    <li data-conflict={conflict.why} className="rounded-lg border border-line p-3 sm:p-4">
      <p className="mb-3 flex flex-wrap items-center gap-3 text-sm">
        <Badge tone="warn">{why ? t(`labelStudio.why.${why}`) : conflict.why}</Badge>
        <a href={conflict.task_url} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1 text-xs text-accent-strong underline">
          {t("labelStudio.task")}
          <ExternalLink className="size-3" aria-hidden />
        </a>
      </p>
      <div className="grid gap-3 sm:grid-cols-2">
        <SideText title={t("labelStudio.ours")} side={conflict.ours ?? null} action={t("labelStudio.keepOurs")} isBusy={settle.isPending} onTake={() => settle.mutate("ours")} />
        <SideText title={t("labelStudio.theirs")} side={conflict.theirs} action={t("labelStudio.takeTheirs")} isBusy={settle.isPending} onTake={() => settle.mutate("theirs")} />
      </div>
      {settle.isError && <ProblemNote problem={settle.error} className="mt-3" />}
    </li>
  );
}

function SideText(props: { title: string; side: LabelStudioConflict["theirs"] | null; action: string; isBusy: boolean; onTake: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { side } = props;
  const facts = side && [
    side.by && t("labelStudio.by", { name: side.by }),
    side.changed_at && format.dateTime(side.changed_at),
    side.rating != null && t("labelStudio.rating", { stars: format.number(side.rating, 1) }),
    ...side.issues,
  ];
  return (
    <section aria-label={props.title} className="flex flex-col rounded-lg bg-sunken p-3">
      <h3 className="mb-1 flex flex-wrap items-center gap-2 text-xs font-semibold text-soft">
        {props.title}
        {side && <StatusBadge status={side.status} />}
      </h3>
      <div className="flex-1">{side ? <Turns messages={side.messages} /> : <p className="text-sm text-soft">{t("labelStudio.gone")}</p>}</div>
      {facts && <p className="mt-2 text-xs wrap-anywhere text-soft">{facts.filter(Boolean).join(" · ")}</p>}
      <Button size="small" className="mt-3 self-start" disabled={props.isBusy} onClick={props.onTake}>
        {props.action}
      </Button>
    </section>
  );
}
