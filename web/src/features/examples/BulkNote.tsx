import { Check, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Kbd } from "./Kbd";
import type { BulkUndo } from "./useBulkUndo";

/** Says below the page what a decision about many has changed, with the way back. */
export function BulkNote({ bulk }: { bulk: BulkUndo }) {
  const { t } = useTranslation();
  const { number } = useFormat();
  const { done, undone } = bulk;
  if (!done) return null;
  const counted = (count: number) => ({ count, shown: number(count) });
  return (
    <div role="status" data-testid="bulk-note" className="fixed inset-x-3 bottom-4 z-30 mx-auto w-fit max-w-lg rounded-xl border border-line bg-surface p-3 shadow-xl">
      <div className="flex items-center gap-3 text-sm">
        <Check className="size-4 shrink-0 text-good" aria-hidden />
        <span>{undone === null ? t(`triage.said.${done.status}`, counted(done.changed)) : t("triage.said.undone", counted(undone))}</span>
        {undone === null && (
          <Button size="small" busy={bulk.isPending} onClick={bulk.undo}>
            {t("triage.undo")} {bulk.isNewest && <Kbd>u</Kbd>}
          </Button>
        )}
        <Button look="quiet" size="icon" className="-my-1 shrink-0" aria-label={t("common.close")} onClick={bulk.close}>
          <X aria-hidden />
        </Button>
      </div>
      {bulk.problem != null && <ProblemNote problem={bulk.problem} className="mt-2" />}
    </div>
  );
}
