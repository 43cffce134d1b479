import { useTranslation } from "react-i18next";
import type { DatasetStats } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { ProgressBar } from "../../shared/ui/ProgressBar";

/** How much of each document has examples that are not rejected. */
export function Coverage({ coverage }: { coverage: DatasetStats["coverage"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const share = (used: number, all: number) => (all === 0 ? t("review.none") : t("review.share", { used: format.number(used), all: format.number(all) }));
  return (
    <div>
      <h3 className="mb-1 text-xs font-semibold text-soft">{t("review.coverage")}</h3>
      <div className="overflow-x-auto">
        <table className="w-full text-sm">
          <thead>
            <tr className="border-b border-line text-left text-xs text-soft">
              {(["document", "passages", "pages"] as const).map((column) => (
                <th key={column} scope="col" className="py-1.5 pr-4 font-medium">
                  {t(`review.${column}`)}
                </th>
              ))}
              <th className="w-1/4 max-sm:hidden">
                <span className="sr-only">{t("review.coverage")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {coverage.map((file) => (
              <tr key={file.file_id} data-coverage={file.name} className="border-b border-line last:border-0">
                <th scope="row" className="py-2 pr-4 text-left font-normal wrap-anywhere">
                  {file.name}
                </th>
                <td className="py-2 pr-4 whitespace-nowrap tabular-nums">{share(file.chunks_used, file.chunks)}</td>
                <td className="py-2 pr-4 whitespace-nowrap tabular-nums">{share(file.pages_used, file.pages)}</td>
                <td className="py-2 max-sm:hidden">
                  <ProgressBar fraction={file.chunks === 0 ? 0 : file.chunks_used / file.chunks} label={file.name} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
