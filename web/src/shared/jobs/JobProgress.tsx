import { useTranslation } from "react-i18next";
import type { Job } from "../api/types";
import { useFormat } from "../lib/format";
import { SaidText } from "../lib/said";
import { Button } from "../ui/Button";
import { ProgressBar } from "../ui/ProgressBar";

/** A job at work: what it does, how far it is, and a way to stop it. */
export function JobProgress(props: { job: Job; title: string; lost?: boolean; onCancel?: () => void; className?: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { job } = props;
  // Downloads count bytes.
  const amount = (value: number) => (job.kind === "download_model" ? format.bytes(value) : value);
  const progress = job.progress;
  const detail = job.status === "queued" ? t("jobs.waiting") : progress?.message && <SaidText group="activities" said={progress} />;
  return (
    <div role="group" aria-label={props.title} className={props.className}>
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <p className="min-w-0 text-sm">
          <span className="font-medium">{props.title}</span>
          {detail && <span className="ml-2 wrap-anywhere text-soft">{detail}</span>}
        </p>
        <div className="flex items-center gap-3">
          {progress?.total != null && progress.done != null && (
            <span className="text-xs text-soft tabular-nums">
              {t("common.of", { done: amount(progress.done), total: amount(progress.total) })}
            </span>
          )}
          {props.onCancel && (
            <Button size="small" busy={job.cancel_requested} onClick={props.onCancel}>
              {job.cancel_requested ? t("jobs.cancelRequested") : t("jobs.cancel")}
            </Button>
          )}
        </div>
      </div>
      <ProgressBar fraction={job.status === "queued" ? 0 : (progress?.fraction ?? null)} label={props.title} />
      {props.lost && (
        <p role="status" className="mt-2 text-xs text-warn">
          {t("common.reconnecting")}
        </p>
      )}
      {job.attempts > 1 && (
        <p className="mt-2 text-xs text-soft">{t("jobs.attempt", { attempt: job.attempts, max: job.max_attempts })}</p>
      )}
    </div>
  );
}
