import { Check, Pencil, TriangleAlert, X } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { Example, ExampleStatus } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { StatusBadge } from "../../shared/ui/StatusBadge";
import { Origin } from "./Origin";
import type { Slot } from "./reviewList";
import { useIssueText } from "./useIssueText";

export interface RowActions {
  onPoint: (index: number) => void;
  onOpen: (index: number) => void;
  onSelect: (index: number, isRange: boolean) => void;
  onDecide: (example: Example, status: ExampleStatus) => void;
  onEdit: (example: Example) => void;
}

interface RowProps {
  slot: Slot;
  index: number;
  total: number;
  height: number;
  top: number;
  isActive: boolean;
  isSelected: boolean;
  actions: RowActions;
}

/** One line of the list, of a fixed height: what does not fit is seen when it is opened. */
export const ExampleRow = memo(function ExampleRow(props: RowProps) {
  const { t } = useTranslation();
  const { slot, index, actions } = props;
  const isThere = typeof slot === "object";
  return (
    <li
      data-index={index}
      {...(isThere ? { "data-status": slot.status, "data-id": slot.id } : {})}
      aria-setsize={props.total}
      aria-posinset={index + 1}
      aria-current={props.isActive || undefined}
      tabIndex={props.isActive ? 0 : -1}
      onMouseDown={() => actions.onPoint(index)}
      onDoubleClick={() => actions.onOpen(index)}
      style={{ height: props.height, transform: `translateY(${props.top}px)` }}
      className={cn(
        "absolute inset-x-0 top-0 overflow-hidden border-b border-line px-3 py-2.5 sm:px-4",
        props.isActive ? "bg-accent-soft shadow-[inset_3px_0_0_var(--accent)] -outline-offset-3" : props.isSelected && "bg-sunken",
      )}
    >
      {slot === "loading" && <div role="status" aria-label={t("common.loading")} className="h-full animate-pulse rounded-lg bg-sunken" />}
      {slot === "gone" && <p className="text-sm text-soft">{t("triage.gone")}</p>}
      {isThere && <Row {...props} example={slot} />}
    </li>
  );
});

function Row({ example, index, isActive, isSelected, actions }: RowProps & { example: Example }) {
  const { t } = useTranslation();
  // Tab goes through the controls of the line that is looked at, not of every line.
  const tabIndex = isActive ? 0 : -1;
  const isApproved = example.status === "approved";
  const isRejected = example.status === "rejected";
  const question = example.messages.find((message) => message.role === "user")?.content ?? "";
  const answer = example.messages.findLast((message) => message.role === "assistant")?.content ?? "";
  return (
    <div className="flex h-full gap-3">
      <input
        type="checkbox"
        className="mt-0.5 size-4 shrink-0 accent-(--accent)"
        tabIndex={tabIndex}
        aria-label={t("examples.select")}
        checked={isSelected}
        onClick={(event) => actions.onSelect(index, event.shiftKey)}
        onChange={() => {}}
      />
      <div className="flex min-w-0 flex-1 flex-col">
        <p className={cn("line-clamp-2 text-sm font-medium wrap-anywhere sm:line-clamp-1", isRejected && "text-soft")}>{question}</p>
        <p className="mt-0.5 line-clamp-2 text-sm wrap-anywhere text-soft">{answer}</p>
        <div className="mt-auto flex min-w-0 items-center gap-2 text-xs text-soft">
          <StatusBadge status={example.status} />
          <RowFacts example={example} />
          <span role="group" aria-label={t("examples.actions")} className="ml-auto flex shrink-0 gap-1">
            <Button
              size="small"
              tabIndex={tabIndex}
              aria-pressed={isApproved}
              aria-label={t("examples.approve")}
              className={cn("h-7 max-sm:px-2", isApproved && "border-good text-good")}
              onClick={() => actions.onDecide(example, isApproved ? "pending" : "approved")}
            >
              <Check aria-hidden />
              <span className="max-sm:sr-only">{t("examples.approve")}</span>
            </Button>
            <Button
              size="small"
              tabIndex={tabIndex}
              aria-pressed={isRejected}
              aria-label={t("examples.reject")}
              className={cn("h-7 max-sm:px-2", isRejected && "border-bad text-bad")}
              onClick={() => actions.onDecide(example, isRejected ? "pending" : "rejected")}
            >
              <X aria-hidden />
              <span className="max-sm:sr-only">{t("examples.reject")}</span>
            </Button>
            <Button
              look="quiet"
              size="small"
              tabIndex={tabIndex}
              className="h-7 max-sm:px-2"
              aria-label={t("common.edit")}
              title={t("common.edit")}
              onClick={() => actions.onEdit(example)}
            >
              <Pencil aria-hidden />
            </Button>
            <Button size="small" look="quiet" tabIndex={tabIndex} className="h-7 max-sm:px-2" onClick={() => actions.onOpen(index)}>
              {t("triage.open")}
            </Button>
          </span>
        </div>
      </div>
    </div>
  );
}

/** As much of what is known as a line has room for. */
function RowFacts({ example }: { example: Example }) {
  const { t } = useTranslation();
  const format = useFormat();
  const issueText = useIssueText();
  const [first, ...more] = example.issues;
  return (
    <span className="flex min-w-0 items-center gap-2 overflow-hidden max-sm:hidden">
      {example.edited && <Badge>{t("examples.edited")}</Badge>}
      {example.messages.length > 2 && <Badge>{t("triage.turns", { count: example.messages.length })}</Badge>}
      {example.score != null && (
        <span className="whitespace-nowrap tabular-nums" data-score={example.score}>
          {t("review.quality", { score: format.percent(example.score) })}
        </span>
      )}
      {first && (
        <Badge tone="warn">
          <TriangleAlert aria-hidden />
          {issueText(first)}
          {more.length > 0 && ` +${more.length}`}
        </Badge>
      )}
      <Origin example={example} className="truncate" />
    </span>
  );
}
