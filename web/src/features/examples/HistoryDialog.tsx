import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Change, Example, Message } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Dialog } from "../../shared/ui/Dialog";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { Turns } from "../../shared/ui/Turns";
import { useIssueText } from "./useIssueText";

const PER_PAGE = 20;
const KINDS = ["edited", "decided", "assessed", "deleted"] as const;

/** Every change of an example: what it was, what it became, and who did it. */
export function HistoryDialog({ projectId, example, onClose }: { projectId: string; example: Example; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [page, setPage] = useState(1);
  const changes = useQuery({
    queryKey: [...keys.examples(projectId), "changes", example.id, page],
    queryFn: ({ signal }) => {
      const params = { path: { project_id: projectId, example_id: example.id }, query: { page, per_page: PER_PAGE } };
      return take(api.GET("/api/projects/{project_id}/dataset/examples/{example_id}/changes", { params, signal }));
    },
    placeholderData: keepPreviousData,
  });
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={t("review.history")}
      text={t("review.historyText", { date: format.dateTime(example.created_at) })}
    >
      {changes.isPending && <Skeleton rows={2} />}
      {changes.isError && <ProblemNote problem={changes.error} onRetry={() => void changes.refetch()} />}
      {changes.data?.total === 0 && <p className="text-sm text-soft">{t("review.historyEmpty")}</p>}
      {changes.data && (
        <>
          <ol className="divide-y divide-line">
            {changes.data.items.map((change) => (
              <ChangeEntry key={change.id} change={change} />
            ))}
          </ol>
          <Pager page={page} perPage={PER_PAGE} total={changes.data.total} onPage={setPage} />
        </>
      )}
    </Dialog>
  );
}

function ChangeEntry({ change }: { change: Change }) {
  const { t } = useTranslation();
  const format = useFormat();
  const issueText = useIssueText();
  const actorText = useActorText();
  const kind = KINDS.find((known) => known === change.kind);
  const { before, after } = change;
  const status = (of: typeof before.status) => (of ? t(`examples.badge.${of}`) : t("review.none"));
  const score = (of: number | null | undefined) => (of == null ? t("review.none") : format.percent(of));
  return (
    <li data-change={change.kind} className="space-y-2 py-3 text-sm first:pt-0">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone="accent">{kind ? t(`review.kinds.${kind}`) : change.kind}</Badge>
        <span>{actorText(change.actor)}</span>
        {change.batch_id && <span className="text-soft">{t("review.together")}</span>}
        <span className="ml-auto text-xs text-soft">{format.dateTime(change.created_at)}</span>
      </p>
      {(before.status ?? after.status) != null && (
        <p>{t("review.statusChange", { before: status(before.status), after: status(after.status) })}</p>
      )}
      {(before.score ?? after.score) != null && (
        <p>
          {t("review.scoreChange", { before: score(before.score), after: score(after.score) })}
          {after.issues && after.issues.length > 0 && <span className="text-soft"> ({after.issues.map(issueText).join(", ")})</span>}
        </p>
      )}
      {(before.messages ?? after.messages) != null && (
        <div className="grid gap-2 sm:grid-cols-2">
          <Text label={t("review.before")} messages={before.messages ?? null} />
          <Text label={t("review.after")} messages={after.messages ?? null} />
        </div>
      )}
    </li>
  );
}

function Text({ label, messages }: { label: string; messages: Message[] | null }) {
  const { t } = useTranslation();
  return (
    <div className="rounded-lg bg-sunken p-3">
      <p className="mb-1 text-xs text-soft">{label}</p>
      {messages ? <Turns messages={messages} /> : t("review.none")}
    </div>
  );
}

/** Who made a change, in words. */
function useActorText(): (actor: string) => string {
  const { t } = useTranslation();
  return (actor) => {
    if (actor === "person" || actor === "checks") return t(`review.actors.${actor}`);
    const [kind, name = ""] = actor.split(/:(.*)/s);
    return kind === "label_studio" ? t("review.actors.label_studio", { name }) : actor;
  };
}
