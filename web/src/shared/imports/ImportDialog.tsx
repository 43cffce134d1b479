import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../api/client";
import { asProblem } from "../api/problem";
import { refreshProject, useSettings } from "../api/queries";
import type { ImportReport, Project } from "../api/types";
import { uploadFile } from "../api/upload";
import { useFormat } from "../lib/format";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Checkbox, Field, Input, Select } from "../ui/Field";
import { ProblemNote } from "../ui/ProblemNote";
import { ProgressBar } from "../ui/ProgressBar";
import { DoneNote, WarnNote } from "../ui/States";

/** Uploads a data set file and takes its rows in as examples. */
export function ImportDialog({ project, onClose, given = null, onDone }: { project: Project; onClose: () => void; given?: File | null; onDone?: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const settings = useSettings();
  const [file, setFile] = useState<File | null>(given);
  const [format, setFormat] = useState("");
  const [columns, setColumns] = useState<ChosenColumns>({ prompt: "", completion: "" });
  const [approve, setApprove] = useState(true);
  const [fraction, setFraction] = useState(0);
  const run = useMutation({
    mutationFn: async (chosen: File) => {
      const entry = await uploadFile(project.id, "dataset", chosen, setFraction);
      const mapping = columns.prompt && columns.completion ? { mapping: { ...columns, system: null, context: null } } : {};
      const body = { file_id: entry.id, approve, ...(format ? { format } : {}), ...mapping };
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

  const unknown = run.isError ? columnsOf(run.error) : [];

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
                  onChange={(event) => {
                    run.reset();
                    setColumns({ prompt: "", completion: "" });
                    setFile(event.target.files?.[0] ?? null);
                  }}
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
          {run.isError && unknown.length < 2 && <ProblemNote problem={run.error} />}
          {unknown.length >= 2 && <ColumnsField names={unknown} value={columns} onChange={setColumns} />}
          <DialogActions>
            <Button onClick={onClose}>{t("common.cancel")}</Button>
            <Button type="submit" look="primary" busy={run.isPending} disabled={!file || (unknown.length >= 2 && !(columns.prompt && columns.completion))}>
              {run.isPending ? t("examples.importing") : t("examples.importStart")}
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
}

interface ChosenColumns {
  prompt: string;
  completion: string;
}

/** The columns of a file whose form nobody knows. */
function columnsOf(error: unknown): string[] {
  const { columns } = asProblem(error).params;
  return Array.isArray(columns) ? columns.filter((name) => typeof name === "string") : [];
}

/** Which columns of a table hold the questions and the answers. */
function ColumnsField(props: { names: string[]; value: ChosenColumns; onChange: (value: ChosenColumns) => void }) {
  const { t } = useTranslation();
  return (
    <WarnNote title={t("data.columnsTitle")}>
      <p>{t("data.columnsText")}</p>
      <div className="mt-2 grid gap-3 sm:grid-cols-2">
        {(["prompt", "completion"] as const).map((part) => (
          <Field key={part} label={t(`data.columns.${part}`)}>
            {(control) => (
              <Select {...control} value={props.value[part]} onChange={(event) => props.onChange({ ...props.value, [part]: event.target.value })}>
                <option value="">{t("data.columns.choose")}</option>
                {props.names.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        ))}
      </div>
    </WarnNote>
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
