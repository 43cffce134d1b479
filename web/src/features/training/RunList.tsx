import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2 } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { isWorking, RUN_TONES } from "../../shared/runs/useRuns";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ConfirmDialog, Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Field, Input } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { type Difference, differences } from "./runDifferences";

/** All trainings of a project: state, figures, data, and the settings in which they differ. */
export function RunList({ runs, shown, onDeleted }: { runs: Run[]; shown: string | null; onDeleted: (id: string) => void }) {
  const { t } = useTranslation();
  const differing = useMemo(() => differences(runs), [runs]);
  return (
    <Section className="mt-5" title={t("train.runs")}>
      <ul className="divide-y divide-line">
        {runs.map((run) => (
          <RunRow key={run.id} run={run} isShown={run.id === shown} differing={differing.get(run.id) ?? []} onDeleted={onDeleted} />
        ))}
      </ul>
    </Section>
  );
}

function RunRow({ run, isShown, differing, onDeleted }: { run: Run; isShown: boolean; differing: Difference[]; onDeleted: (id: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const close = () => setAsked(null);
  const figures = [
    ...(run.loss != null ? [`${t("train.loss")} ${format.fixed(run.loss, 3)}`] : []),
    ...(run.eval_loss != null ? [`${t("train.evalShort")} ${format.fixed(run.eval_loss, 3)}`] : []),
    ...(run.dataset_version != null && run.train_examples != null
      ? [t("train.dataVersion", { version: run.dataset_version, count: run.train_examples })]
      : []),
    format.dateTime(run.created_at),
  ];
  return (
    <li className={cn("-mx-2 flex items-start gap-2 rounded-md px-2 py-2.5 text-sm", isShown && "bg-sunken")}>
      <Link
        to={`/projects/${run.project_id}/train/${run.id}`}
        aria-current={isShown ? "page" : undefined}
        className="min-w-0 flex-1 rounded-md hover:underline"
      >
        <span className="flex flex-wrap items-center gap-2">
          <span className="font-medium wrap-anywhere">{run.name}</span>
          <Badge tone={RUN_TONES[run.status]}>{t(`train.status.${run.status}`)}</Badge>
        </span>
        <span className="mt-0.5 block text-xs text-soft tabular-nums">{figures.join(" · ")}</span>
        {differing.length > 0 && (
          <span className="mt-1 flex flex-wrap gap-1.5">
            {differing.map(({ field, value }) => (
              <span key={field} className="rounded border border-line px-1.5 text-xs text-soft">
                {t(`train.fields.${field}` as never, { defaultValue: field }) as string}: <span className="text-ink">{value}</span>
              </span>
            ))}
          </span>
        )}
      </Link>
      <Button look="quiet" size="icon" aria-label={t("train.rename", { name: run.name })} onClick={() => setAsked("rename")}>
        <Pencil aria-hidden />
      </Button>
      <Button look="quiet" size="icon" disabled={isWorking(run)} aria-label={t("train.delete", { name: run.name })} onClick={() => setAsked("delete")}>
        <Trash2 aria-hidden />
      </Button>
      {asked === "rename" && <RenameDialog run={run} onClose={close} />}
      {asked === "delete" && <DeleteDialog run={run} onClose={close} onDeleted={onDeleted} />}
    </li>
  );
}

function RenameDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(run.name);
  const rename = useMutation({
    mutationFn: () => {
      const path = { project_id: run.project_id, run_id: run.id };
      return take(api.PATCH("/api/projects/{project_id}/runs/{run_id}", { params: { path }, body: { name: name.trim() } }));
    },
    onSuccess: async () => {
      await refreshProject(client, run.project_id);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") rename.mutate();
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("train.renameTitle")}>
      <form onSubmit={submit}>
        <Field label={t("train.name")}>{(control) => <Input {...control} maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
        {rename.isError && <ProblemNote problem={rename.error} className="mt-4" />}
        <DialogActions>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" look="primary" busy={rename.isPending} disabled={name.trim() === ""}>
            {t("common.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ run, onClose, onDeleted }: { run: Run; onClose: () => void; onDeleted: (id: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => {
      const path = { project_id: run.project_id, run_id: run.id };
      return take(api.DELETE("/api/projects/{project_id}/runs/{run_id}", { params: { path } }));
    },
    onSuccess: async () => {
      onDeleted(run.id);
      await refreshProject(client, run.project_id);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("train.deleteTitle", { name: run.name })}
      text={t("train.deleteText")}
      action={t("common.delete")}
      busy={remove.isPending}
      problem={remove.error}
      onConfirm={() => remove.mutate()}
    />
  );
}
