import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "./Button";

/** Goes through the pages of a list; nothing when there is one page. */
export function Pager(props: { page: number; perPage: number; total: number; onPage: (page: number) => void }) {
  const { t } = useTranslation();
  const pages = Math.max(1, Math.ceil(props.total / props.perPage));
  if (pages <= 1) return null;
  return (
    <nav aria-label={t("common.pager")} className="mt-4 flex items-center justify-center gap-3">
      <Button size="small" disabled={props.page <= 1} onClick={() => props.onPage(props.page - 1)}>
        <ChevronLeft aria-hidden />
        {t("common.previous")}
      </Button>
      <span className="text-sm text-soft tabular-nums">{t("common.pageOf", { page: props.page, pages })}</span>
      <Button size="small" disabled={props.page >= pages} onClick={() => props.onPage(props.page + 1)}>
        {t("common.next")}
        <ChevronRight aria-hidden />
      </Button>
    </nav>
  );
}
