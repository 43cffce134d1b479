import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import { useStepChoices } from "../../shared/api/useStepChoices";
import type { Connection, Job, Project, WriteDataset } from "../../shared/api/types";
import { ModelField } from "../../shared/connections/ModelField";
import { useConnectionName } from "../../shared/connections/useKindLabel";
import { whereTo } from "../../shared/connections/whereTo";
import { WhereToNote } from "../../shared/connections/WhereToNote";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DocumentsField } from "./DocumentsField";
import { isTooSmall } from "./isTooSmall";
import { Preview } from "./Preview";
import { PromptField, usePrompts } from "./PromptField";
import { TooSmall } from "./TooSmall";
import { check, type ChosenTask, keptValues, languageWords, type NumberName, request, startValues, type WriteFaults, type WriteValues } from "./writeForm";

/** Languages that are offered; the models know more. */
const LANGUAGES = ["en", "fr", "de", "es", "it", "nl", "pt", "pl"];

interface FormProps {
  project: Project;
  connections: Connection[];
  passages: number;
  last: WriteDataset | null;
  onStarted: (job: Job) => void;
}

/** What is to be written, by whom: tried on a few passages, then for all of them. */
export function WriteForm({ project, connections, passages, last, onStarted }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useStepChoices<WriteValues>(project.id, "preview");
  const chosen = useStepChoices<ChosenTask>(project.id, "task").value;
  const values = keptValues(startValues(last, connections, project.language, chosen), form.value, connections);
  const [isChecked, setChecked] = useState(false);
  const [isOpen, setOpen] = useState(false);
  /** What the shown preview was asked for; null when that was before this visit. */
  const [previewed, setPreviewed] = useState<string | null>(null);
  const preview = useProjectJob(project.id, "dataset_preview");
  const connection = connections.find((one) => one.id === values.connection) ?? null;
  const faults = check(values, connection);
  const path = { project_id: project.id };
  const body = () => request(values);
  const tryOut = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/dataset/preview", { params: { path }, body: body() })),
    onSuccess: (started) => {
      setPreviewed(JSON.stringify(body()));
      preview.follow(started.job);
    },
  });
  const write = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/dataset/write", { params: { path }, body: body() })),
    onSuccess: async (started) => {
      onStarted(started.job);
      // What is at work now is what the form begins with from here on.
      form.replace({});
      window.scrollTo({ top: 0 });
      await refreshProject(client, project.id);
    },
  });
  const ifGood = (go: () => void) => {
    setChecked(true);
    const wrong = Object.keys(faults);
    if (wrong.length === 0) go();
    else if (wrong.some((field) => ["max_tokens", "temperature", "prompt"].includes(field))) setOpen(true);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ifGood(() => tryOut.mutate());
  };
  const isBusy = tryOut.isPending || write.isPending || preview.active;
  const failed = write.error ?? tryOut.error;
  const fields: FieldsProps = {
    projectId: project.id,
    values,
    faults: isChecked ? faults : {},
    set: form.update,
  };

  return (
    <>
      <form onSubmit={submit} noValidate>
        <Section
          title={t("writing.formTitle")}
          text={
            <>
              {t("writing.passages", { count: passages })}{" "}
              <Link className="text-accent-strong underline" to={`/projects/${project.id}/review?make=examples`}>
                {t("writing.noModelAtHand")}
              </Link>
            </>
          }
        >
          <Whom {...fields} connections={connections} connection={connection} />
          <What {...fields} />
          <DocumentsField projectId={project.id} chosen={values.file_ids} error={fields.faults.file_ids && t("writing.noDocument")} onChange={(file_ids) => fields.set({ file_ids })} />
          <details className="mt-5 border-t border-line pt-4" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary className="text-sm font-medium text-accent-strong">{t("writing.advanced")}</summary>
            <Advanced {...fields} />
          </details>
          <Checkbox
            className="mt-5 border-t border-line pt-4"
            label={t("writing.approve")}
            hint={t("writing.approveHint")}
            checked={values.approve}
            onChange={(event) => fields.set({ approve: event.target.checked })}
          />
          {form.problem != null && <ProblemNote problem={form.problem} className="mt-4" onRetry={form.retry} />}
          {failed != null && <ProblemNote problem={failed} className="mt-4" />}
          <div className="mt-5 flex flex-wrap gap-2">
            <Button type="submit" look="primary" className="h-11 px-5" busy={tryOut.isPending} disabled={isBusy}>
              {t("writing.preview")}
            </Button>
            <Button className="h-11 px-5" busy={write.isPending} disabled={isBusy} onClick={() => ifGood(() => write.mutate())}>
              {write.isPending ? t("writing.starting") : t("writing.write")}
            </Button>
          </div>
        </Section>
      </form>
      <Preview
        projectId={project.id}
        preview={preview}
        isFree={connection !== null && ["program", "computer"].includes(whereTo(connection, values.model))}
        isBusy={write.isPending}
        onWrite={() => ifGood(() => write.mutate())}
        isStale={previewed !== null && previewed !== JSON.stringify(body())}
      />
    </>
  );
}

