import { useQueryClient } from "@tanstack/react-query";
import { Check, ChevronLeft, ChevronRight, History, List, Pencil, RotateCcw, Trash2, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Example, ExampleStatus } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { passageQuery } from "../../shared/passages/MarkedPassage";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { Skeleton } from "../../shared/ui/States";
import { StatusBadge } from "../../shared/ui/StatusBadge";
import { Turns } from "../../shared/ui/Turns";
import { HistoryDialog } from "./HistoryDialog";
import { Kbd } from "./Kbd";
import { Origin } from "./Origin";
import { Quality } from "./Quality";
import type { ReviewList, Slot } from "./reviewList";
import { SourcePassage } from "./SourcePassage";

interface SingleProps {
  projectId: string;
  list: ReviewList;
  active: number;
  onMove: (by: 1 | -1) => void;
  onDecide: (status: ExampleStatus) => void;
  onEdit: (example: Example) => void;
  onDelete: (ids: string[]) => void;
  canUndo: boolean;
  onUndo: () => void;
  onClose: () => void;
}

/** One example at a time, beside the passage that it comes from. */
export function SingleView(props: SingleProps) {
  const { projectId, list, active } = props;
  const slot = list.at(active);
  const next = list.at(active + 1);
  const client = useQueryClient();
  useEffect(() => list.ensure(active - 1, active + 2), [list, active, list.total]);
  const nextChunk = typeof next === "object" ? next.provenance.chunk_id : null;
  useEffect(() => {
    if (nextChunk) void client.prefetchQuery(passageQuery(projectId, nextChunk));
  }, [client, projectId, nextChunk]);
  return (
    <div>
      <Head {...props} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Shown slot={slot} {...props} />
        {typeof slot === "object" && <SourcePassage projectId={projectId} example={slot} />}
      </div>
    </div>
  );
}

function Head({ list, active, onMove, onClose }: SingleProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { pending, approved, rejected } = list.counts;
  const all = pending + approved + rejected;
  return (
    <div className="mb-3">
      <div className="flex flex-wrap items-center gap-2">
        <Button size="small" look="quiet" onClick={onClose}>
          <List aria-hidden />
          {t("triage.toList")} <Kbd>Esc</Kbd>
        </Button>
        <Button size="small" disabled={active <= 0} onClick={() => onMove(-1)}>
          <ChevronLeft aria-hidden />
          {t("triage.previous")} <Kbd>k</Kbd>
        </Button>
        <Button size="small" disabled={active >= list.total - 1} onClick={() => onMove(1)}>
          {t("triage.next")} <Kbd>j</Kbd>
          <ChevronRight aria-hidden />
        </Button>
        <span data-testid="position" className="text-sm font-medium tabular-nums">
          {t("triage.position", { number: format.number(active + 1), total: format.number(list.total) })}
        </span>
        <span data-testid="left" className="ml-auto text-sm text-soft tabular-nums">
          {t("triage.left", { count: pending, shown: format.number(pending) })}
        </span>
      </div>
      <ProgressBar className="mt-2 h-1.5" fraction={all === 0 ? 0 : (approved + rejected) / all} label={t("triage.decided")} />
    </div>
  );
}

function Shown(props: SingleProps & { slot: Slot }) {
  const { t } = useTranslation();
  const { slot, active, list } = props;
  const card = useRef<HTMLElement>(null);
  // Whoever goes on by keyboard or by ear is at the example, not at a button of the one before.
  useEffect(() => card.current?.focus({ preventScroll: true }), [active]);
  return (
    <article
      ref={card}
      tabIndex={-1}
      aria-label={t("triage.position", { number: active + 1, total: list.total })}
      {...(typeof slot === "object" ? { "data-status": slot.status, "data-single": slot.id } : {})}
      className="rounded-xl border border-line bg-surface p-4 focus:outline-none"
    >
      {slot === "loading" && <Skeleton rows={3} />}
      {slot === "gone" && <p className="text-sm text-soft">{t("triage.gone")}</p>}
      {typeof slot === "object" && <Whole {...props} example={slot} />}
    </article>
  );
}

function Whole(props: SingleProps & { example: Example }) {
  const { t } = useTranslation();
  const { example, projectId } = props;
  const [isHistory, setHistory] = useState(false);
  const verdict = (status: "approved" | "rejected", letter: string) => {
    const isChosen = example.status === status;
    const chosen = status === "approved" ? "border-good text-good" : "border-bad text-bad";
    return (
      <Button className={cn("min-w-32 flex-1", isChosen && chosen)} aria-pressed={isChosen} onClick={() => props.onDecide(isChosen ? "pending" : status)}>
        {status === "approved" ? <Check aria-hidden /> : <X aria-hidden />}
        {t(status === "approved" ? "examples.approve" : "examples.reject")} <Kbd>{letter}</Kbd>
      </Button>
    );
  };
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2 text-xs text-soft">
        <StatusBadge status={example.status} />
        {example.edited && <Badge>{t("examples.edited")}</Badge>}
        <Origin example={example} className="min-w-0 wrap-anywhere" />
      </div>
      <Turns messages={example.messages} />
      <div className="mt-3 flex flex-wrap items-center gap-2 text-xs text-soft">
        <Quality example={example} />
      </div>
      <div role="group" aria-label={t("examples.actions")} className="mt-4 flex flex-wrap gap-2 border-t border-line pt-4">
        {verdict("approved", "a")}
        {verdict("rejected", "r")}
      </div>
      <div className="mt-2 flex flex-wrap gap-1">
        <Button look="quiet" size="small" onClick={() => props.onEdit(example)}>
          <Pencil aria-hidden />
          {t("common.edit")} <Kbd>e</Kbd>
        </Button>
        <Button look="quiet" size="small" disabled={!props.canUndo} onClick={props.onUndo}>
          <RotateCcw aria-hidden />
          {t("triage.undo")} <Kbd>u</Kbd>
        </Button>
        <Button look="quiet" size="small" aria-label={t("review.history")} onClick={() => setHistory(true)}>
          <History aria-hidden />
          {t("triage.history")}
        </Button>
        <Button look="quiet" size="small" onClick={() => props.onDelete([example.id])}>
          <Trash2 aria-hidden />
          {t("common.delete")}
        </Button>
      </div>
      {isHistory && <HistoryDialog projectId={projectId} example={example} onClose={() => setHistory(false)} />}
    </>
  );
}
