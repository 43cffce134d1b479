import { useMutation, useQueryClient } from "@tanstack/react-query";
import { GraduationCap, RotateCcw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { asProblem } from "../../shared/api/problem";
import { refreshProject, useModels, useSettings, useTrainDefaults } from "../../shared/api/queries";
import type { Model, Project, Run, Settings, TrainDefaults } from "../../shared/api/types";
import { type Choosing, useStepChoices } from "../../shared/api/useStepChoices";
import { useFormat } from "../../shared/lib/format";
import { parseNumber } from "../../shared/lib/numbers";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton, WarnNote } from "../../shared/ui/States";
import { AdvancedFields } from "./AdvancedFields";
import { DoesNotFit, HardwareNote } from "./HardwareNote";
import { TokensCard } from "./TokensCard";
import { check, type FormValues, formValues, kept, request, stepsOf, type TrainChoices, wayOf } from "./trainForm";

/** Starts a training: values that suit the model and the examples are filled in, everything else is in the fold. */
export function TrainForm(props: { project: Project; onStarted: (run: Run) => void }) {
  const { t } = useTranslation();
  const { project } = props;
  const settings = useSettings();
  const choices = useStepChoices<TrainChoices>(project.id, "train");
  const defaults = useTrainDefaults(project.id, wayOf(choices.value));
  const models = useModels();
  const failed = [settings, defaults].find((query) => query.isError);
  if (failed) return <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />;
  if (!settings.data || !defaults.data) return <Skeleton rows={4} />;
  if (project.counts.approved === 0) {
    return (
      <EmptyState icon={GraduationCap} title={t("train.nothingTitle")} text={t("train.nothingText")}>
        <Button asChild look="primary">
          <Link to={`/projects/${project.id}/review`}>{t("train.toExamples")}</Link>
        </Button>
      </EmptyState>
    );
  }
  return (
    <Form
      project={project}
      settings={settings.data}
      defaults={defaults.data}
      choices={choices}
      model={models.data?.items.find((model) => model.id === project.model_id) ?? null}
      onStarted={props.onStarted}
    />
  );
}

interface FormProps {
  project: Project;
  settings: Settings;
  defaults: TrainDefaults;
  choices: Choosing<TrainChoices>;
  model: Model | null;
  onStarted: (run: Run) => void;
}

function Form({ project, settings, defaults, choices, model, onStarted }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const values = formValues(choices.value, defaults.config);
  const isUsual = Object.keys(choices.value).every((field) => field === "name");
  const [isOpen, setOpen] = useState(false);
  const faults = check(values, model?.context_length ?? null);
  const start = useMutation({
    mutationFn: () => {
      const params = { path: { project_id: project.id } };
      return take(api.POST("/api/projects/{project_id}/train/start", { params, body: request(values) }));
    },
    onSuccess: async (started) => {
      choices.update({ name: undefined });
      await refreshProject(client, project.id);
      onStarted(started.run);
    },
  });
  const update = (change: TrainChoices) => {
    start.reset();
    choices.update(change);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wrong = Object.keys(faults);
    if (wrong.length === 0) start.mutate();
    else if (wrong.some((field) => field !== "epochs" && field !== "max_steps")) setOpen(true);
  };
  const isBusy = project.active_job?.kind === "train";
  const problem = start.isError ? asProblem(start.error) : null;
  const refused = (field: string) => problem?.fields.find((entry) => entry.field === field)?.message ?? null;

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <Section title={t("train.formTitle")}>
        <Ready project={project} />
        <ModelLine project={project} model={model} />
        <div className="mt-4 grid gap-4 sm:grid-cols-2">
          <Field label={t("train.name")} hint={t("train.nameHint")}>
            {(control) => <Input {...control} maxLength={200} value={values.name} onChange={(event) => update({ name: event.target.value || undefined })} />}
          </Field>
          <LengthField values={values} faults={faults} update={update} />
        </div>
        <Estimate values={values} defaults={defaults} isUsual={isUsual} />
        <details className="mt-5 border-t border-line pt-4" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary className="text-sm font-medium text-accent-strong">{t("train.advanced")}</summary>
          <AdvancedFields values={values} faults={faults} options={settings.options} family={model?.family ?? null} refused={refused} update={update} />
          <Button look="quiet" size="small" className="mt-4" onClick={() => choices.replace(values.name ? { name: values.name } : {})}>
            <RotateCcw aria-hidden />
            {t("train.restore")}
          </Button>
        </details>
      </Section>
      <TokensCard project={project} maxSeqLen={faults.max_seq_len ? null : parseNumber(values.max_seq_len)} approved={project.counts.approved} />
      <HardwareNote projectId={project.id} defaults={defaults} isUsual={isUsual} />
      {choices.problem != null && <ProblemNote problem={choices.problem} onRetry={choices.retry} />}
      {problem?.code === "does_not_fit" && <DoesNotFit problem={problem} projectId={project.id} onApply={update} />}
      {problem && problem.code !== "does_not_fit" && <ProblemNote problem={problem} />}
      {isBusy && (
        <WarnNote>
          {t("train.busy")}{" "}
          <Link className="text-accent-strong underline" to={`/projects/${project.id}/train`}>
            {t("train.toBusy")}
          </Link>
        </WarnNote>
      )}
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" look="primary" className="h-11 px-6 text-base" busy={start.isPending} disabled={isBusy}>
          {start.isPending ? t("train.starting") : t("train.start")}
        </Button>
        {Object.keys(faults).length > 0 && (
          <p role="status" className="text-sm text-bad">
            {t("train.faulty", { count: Object.keys(faults).length })}
          </p>
        )}
      </div>
    </form>
  );
}

