import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../api/client";
import { refreshProject, useSettings } from "../api/queries";
import type { ImportReport, Project } from "../api/types";
import { uploadFile } from "../api/upload";
import { useFormat } from "../lib/format";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Checkbox, Field, Input, Select } from "../ui/Field";
import { ProblemNote } from "../ui/ProblemNote";
import { ProgressBar } from "../ui/ProgressBar";
import { DoneNote } from "../ui/States";

/** Uploads a data set file and takes its rows in as examples. */
export function ImportDialog({ project, onClose, given = null, onDone }: { project: Project; onClose: () => void; given?: File | null; onDone?: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const settings = useSettings();
  const [file, setFile] = useState<File | null>(given);
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
    onSuccess: () => {
      onDone?.();
      void refreshProject(client, project.id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (file) run.mutate(file);
  };

  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("examples.importTitle")} text={t("examples.importText")}>
      {run.data ? (
        <Report projectId={project.id} report={run.data} onClose={onClose} />
      ) : (
        <form onSubmit={submit} className="space-y-4">
          {given ? (
            <p className="text-sm font-medium wrap-anywhere">{given.name}</p>
          ) : (
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
          )}
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

function Report({ projectId, report, onClose }: { projectId: string; report: ImportReport; onClose: () => void }) {
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
        <Button onClick={onClose}>{t("common.close")}</Button>
        <Button asChild look="primary">
          <Link to={`/projects/${projectId}/review`} onClick={onClose}>
            {t("writing.toExamples")}
          </Link>
        </Button>
      </DialogActions>
    </>
  );
}
