import { PenLine } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { Button } from "../../shared/ui/Button";
import { Card } from "../../shared/ui/Card";
import { ProgressBar } from "../../shared/ui/ProgressBar";

/** Says that a language model is writing examples, and leads there. */
export function WritingCard({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  const { job, active } = useProjectJob(projectId, "dataset_write");
  if (!active || !job) return null;
  return (
    <Card className="mb-5 p-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="flex min-w-0 items-center gap-2 text-sm font-medium">
          <PenLine className="size-4 shrink-0 text-accent" aria-hidden />
          {t("writing.card")}
        </p>
        <Button asChild size="small">
          <Link to={`/projects/${projectId}/preview`}>{t("writing.cardOpen")}</Link>
        </Button>
      </div>
      <ProgressBar className="mt-3" fraction={job.status === "queued" ? 0 : (job.progress?.fraction ?? null)} label={t("writing.card")} />
    </Card>
  );
}
