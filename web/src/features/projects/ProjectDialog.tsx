import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject, useSettings } from "../../shared/api/queries";
import type { OptionEntry, Project } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Field, Input, Select, Textarea } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { ModelChoice } from "./ModelChoice";

/** Creates a project (`project` null) or changes one. */
export function ProjectDialog({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const settings = useSettings();
  const languages = settings.data?.options.languages ?? [];
  const [name, setName] = useState(project?.name ?? "");
  const [description, setDescription] = useState(project?.description ?? "");
  const [language, setLanguage] = useState(project?.language ?? i18n.language);
  const [modelId, setModelId] = useState(project?.model_id ?? "base");
  const [task, setTask] = useState(project?.task ?? "question_answering");
  const [isNameMissing, setNameMissing] = useState(false);

  const save = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), description: description.trim(), language, model_id: modelId, task };
      return project
        ? take(api.PATCH("/api/projects/{id}", { params: { path: { id: project.id } }, body }))
        : take(api.POST("/api/projects", { body }));
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
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("projects.language")}>
            {(control) => (
              <Select {...control} value={language} onChange={(event) => setLanguage(event.target.value)}>
                {languages.map((entry) => (
                  <option key={entry.id} value={entry.id}>
                    {entry.label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label={t("projects.task")}>
            {(control) => (
              <Select {...control} value={task} onChange={(event) => setTask(event.target.value)}>
                {(settings.data?.options.tasks ?? []).map((entry) => (
                  <TaskOption key={entry.id} entry={entry} />
                ))}
              </Select>
            )}
          </Field>
        </div>
        <ModelChoice modelId={modelId} onChoose={setModelId} />
        {(settings.error ?? save.error) != null && (
          <ProblemNote problem={save.error ?? settings.error} />
        )}
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

/** The label in the reader's language where there is one, else the server's. */
function TaskOption({ entry }: { entry: OptionEntry }) {
  const { t, i18n } = useTranslation();
  const key = `projects.tasks.${entry.id}`;
  return <option value={entry.id}>{i18n.exists(key) ? t(key as never) : entry.label}</option>;
}