/** How many examples the training learns, and what waits still. */
function Ready({ project }: { project: Project }) {
  const { t } = useTranslation();
  const { approved, pending } = project.counts;
  return (
    <p className="text-sm">
      {t("train.ready", { count: approved })}{" "}
      {pending > 0 && (
        <Link className="text-accent-strong underline" to={`/projects/${project.id}/review?status=pending`}>
          {t("train.pendingNote", { count: pending })}
        </Link>
      )}
    </p>
  );
}

/** How long: times through the examples, or steps. */
function LengthField(props: { values: FormValues; faults: ReturnType<typeof check>; update: (change: TrainChoices) => void }) {
  const { t } = useTranslation();
  const { values, update } = props;
  const field = values.length === "epochs" ? "epochs" : "max_steps";
  return (
    <div className="flex items-start gap-2">
      <NumberField
        className="flex-1"
        label={t(`train.fields.${field}`)}
        hint={t(`train.hints.${field}`)}
        fault={props.faults[field]}
        value={values[field]}
        onChange={(text) => update({ [field]: kept(text) })}
      />
      <Field label={t("train.lengthIn")} className="w-36">
        {(control) => (
          <Select
            {...control}
            value={values.length}
            onChange={(event) => update(event.target.value === "steps" ? { max_steps: kept(values.max_steps), epochs: undefined } : { max_steps: undefined })}
          >
            <option value="epochs">{t("train.lengthEpochs")}</option>
            <option value="steps">{t("train.lengthSteps")}</option>
          </Select>
        )}
      </Field>
    </div>
  );
}

/** What the values come to: how many steps of which size, and how long that takes at the speed of the last training. */
function Estimate({ values, defaults, isUsual }: { values: FormValues; defaults: TrainDefaults; isUsual: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const found = stepsOf(values, defaults.tokens);
  if (!found) return null;
  const speed = defaults.tokens_per_second;
  return (
    <p className="mt-3 text-sm text-soft">
      {isUsual && t("train.suited")} {t("train.steps", { count: found.steps, value: format.number(found.steps), tokens: format.number(found.tokens) })}{" "}
      {speed != null && speed > 0 && t("train.estimate", { time: format.duration((found.steps * found.tokens) / speed) })}
    </p>
  );
}

function ModelLine({ project, model }: { project: Project; model: Model | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="mt-3 rounded-lg bg-sunken px-3 py-2 text-sm">
      <span className="text-soft">{t("common.labelled", { label: t("train.model") })}</span> <span className="font-medium">{model?.name ?? project.model_id}</span>
      {model?.parameters != null && model.context_length != null && (
        <span className="block text-xs text-soft">
          {t("train.modelText", { parameters: format.number(model.parameters), window: format.number(model.context_length) })}
        </span>
      )}
      {model?.commit && <span className="block text-xs text-soft">{t("train.modelCommit", { commit: model.commit.slice(0, 8) })}</span>}
      {model?.problem && (
        <span role="alert" lang="en" className="block text-bad">
          {model.problem}
        </span>
      )}
    </div>
  );
}
