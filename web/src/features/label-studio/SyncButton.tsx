import { useMutation } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import type { Job } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** Takes back what was decided in every linked project. */
export function SyncButton({ projectId, disabled, onStarted }: { projectId: string; disabled: boolean; onStarted: (job: Job) => void }) {
  const { t } = useTranslation();
  const sync = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/label-studio/sync", { params: { path: { project_id: projectId } }, body: {} })),
    onSuccess: (started) => onStarted(started.job),
  });
  return (
    <>
      <Button size="small" disabled={disabled} busy={sync.isPending} onClick={() => sync.mutate()}>
        {!sync.isPending && <RefreshCw aria-hidden />}
        {t("labelStudio.sync")}
      </Button>
      {sync.isError && <ProblemNote problem={sync.error} />}
    </>
  );
}
