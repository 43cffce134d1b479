import { Keyboard } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { ExampleStatus } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Checkbox } from "../../shared/ui/Field";

const VERDICTS = [
  ["approve", "approved"],
  ["reject", "rejected"],
  ["reset", "pending"],
] as const satisfies readonly (readonly [string, ExampleStatus])[];

/** Above the list: what is selected and what can become of it, or the way to decide about all. */
export function BulkBar(props: {
  total: number;
  pending: number;
  selected: ReadonlySet<string> | "all";
  position: string;
  onSelectAll: (all: boolean) => void;
  onDecide: (status: ExampleStatus) => void;
  onDelete: () => void;
  onApproveAll: () => void;
  onSingle: () => void;
  onHelp: () => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const { selected, total } = props;
  const count = selected === "all" ? total : selected.size;
  return (
    <div className="mb-2 flex min-h-9 flex-wrap items-center gap-x-4 gap-y-2">
      <Checkbox
        label={count > 0 ? t("triage.selected", { count, shown: format.number(count) }) : t("triage.selectAll", { count: total, shown: format.number(total) })}
        checked={selected === "all"}
        ref={(box) => {
          if (box) box.indeterminate = selected !== "all" && selected.size > 0;
        }}
        onChange={(event) => props.onSelectAll(event.target.checked)}
      />
      {count > 0 && (
        <div role="group" aria-label={t("triage.bulk")} className="flex flex-wrap items-center gap-1.5">
          {VERDICTS.map(([name, status]) => (
            <Button key={name} size="small" onClick={() => props.onDecide(status)}>
              {t(`examples.${name}`)}
            </Button>
          ))}
          <Button size="small" onClick={props.onDelete}>
            {t("common.delete")}
          </Button>
        </div>
      )}
      <div className="ml-auto flex flex-wrap items-center gap-1.5">
        <span data-testid="position" className="mr-1 text-sm text-soft tabular-nums">
          {props.position}
        </span>
        {count === 0 && props.pending > 0 && (
          <Button size="small" onClick={props.onApproveAll}>
            {t("examples.approveAll", { count: props.pending })}
          </Button>
        )}
        <Button size="small" onClick={props.onSingle}>
          {t("triage.single")}
        </Button>
        <Button look="quiet" size="small" aria-label={t("triage.helpTitle")} title={t("triage.helpTitle")} onClick={props.onHelp}>
          <Keyboard aria-hidden />
        </Button>
      </div>
    </div>
  );
}
