import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Cpu, GraduationCap, RotateCcw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject, useHardware, useModels, useSettings, useStats } from "../../shared/api/queries";
import type { Hardware, Model, Project, Run, Settings } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton, WarnNote } from "../../shared/ui/States";
import { check, type FormValues, type NumberField as NumberName, request, startValues } from "./trainForm";

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
      {hardware.isError && (
        <ProblemNote problem={hardware.error} onRetry={() => void hardware.refetch()} className="mb-4" />
      )}
      <Form
        project={project}
        settings={settings.data}
        hardware={hardware.data ?? null}
        model={models.data?.items.find((model) => model.id === project.model_id) ?? null}
        approved={stats.data.approved}
        pending={stats.data.pending}
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
  approved: number;
  pending: number;
  onStarted: (run: Run) => void;
}

function Form({ project, settings, hardware, model, approved, pending, onStarted }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const usual = () => startValues(settings.defaults.train, hardware?.plan ?? null);
  const [values, setValues] = useState<FormValues>(usual);
  const [isOpen, setOpen] = useState(false);
  const faults = check(values, model?.context_length ?? null);
  const start = useMutation({
    mutationFn: () => {
      const params = { path: { project_id: project.id } };
      return take(api.POST("/api/projects/{project_id}/train/start", { params, body: request(values) }));
    },
    onSuccess: async (started) => {
      await refreshProject(client, project.id);
      onStarted(started.run);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wrong = Object.keys(faults);
    if (wrong.length === 0) start.mutate();
    else if (wrong.some((field) => field !== "epochs")) setOpen(true);
  };
  const set = (change: Partial<FormValues>) => setValues((before) => ({ ...before, ...change }));
  const number = (field: NumberName, label: string, hint?: string) => (
    <NumberField label={label} hint={hint} fault={faults[field]} value={values[field]} onChange={(value) => set({ [field]: value })} />
  );
  const choice = <Name extends "method" | "schedule" | "precision">(
    field: Name,
    label: string,
    entries: { id: string; label: string }[],
    translated?: (id: string) => string,
  ) => (
    <Field label={label}>
      {(control) => (
        <Select {...control} value={values[field]} onChange={(event) => set({ [field]: event.target.value } as Partial<FormValues>)}>
          {entries.map((entry) => (
            <option key={entry.id} value={entry.id}>
              {translated?.(entry.id) ?? entry.label}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
  const { options } = settings;

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <Section title={t("train.formTitle")}>
        <p className="text-sm">
          {t("train.ready", { count: approved })}{" "}
          {pending > 0 && (
            <Link className="text-accent-strong underline" to={`/projects/${project.id}/review?status=pending`}>
              {t("train.pendingNote", { count: pending })}
            </Link>
          )}
        </p>
        <ModelLine project={project} model={model} />
        <div className="mt-4 grid gap-4 sm:grid-cols-2">
          <Field label={t("train.name")} hint={t("train.nameHint")}>
            {(control) => <Input {...control} maxLength={200} value={values.name} onChange={(event) => set({ name: event.target.value })} />}
          </Field>
          {number("epochs", t("train.epochs"), t("train.epochsHint"))}
        </div>
        <details className="mt-5 border-t border-line pt-4" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary className="text-sm font-medium text-accent-strong">{t("train.advanced")}</summary>
          <div className="mt-4 grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
            {number("learning_rate", t("train.learningRate"), t("train.learningRateHint"))}
            {number("rank", t("train.rank"), t("train.rankHint"))}
            {number("alpha", t("train.alpha"), t("train.alphaHint"))}
            {number("micro_batch_size", t("train.batch"))}
            {number("gradient_accumulation_steps", t("train.accumulation"))}
            {number("max_seq_len", t("train.maxLength"), t("train.maxLengthHint"))}
            {number("eval_fraction", t("train.evalFraction"), t("train.evalFractionHint"))}
            {number("held_out_fraction", t("train.heldOutFraction"), t("train.heldOutFractionHint"))}
            {number("warmup_steps", t("train.warmup"))}
            {number("seed", t("train.seed"), t("train.seedHint"))}
            {choice("schedule", t("train.schedule"), options.schedules, (id) => t(`train.schedules.${id}` as never))}
            {choice("method", t("train.method"), options.methods, (id) => t(`train.methods.${id}` as never))}
            {choice("precision", t("train.precision"), options.precisions)}
          </div>
          <Button look="quiet" size="small" className="mt-4" onClick={() => setValues({ ...usual(), name: values.name })}>
            <RotateCcw aria-hidden />
            {t("train.restore")}
          </Button>
        </details>
      </Section>
      {hardware && <HardwareNote hardware={hardware} usualBatch={settings.defaults.train.micro_batch_size} usualLength={settings.defaults.train.max_seq_len} />}
      {start.isError && <ProblemNote problem={start.error} />}
      <Button type="submit" look="primary" className="h-11 px-6 text-base" busy={start.isPending}>
        {start.isPending ? t("train.starting") : t("train.start")}
      </Button>
    </form>
  );
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
      {model?.problem && (
        <span role="alert" lang="en" className="block text-bad">
          {model.problem}
        </span>
      )}
    </div>
  );
}

function HardwareNote({ hardware, usualBatch, usualLength }: { hardware: Hardware; usualBatch: number; usualLength: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { device, plan } = hardware;
  const memory = () => {
    if (!plan) return null;
    const required = format.bytes(plan.required_bytes);
    if (plan.available_bytes == null) return t("train.memoryNeeds", { required });
    const available = format.bytes(plan.available_bytes);
    return plan.fits ? t("train.memoryFits", { required, available }) : t("train.memoryShort", { required, available });
  };
  const isSmaller = plan?.fits && (plan.micro_batch_size < usualBatch || plan.max_seq_len < usualLength);
  return (
    <section aria-label={t("train.hardware")} className="flex gap-3 rounded-xl border border-line bg-surface p-4 text-sm">
      <Cpu className="mt-0.5 size-5 shrink-0 text-accent" aria-hidden />
      <div className="min-w-0 space-y-1">
        <p>
          <span className="font-medium">{t("train.hardware")}:</span>{" "}
          {t("train.hardwareLine", { device: device.name ?? device.kind, threads: device.threads, isa: device.isa })}
        </p>
        {plan && <p className={plan.fits ? "text-soft" : "font-medium text-bad"}>{memory()}</p>}
        {plan?.tokens_per_second != null && (
          <p className="text-soft">{t("train.speed", { speed: format.number(plan.tokens_per_second) })}</p>
        )}
        {plan && isSmaller && (
          <WarnNote>{t("train.smaller", { batch: plan.micro_batch_size, length: plan.max_seq_len })}</WarnNote>
        )}
        {!isSmaller &&
          plan?.advice.map((advice) => (
            <p key={advice} lang="en" className="text-soft">
              {advice}
            </p>
          ))}
      </div>
    </section>
  );
}
