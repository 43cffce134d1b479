import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Project } from "../../shared/api/types";
import { ConfirmDialog } from "../../shared/ui/Dialog";

export function DeleteProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => take(api.DELETE("/api/projects/{id}", { params: { path: { id: project.id } } })),
    onSuccess: async () => {
      client.removeQueries({ queryKey: keys.project(project.id) });
      await client.invalidateQueries({ queryKey: keys.projects });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("projects.deleteTitle", { name: project.name })}
      text={t("projects.deleteText")}
      action={remove.isPending ? t("common.deleting") : t("common.delete")}
      busy={remove.isPending}
      problem={remove.error}
      onConfirm={() => remove.mutate()}
    />
  );
}
