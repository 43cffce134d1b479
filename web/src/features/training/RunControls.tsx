import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChartNoAxesCombined, Copy, MessagesSquare, PackageOpen, Play, Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject, useTrainDefaults } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { useStepChoices } from "../../shared/api/useStepChoices";
import { isWorking } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { choicesOf, type TrainChoices, wayOf } from "./trainForm";

/** What can be done with a training: stop, go on, use its result, begin another one like it. */
export function RunControls({ run, goesOn }: { run: Run; goesOn: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const path = { project_id: run.project_id };
  const body = { run_id: run.id };
  const refresh = () => refreshProject(client, run.project_id);
  const cancel = useMutation({
    mutationFn: (_jobId: string | null) =>
      take(api.POST("/api/projects/{project_id}/train/cancel", { params: { path }, body })),
    onSuccess: () => {
      setAsking(false);
      return refresh();
    },
  });
  const resume = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/train/resume", { params: { path }, body })),
    onSuccess: refresh,
  });
  // After a resume the run has another job, which nobody has asked to stop.
  const jobId = run.job_id ?? null;
  const isStopping = (isWorking(run) || goesOn) && cancel.isSuccess && cancel.variables === jobId;
  const pages = [
    { page: "results", icon: ChartNoAxesCombined, text: t("train.seeResults"), look: "primary" },
    { page: "chat", icon: MessagesSquare, text: t("train.talk"), look: "plain" },
    { page: "export", icon: PackageOpen, text: t("train.takeAway"), look: "plain" },
  ] as const;
  return (
    <>
      <div className="mt-4 flex flex-wrap gap-2 empty:hidden">
        {(isWorking(run) || goesOn) && (
          <Button busy={isStopping} onClick={() => setAsking(true)}>
            {!isStopping && <Square aria-hidden />}
            {isStopping ? t("train.cancelling") : t("train.cancel")}
          </Button>
        )}
        {!isWorking(run) && run.resumable && !goesOn && (
          <Button look="primary" busy={resume.isPending} onClick={() => resume.mutate()}>
            <Play aria-hidden />
            {resume.isPending ? t("train.resuming") : t("train.resume")}
          </Button>
        )}
        {run.has_adapter &&
          pages.map(({ page, icon: Icon, text, look }) => (
            <Button key={page} asChild look={look}>
              <Link to={`/projects/${run.project_id}/${page}?run=${run.id}`}>
                <Icon aria-hidden />
                {text}
              </Link>
            </Button>
          ))}
        {!isWorking(run) && !goesOn && <SameAgain run={run} />}
      </div>
      {resume.isError && <ProblemNote problem={resume.error} className="mt-3" />}
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setAsking}
        title={t("train.cancelTitle")}
        text={t("train.cancelText")}
        action={t("train.cancelConfirm")}
        keep={t("train.cancelKeep")}
        busy={cancel.isPending}
        problem={cancel.error}
        onConfirm={() => cancel.mutate(jobId)}
      />
    </>
  );
}

/** Fills the form of a new training with the settings of this one. */
function SameAgain({ run }: { run: Run }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const defaults = useTrainDefaults(run.project_id, wayOf(run.config as TrainChoices));
  const choices = useStepChoices<TrainChoices>(run.project_id, "train");
  const usual = defaults.data?.config;
  if (!usual) return null;
  return (
    <Button
      look="quiet"
      onClick={() => {
        choices.replace(choicesOf(run.config, usual));
        void navigate(`/projects/${run.project_id}/train/new`);
      }}
    >
      <Copy aria-hidden />
      {t("train.sameAgain")}
    </Button>
  );
}
