import { useQuery } from "@tanstack/react-query";
import { Download, PackageOpen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { ExportFile, Run } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { SaidText } from "../../shared/lib/said";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { useFormatLabel } from "./useFormatLabel";

export function Files({ run }: { run: Run }) {
  const { t } = useTranslation();
  const files = useQuery({
    queryKey: [...keys.exports(run.project_id), run.id],
    queryFn: ({ signal }) => {
      const path = { project_id: run.project_id };
      const query = { run_id: run.id, per_page: 200 };
      return take(api.GET("/api/projects/{project_id}/export/files", { params: { path, query }, signal }));
    },
  });
  return (
    <Section title={t("export.files")}>
      {files.isPending && <Skeleton rows={2} />}
      {files.isError && <ProblemNote problem={files.error} onRetry={() => void files.refetch()} />}
      {files.data?.items.length === 0 && (
        <EmptyState icon={PackageOpen} title={t("export.emptyTitle")} text={t("export.emptyText")} className="py-8" />
      )}
      <ul className="divide-y divide-line">
        {[...(files.data?.items ?? [])].sort(bundleFirst).map((file) => (
          <FileLine key={file.name} file={file} />
        ))}
      </ul>
    </Section>
  );
}

/** What most people want stands first: the file with everything in it. */
function bundleFirst(one: ExportFile, other: ExportFile): number {
  return Number(other.format === "zip") - Number(one.format === "zip");
}

function FileLine({ file }: { file: ExportFile }) {
  const { t } = useTranslation();
  const format = useFormat();
  const label = useFormatLabel();
  const facts = [label(file.format, file.format), file.quantization, format.bytes(file.size_bytes), format.dateTime(file.created_at)];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3 first:pt-0 last:pb-0">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium wrap-anywhere">{file.name}</p>
        <p className="text-xs text-soft">{facts.filter(Boolean).join(" · ")}</p>
        <p className="text-xs text-soft">
          {t("common.labelled", { label: t("export.checksum") })} <code className="break-all">{file.sha256}</code>
        </p>
        {file.warnings.map((warning) => (
          <p key={warning.message} className="mt-1 text-xs text-warn">
            <SaidText group="notes.exports" said={warning} />
          </p>
        ))}
        {file.fallbacks.length > 0 && <Fallbacks file={file} />}
      </div>
      <Button asChild look={file.format === "zip" ? "primary" : "plain"}>
        <a href={file.download_url} download aria-label={t("export.downloadOf", { name: file.name })}>
          <Download aria-hidden />
          {t("export.download")}
        </a>
      </Button>
    </li>
  );
}

/** Tensors whose rows the asked type cannot hold. */
function Fallbacks({ file }: { file: ExportFile }) {
  const { t } = useTranslation();
  return (
    <details className="mt-1 text-xs text-soft">
      <summary className="cursor-pointer">{t("export.fallbacks", { count: file.fallbacks.length })}</summary>
      <ul className="mt-1 max-h-48 space-y-0.5 overflow-y-auto pl-4">
        {file.fallbacks.map((entry) => (
          <li key={entry.tensor} className="wrap-anywhere">
            <code>{entry.tensor}</code>: {entry.wanted} → {entry.used}
          </li>
        ))}
      </ul>
    </details>
  );
}