interface FieldsProps {
  projectId: string;
  values: WriteValues;
  faults: WriteFaults;
  set: (change: Partial<WriteValues>) => void;
}

/** The connection and its model, and where the text goes. */
function Whom({ projectId, values, faults, set, connections, connection }: FieldsProps & { connections: Connection[]; connection: Connection | null }) {
  const { t } = useTranslation();
  const nameOf = useConnectionName();
  const choose = (id: string) => set({ connection: id, model: connections.find((one) => one.id === id)?.model ?? "" });
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={t("writing.connection")}
          error={faults.connection && t("writing.connectionFault")}
          hint={
            <Link className="text-accent-strong underline" to="/settings#connections">
              {t("writing.toSettings")}
            </Link>
          }
        >
          {(control) => (
            <Select {...control} value={values.connection} onChange={(event) => choose(event.target.value)}>
              {connections.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.problem == null ? nameOf(one) : t("writing.connectionOption", { name: nameOf(one) })}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <ModelField
          key={values.connection}
          connection={connection}
          label={t("connections.model")}
          error={faults.model && t("writing.modelFault")}
          value={values.model}
          onChange={(model) => set({ model })}
        />
      </div>
      {connection && connection.problem == null && <WhereToNote className="mt-3" connection={connection} model={values.model} />}
      {isTooSmall(connection, values.model) && <TooSmall projectId={projectId} className="mt-3" />}
    </>
  );
}

function What({ projectId, values, faults, set }: FieldsProps) {
  const { t, i18n } = useTranslation();
  const tasks = usePrompts(projectId);
  const names = new Intl.DisplayNames(i18n.language, { type: "language" });
  const languages = new Map(LANGUAGES.map((tag) => [languageWords(tag), names.of(tag) ?? tag]));
  if (!languages.has(values.language)) languages.set(values.language, values.language);
  const label = (task: string, own: string) => (i18n.exists(`writing.tasks.${task}`) ? t(`writing.tasks.${task}` as never) : own);
  const number = (field: NumberName, text: string, placeholder?: string) => (
    <NumberField label={text} {...(placeholder ? { placeholder } : {})} fault={faults[field]} value={values[field]} onChange={(value) => set({ [field]: value })} />
  );
  return (
    <div className="mt-5 grid gap-4 border-t border-line pt-4 sm:grid-cols-2">
      <Field label={t("writing.task")}>
        {(control) => (
          <Select {...control} value={values.task} onChange={(event) => set({ task: event.target.value, prompt: null })}>
            {(tasks.data ?? [{ task: values.task, label: values.task }]).map((entry) => (
              <option key={entry.task} value={entry.task}>
                {label(entry.task, entry.label)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label={t("writing.language")}>
        {(control) => (
          <Select {...control} value={values.language} onChange={(event) => set({ language: event.target.value })}>
            {[...languages].map(([words, name]) => (
              <option key={words} value={words}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label={t("writing.tone")} error={faults.tone && t("writing.toneFault")}>
        {(control) => (
          <Input {...control} placeholder={t("writing.tonePlaceholder")} value={values.tone} onChange={(event) => set({ tone: event.target.value })} />
        )}
      </Field>
      {number("examples_per_chunk", t("writing.perChunk"))}
      {number("max_calls", t("writing.maxCalls"), t("writing.noBound"))}
      {number("max_total_tokens", t("writing.maxTokens"), t("writing.noBound"))}
    </div>
  );
}

function Advanced({ projectId, values, faults, set }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="mt-4 space-y-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <NumberField
          label={t("writing.replyTokens")}
          hint={t("writing.replyTokensHint")}
          fault={faults.max_tokens}
          value={values.max_tokens}
          onChange={(max_tokens) => set({ max_tokens })}
        />
        <NumberField
          label={t("writing.temperature")}
          hint={t("writing.temperatureHint")}
          fault={faults.temperature}
          value={values.temperature}
          onChange={(temperature) => set({ temperature })}
        />
      </div>
      <Checkbox
        label={t("writing.useSchema")}
        hint={t("writing.useSchemaHint")}
        checked={values.use_schema}
        onChange={(event) => set({ use_schema: event.target.checked })}
      />
      <PromptField
        projectId={projectId}
        task={values.task}
        value={values.prompt}
        isFaulty={faults.prompt !== undefined}
        onChange={(prompt) => set({ prompt })}
      />
    </div>
  );
}
