import { useQuery } from "@tanstack/react-query";
import { Download, FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { Markdown } from "../../shared/markdown/Markdown";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";

/** The report of the run as it will be in the zip, to read and to keep. */
export function Report({ run }: { run: Run }) {
  const { t } = useTranslation();
  const [isShown, setShown] = useState(false);
  const path = { project_id: run.project_id, run_id: run.id };
  const report = useQuery({
    queryKey: [...keys.project(run.project_id), "report", run.id],
    queryFn: ({ signal }) =>
      take(api.GET("/api/projects/{project_id}/runs/{run_id}/report", { params: { path }, signal, parseAs: "text" })),
    enabled: isShown,
  });
  return (
    <Section
      title={t("results.report")}
      text={t("results.reportText")}
      actions={
        <>
          <Button aria-expanded={isShown} onClick={() => setShown(!isShown)}>
            <FileText aria-hidden />
            {isShown ? t("results.hideReport") : t("results.showReport")}
          </Button>
          <Button asChild>
            <a href={`/api/projects/${run.project_id}/runs/${run.id}/report`} download={`report-run${run.number}.md`}>
              <Download aria-hidden />
              {t("results.downloadReport")}
            </a>
          </Button>
        </>
      }
    >
      {isShown && report.isPending && <Skeleton rows={4} />}
      {isShown && report.isError && <ProblemNote problem={report.error} onRetry={() => void report.refetch()} />}
      {isShown && report.data !== undefined && (
        <div lang="en" data-testid="report">
          <Markdown text={report.data} picture={t("results.reportPicture")} />
        </div>
      )}
    </Section>
  );
}
