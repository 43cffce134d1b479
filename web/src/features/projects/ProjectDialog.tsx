import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { Project } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Field, Input, Textarea } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** Creates a project (`project` null) and opens its first step, or renames one. */
export function ProjectDialog({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState(project?.name ?? "");
  const [description, setDescription] = useState(project?.description ?? "");
  const [isNameMissing, setNameMissing] = useState(false);

  const save = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), description: description.trim() };
      return project
        ? take(api.PATCH("/api/projects/{id}", { params: { path: { id: project.id } }, body }))
        : take(api.POST("/api/projects", { body: { ...body, language: i18n.language } }));
    },
    onSuccess: async (saved) => {
      await refreshProject(client, saved.id);
      onClose();
      if (!project) void navigate(`/projects/${saved.id}`);
    },
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const missing = name.trim() === "";
    setNameMissing(missing);
    if (!missing) save.mutate();
  };

  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={project ? t("projects.editTitle") : t("projects.createTitle")}>
      <form onSubmit={submit} noValidate className="space-y-4">
        <Field label={t("projects.name")} error={isNameMissing ? t("projects.nameRequired") : null}>
          {(control) => (
            <Input
              {...control}
              required
              maxLength={200}
              value={name}
              placeholder={t("projects.namePlaceholder")}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label={t("projects.description")} hint={t("projects.descriptionHint")}>
          {(control) => (
            <Textarea {...control} maxLength={5000} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        {save.isError && <ProblemNote problem={save.error} />}
        <DialogActions>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            {project ? t("common.save") : t("common.create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
