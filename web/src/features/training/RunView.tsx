import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { isActive } from "../../shared/jobs/useNewestJob";
import { RUN_TONES } from "../../shared/runs/useRuns";
import { Badge } from "../../shared/ui/Badge";
import { Section } from "../../shared/ui/Card";
import { CurvesCard } from "./CurvesCard";
import { RunControls } from "./RunControls";
import { RunLog } from "./RunLog";
import { RunOutcome } from "./RunOutcome";
import { RunStanding } from "./RunStanding";
import { useRunStream } from "./useRunStream";

/** One training: where it stands, its curves and its messages, live while it works. `others` can be compared with it. */
export function RunView({ run, others }: { run: Run; others: Run[] }) {
  const { t } = useTranslation();
  const { state, connection } = useRunStream(run.project_id, run.id, run.job_id ?? "");
  // The stream is ahead of what was asked for last.
  const current: Run = { ...run, status: state.status ?? run.status };
  const goesOn = useGoesOn(current);
  return (
    <div className="space-y-5" data-run-status={current.status}>
      <Section
        title={run.name}
        actions={
          <div className="flex items-center gap-3">
            {connection === "lost" && (
              <p role="status" className="flex items-center gap-1.5 text-xs text-warn">
                <span className="size-2 animate-pulse rounded-full bg-warn" aria-hidden />
                {t("common.reconnecting")}
              </p>
            )}
            <Badge tone={RUN_TONES[current.status]}>{t(`train.status.${current.status}`)}</Badge>
          </div>
        }
      >
        <RunStanding run={current} state={state} />
        <RunOutcome run={current} state={state} goesOn={goesOn} />
        <RunControls run={current} goesOn={goesOn} />
      </Section>
      <CurvesCard run={current} state={state} others={others} />
      <Section title={t("train.log")} text={t("train.logStep")}>
        <RunLog log={state.log} name={run.name} />
      </Section>
    </div>
  );
}

/** An interrupted training whose job still waits goes on by itself. */
function useGoesOn(run: Run): boolean {
  const jobId = run.job_id ?? "";
  const job = useQuery({
    queryKey: [...keys.project(run.project_id), "run-job", jobId],
    queryFn: ({ signal }) => take(api.GET("/api/jobs/{id}", { params: { path: { id: jobId } }, signal })),
    enabled: run.status === "interrupted" && jobId !== "",
  });
  return run.status === "interrupted" && isActive(job.data);
}
