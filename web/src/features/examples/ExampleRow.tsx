import { Check, Pencil, Trash2, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Example } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { StatusBadge } from "../../shared/ui/StatusBadge";
import { Turns } from "../../shared/ui/Turns";
import { Quality } from "./Quality";
import { ICON_BUTTON, TraceButtons } from "./TraceButtons";

/** One example: who says what, where it comes from, and the decision about it. */
export function ExampleRow(props: {
  projectId: string;
  example: Example;
  isSelected: boolean;
  isBusy: boolean;
  onToggle: () => void;
  onDecide: (action: "approve" | "reject" | "reset") => void;
  onEdit: () => void;
  onDelete: () => void;
}) {
  const { t } = useTranslation();
  const { example } = props;
  const isApproved = example.status === "approved";
  const isRejected = example.status === "rejected";
  return (
    <li
      data-status={example.status}
      className={cn("rounded-xl border border-line bg-surface p-3 sm:p-4", isRejected && "opacity-75")}
    >
      <div className="flex gap-3">
        <input
          type="checkbox"
          className="mt-1 size-4 shrink-0 accent-(--accent)"
          aria-label={t("examples.select")}
          checked={props.isSelected}
          onChange={props.onToggle}
        />
        <div className="min-w-0 flex-1">
          <Turns messages={example.messages} />
          <div className="mt-2.5 flex flex-wrap items-center gap-x-2 gap-y-2 text-xs text-soft">
            <StatusBadge status={example.status} />
            {example.edited && <Badge>{t("examples.edited")}</Badge>}
            <Origin example={example} />
            <Quality example={example} />
            <span role="group" aria-label={t("examples.actions")} className="ml-auto flex flex-wrap items-center justify-end gap-1">
              <Button
                size="small"
                aria-pressed={isApproved}
                disabled={props.isBusy}
                className={cn("max-sm:[&_svg]:hidden", isApproved && "border-good text-good")}
                onClick={() => props.onDecide(isApproved ? "reset" : "approve")}
              >
                <Check aria-hidden />
                {t("examples.approve")}
              </Button>
              <Button
                size="small"
                aria-pressed={isRejected}
                disabled={props.isBusy}
                className={cn("max-sm:[&_svg]:hidden", isRejected && "border-bad text-bad")}
                onClick={() => props.onDecide(isRejected ? "reset" : "reject")}
              >
                <X aria-hidden />
                {t("examples.reject")}
              </Button>
              <TraceButtons projectId={props.projectId} example={example} />
              <Button look="quiet" size="small" className={ICON_BUTTON} aria-label={t("common.edit")} title={t("common.edit")} onClick={props.onEdit}>
                <Pencil aria-hidden />
              </Button>
              <Button look="quiet" size="small" className={ICON_BUTTON} aria-label={t("common.delete")} title={t("common.delete")} onClick={props.onDelete}>
                <Trash2 aria-hidden />
              </Button>
            </span>
          </div>
        </div>
      </div>
    </li>
  );
}

function Origin({ example }: { example: Example }) {
  const { t } = useTranslation();
  const from = example.provenance;
  const parts = [
    from.file_name ?? (example.source === "import" ? t("examples.sourceImport") : null),
    from.page_start != null && t("examples.sourcePage", { page: from.page_start }),
    from.row != null && t("examples.sourceRow", { row: from.row }),
    from.model && t("review.model", { model: from.model }),
  ].filter(Boolean);
  if (parts.length === 0) return null;
  return <span className="min-w-0 wrap-anywhere">{parts.join(", ")}</span>;
}
