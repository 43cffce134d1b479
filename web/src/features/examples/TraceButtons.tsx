import { FileText, History } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Example } from "../../shared/api/types";
import { PassageDialog } from "../../shared/passages/PassageDialog";
import { Button } from "../../shared/ui/Button";
import { HistoryDialog } from "./HistoryDialog";

/** Buttons of a row stand side by side on a phone too. */
export const ICON_BUTTON = "max-sm:px-1.5";

/** Where an example comes from, and what became of it since. */
export function TraceButtons({ projectId, example }: { projectId: string; example: Example }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<"source" | "history" | null>(null);
  const chunkId = example.provenance.chunk_id;
  return (
    <>
      {chunkId && (
        <Button look="quiet" size="small" className={ICON_BUTTON} aria-label={t("review.showSource")} title={t("review.showSource")} onClick={() => setShown("source")}>
          <FileText aria-hidden />
        </Button>
      )}
      <Button look="quiet" size="small" className={ICON_BUTTON} aria-label={t("review.history")} title={t("review.history")} onClick={() => setShown("history")}>
        <History aria-hidden />
      </Button>
      {shown === "source" && chunkId && <PassageDialog projectId={projectId} chunkId={chunkId} onClose={() => setShown(null)} />}
      {shown === "history" && <HistoryDialog projectId={projectId} example={example} onClose={() => setShown(null)} />}
    </>
  );
}
