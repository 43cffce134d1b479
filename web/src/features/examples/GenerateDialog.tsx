import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys, useSettings } from "../../shared/api/queries";
import type { Job, Project } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** Starts the making of examples from documents. */
export function GenerateDialog(props: { project: Project; onClose: () => void; onStarted: (job: Job) => void }) {
  const { t, i18n } = useTranslation();
  const { project } = props;
  const settings = useSettings();
  const path = { project_id: project.id };
  const files = useQuery({
    queryKey: [...keys.files(project.id), { kind: "raw_doc", all: true }],
    queryFn: ({ signal }) => {
      const query = { kind: "raw_doc" as const, per_page: 500 };
      return take(api.GET("/api/projects/{project_id}/files", { params: { path, query }, signal }));
    },
  });
  const usual = settings.data?.defaults.generate.questions_per_fact ?? 10;
  const [generator, setGenerator] = useState("offline");
  const [questions, setQuestions] = useState<string | null>(null);
  const [fileId, setFileId] = useState("");
  const [approve, setApprove] = useState(false);
  const count = Number(questions ?? usual);
  const isCountGood = Number.isInteger(count) && count >= 1 && count <= 20;
  const start = useMutation({
    mutationFn: () => {
      const body = { generator, questions_per_fact: count, approve, ...(fileId ? { file_ids: [fileId] } : {}) };
      return take(api.POST("/api/projects/{project_id}/dataset/generate", { params: { path }, body }));
    },
    onSuccess: (started) => {
      props.onStarted(started.job);
      props.onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isCountGood) start.mutate();
  };
  const label = (id: string, own: string) => (i18n.exists(`examples.generators.${id}`) ? t(`examples.generators.${id}` as never) : own);

  return (
    <Dialog open onOpenChange={(open) => !open && props.onClose()} title={t("examples.generateTitle")} text={t("examples.generateText")}>
      {files.data?.total === 0 ? (
        <p>
          {t("examples.noDocument")}{" "}
          <Link className="text-accent-strong underline" to={`/projects/${project.id}/data`}>
            {t("examples.toDocuments")}
          </Link>
        </p>
      ) : (
        <form onSubmit={submit} noValidate className="space-y-4">
          <Field label={t("examples.files")}>
            {(control) => (
              <Select {...control} value={fileId} onChange={(event) => setFileId(event.target.value)}>
                <option value="">{t("examples.allFiles")}</option>
                {files.data?.items.map((file) => (
                  <option key={file.id} value={file.id}>
                    {file.name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label={t("examples.generator")}>
            {(control) => (
              <Select {...control} value={generator} onChange={(event) => setGenerator(event.target.value)}>
                {settings.data?.options.generators.map((entry) => (
                  <option key={entry.id} value={entry.id}>
                    {label(entry.id, entry.label)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field
            label={t("examples.questions")}
            hint={t("examples.questionsHint")}
            error={isCountGood ? null : t("train.outOfRange", { min: 1, max: 20 })}
          >
            {(control) => (
              <Input
                {...control}
                type="number"
                min={1}
                max={20}
                className="max-w-32"
                value={questions ?? String(usual)}
                onChange={(event) => setQuestions(event.target.value)}
              />
            )}
          </Field>
          <Checkbox label={t("examples.approveAtOnce")} checked={approve} onChange={(event) => setApprove(event.target.checked)} />
          {(start.error ?? settings.error ?? files.error) != null && (
            <ProblemNote problem={start.error ?? settings.error ?? files.error} />
          )}
          <DialogActions>
            <Button onClick={props.onClose}>{t("common.cancel")}</Button>
            <Button type="submit" look="primary" busy={start.isPending}>
              {t("examples.start")}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
}
