import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { refreshProject, useSettings } from "../../shared/api/queries";
import type { ImportReport, Project } from "../../shared/api/types";
import { uploadFile } from "../../shared/api/upload";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { DoneNote } from "../../shared/ui/States";

/** Uploads a data set file and takes its rows in as examples. */
export function ImportDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const settings = useSettings();
  const [file, setFile] = useState<File | null>(null);
  const [format, setFormat] = useState("");
  const [approve, setApprove] = useState(true);
  const [fraction, setFraction] = useState(0);
  const run = useMutation({
    mutationFn: async (chosen: File) => {
      const entry = await uploadFile(project.id, "dataset", chosen, setFraction);
      const body = { file_id: entry.id, approve, ...(format ? { format } : {}) };
      const params = { path: { project_id: project.id } };
      return take(api.POST("/api/projects/{project_id}/dataset/import", { params, body }));
    },
    onSuccess: () => refreshProject(client, project.id),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (file) run.mutate(file);
  };

  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("examples.importTitle")} text={t("examples.importText")}>
      {run.data ? (
        <Report report={run.data} onClose={onClose} />
      ) : (
        <form onSubmit={submit} className="space-y-4">
          <Field
            label={t("examples.importFile")}
            hint={settings.data && t("documents.formats", { list: settings.data.options.dataset_extensions.join(", ") })}
          >
            {(control) => (
              <Input
                {...control}
                type="file"
                required
                className="h-auto py-2 file:mr-3 file:rounded-md file:border-0 file:bg-sunken file:px-3 file:py-1 file:text-ink"
                accept={settings.data?.options.dataset_extensions.map((extension) => `.${extension}`).join(",")}
                onChange={(event) => setFile(event.target.files?.[0] ?? null)}
              />
            )}
          </Field>
          <Field label={t("examples.importFormat")}>
            {(control) => (
              <Select {...control} value={format} onChange={(event) => setFormat(event.target.value)}>
                <option value="">{t("examples.importAuto")}</option>
                {settings.data?.options.import_formats.map((entry) => (
                  <option key={entry.id} value={entry.id}>
                    {entry.label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Checkbox label={t("examples.importApprove")} checked={approve} onChange={(event) => setApprove(event.target.checked)} />
          {run.isPending && <ProgressBar fraction={fraction < 1 ? fraction : null} label={t("examples.importing")} />}
          {run.isError && <ProblemNote problem={run.error} />}
          <DialogActions>
            <Button onClick={onClose}>{t("common.cancel")}</Button>
            <Button type="submit" look="primary" busy={run.isPending} disabled={!file}>
              {run.isPending ? t("examples.importing") : t("examples.importStart")}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
}

function Report({ report, onClose }: { report: ImportReport; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      <DoneNote>
        {t("examples.imported", {
          imported: format.number(report.imported),
          format: report.format,
          duplicates: format.number(report.duplicates),
          rejected: format.number(report.rejected),
        })}
      </DoneNote>
      {report.problems.length > 0 && (
        <div className="mt-4">
          <h3 className="text-sm font-semibold">{t("examples.importProblems")}</h3>
          <ul className="mt-1 max-h-64 space-y-1 overflow-y-auto text-sm">
            {report.problems.map((problem, index) => (
              <li key={index}>
                <span className="font-medium">{t("examples.importRow", { row: problem.row })}</span>{" "}
                <span lang="en">
                  <code className="text-xs">{problem.field}</code> {problem.message}
                </span>
              </li>
            ))}
          </ul>
          {report.rejected > report.problems.length && (
            <p className="mt-1 text-xs text-soft">{t("examples.importMore", { count: report.problems.length })}</p>
          )}
        </div>
      )}
      <DialogActions>
        <Button look="primary" onClick={onClose}>
          {t("common.close")}
        </Button>
      </DialogActions>
    </>
  );
}
