import { useMutation, useQueryClient } from "@tanstack/react-query";
import { GraduationCap, RotateCcw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { asProblem } from "../../shared/api/problem";
import { refreshProject, useHardware, useModels, useSettings, useStats } from "../../shared/api/queries";
import type { DatasetStats, Hardware, Model, Project, Run, Settings } from "../../shared/api/types";
import { useStepChoices } from "../../shared/api/useStepChoices";
import { useFormat } from "../../shared/lib/format";
import { parseNumber } from "../../shared/lib/numbers";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { AdvancedFields } from "./AdvancedFields";
import { DoesNotFit, HardwareNote } from "./HardwareNote";
import { TokensCard } from "./TokensCard";
import { check, type FormValues, formValues, kept, request, type TrainChoices } from "./trainForm";

/** Starts a training: sensible values are filled in, everything else is in the fold. */
export function TrainForm(props: { project: Project; onStarted: (run: Run) => void }) {
  const { t } = useTranslation();
  const { project } = props;
  const settings = useSettings();
  const stats = useStats(project.id);
  const models = useModels();
  const hardware = useHardware(project.model_id);
  const failed = [settings, stats].find((query) => query.isError);
  if (failed) return <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />;
  if (!settings.data || !stats.data || hardware.isPending) return <Skeleton rows={4} />;
  if (stats.data.approved === 0) {
    return (
      <EmptyState icon={GraduationCap} title={t("train.nothingTitle")} text={t("train.nothingText")}>
        <Button asChild look="primary">
          <Link to={`/projects/${project.id}/review`}>{t("train.toExamples")}</Link>
        </Button>
      </EmptyState>
    );
  }
  return (
    <>
      {hardware.isError && <ProblemNote problem={hardware.error} onRetry={() => void hardware.refetch()} className="mb-4" />}
      <Form
        project={project}
        settings={settings.data}
        hardware={hardware.data ?? null}
        model={models.data?.items.find((model) => model.id === project.model_id) ?? null}
        stats={stats.data}
        onStarted={props.onStarted}
      />
    </>
  );
}

interface FormProps {
  project: Project;
  settings: Settings;
  hardware: Hardware | null;
  model: Model | null;
  stats: DatasetStats;
  onStarted: (run: Run) => void;
}

function Form({ project, settings, hardware, model, stats, onStarted }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const choices = useStepChoices<TrainChoices>(project.id, "train");
  const usual = settings.defaults.train;
  const values = formValues(choices.value, usual, hardware?.plan ?? null);
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
  const problem = start.isError ? asProblem(start.error) : null;
  const refused = (field: string) => problem?.fields.find((entry) => entry.field === field)?.message ?? null;

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <Section title={t("train.formTitle")}>
        <Ready projectId={project.id} stats={stats} />
        <ModelLine project={project} model={model} />
        <div className="mt-4 grid gap-4 sm:grid-cols-2">
          <Field label={t("train.name")} hint={t("train.nameHint")}>
            {(control) => <Input {...control} maxLength={200} value={values.name} onChange={(event) => update({ name: event.target.value || undefined })} />}
          </Field>
          <LengthField values={values} faults={faults} update={update} />
        </div>
        <Estimate values={values} stats={stats} speed={hardware?.plan?.tokens_per_second ?? null} />
        <details className="mt-5 border-t border-line pt-4" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary className="text-sm font-medium text-accent-strong">{t("train.advanced")}</summary>
          <AdvancedFields values={values} faults={faults} options={settings.options} family={model?.family ?? null} refused={refused} update={update} />
          <Button look="quiet" size="small" className="mt-4" onClick={() => choices.replace(values.name ? { name: values.name } : {})}>
            <RotateCcw aria-hidden />
            {t("train.restore")}
          </Button>
        </details>
      </Section>
      <TokensCard project={project} maxSeqLen={faults.max_seq_len ? null : parseNumber(values.max_seq_len)} approved={stats.approved} />
      {hardware && (
        <HardwareNote projectId={project.id} hardware={hardware} usualBatch={usual.micro_batch_size} usualLength={usual.max_seq_len} />
      )}
      {choices.problem != null && <ProblemNote problem={choices.problem} onRetry={choices.retry} />}
      {problem?.code === "does_not_fit" && <DoesNotFit problem={problem} projectId={project.id} onApply={update} />}
      {problem && problem.code !== "does_not_fit" && <ProblemNote problem={problem} />}
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" look="primary" className="h-11 px-6 text-base" busy={start.isPending}>
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
function Ready({ projectId, stats }: { projectId: string; stats: DatasetStats }) {
  const { t } = useTranslation();
  return (
    <p className="text-sm">
      {t("train.ready", { count: stats.approved })}{" "}
      {stats.pending > 0 && (
        <Link className="text-accent-strong underline" to={`/projects/${projectId}/review?status=pending`}>
          {t("train.pendingNote", { count: stats.pending })}
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

/** About how long it takes, at the speed of the last training; nothing where that is not known. */
function Estimate({ values, stats, speed }: { values: FormValues; stats: DatasetStats; speed: number | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const epochs = parseNumber(values.epochs);
  if (values.length === "steps" || speed === null || speed <= 0 || epochs === null || !stats.tokens) return null;
  const share = 1 - (parseNumber(values.eval_fraction) ?? 0) - (parseNumber(values.held_out_fraction) ?? 0);
  const seconds = (stats.tokens.mean * stats.approved * share * epochs) / speed;
  return <p className="mt-3 text-sm text-soft">{t("train.estimate", { time: format.duration(seconds) })}</p>;
}

function ModelLine({ project, model }: { project: Project; model: Model | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="mt-3 rounded-lg bg-sunken px-3 py-2 text-sm">
      <span className="text-soft">{t("train.model")}:</span> <span className="font-medium">{model?.name ?? project.model_id}</span>
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
