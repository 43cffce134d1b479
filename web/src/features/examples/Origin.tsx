import { useTranslation } from "react-i18next";
import type { Example } from "../../shared/api/types";

/** Where an example comes from, in a line. */
export function Origin({ example, className }: { example: Example; className?: string }) {
  const { t } = useTranslation();
  const from = example.provenance;
  const parts = [
    from.file_name ?? (example.source === "import" ? t("examples.sourceImport") : example.source === "person" ? t("review.byHand") : null),
    from.page_start != null && t("examples.sourcePage", { page: from.page_start }),
    from.row != null && t("examples.sourceRow", { row: from.row }),
    from.model && t("review.model", { model: from.model }),
  ].filter(Boolean);
  if (parts.length === 0) return null;
  return <span className={className}>{parts.join(", ")}</span>;
}
