import { useTranslation } from "react-i18next";

/** The pages of a passage in words; null where its document has none. */
export function usePages(): (source: { page_start?: number | null; page_end?: number | null }) => string | null {
  const { t } = useTranslation();
  return ({ page_start: first, page_end: last }) => {
    if (first == null) return null;
    return last != null && last !== first ? t("documents.passagePages", { first, last }) : t("documents.page", { number: first });
  };
}
