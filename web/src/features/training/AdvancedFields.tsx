import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { OptionEntry, Settings } from "../../shared/api/types";
import type { NumberFault } from "../../shared/lib/numbers";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { chosenModules, type FormValues, kept, modulesOf, modulesText, type NumberField as NumberName, patienceIsIdle, type TrainChoices } from "./trainForm";

export interface FieldsProps {
  values: FormValues;
  faults: Partial<Record<NumberName, NumberFault>>;
  options: Settings["options"];
  /** Of the model: some have attention's parts in one. */
  family: string | null;
  /** What the server found wrong with a field, in its own words. */
  refused: (field: string) => string | null;
  update: (change: TrainChoices) => void;
}

type ChoiceName = "method" | "schedule" | "precision" | "base_precision";

/** Everything that an expert may want to set, by what it is about. */
export function AdvancedFields(props: FieldsProps) {
  const { t } = useTranslation();
  const { values, options, update } = props;
  const trainsAll = values.method === "full";
  const number = (field: NumberName) => (
    <NumberField
      key={field}
      label={t(`train.fields.${field}`)}
      hint={t(`train.hints.${field}`)}
      fault={props.faults[field]}
      value={values[field]}
      onChange={(text) => update({ [field]: kept(text) })}
    />
  );
  const choice = (field: ChoiceName, entries: OptionEntry[], empty?: string) => (
    <Field label={t(`train.fields.${field}`)} hint={t(`train.hints.${field}`)} error={props.refused(field)}>
      {(control) => (
        <Select {...control} value={values[field]} onChange={(event) => update({ [field]: event.target.value || undefined })}>
          {empty !== undefined && <option value="">{empty}</option>}
          {entries.map((entry) => (
            <option key={entry.id} value={entry.id}>
              {t(`train.choices.${entry.id}` as never, { defaultValue: entry.label }) as string}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
  const flag = (field: "use_rslora" | "packing") => (
    <Checkbox
      label={t(`train.fields.${field}`)}
      hint={t(`train.hints.${field}`)}
      checked={values[field]}
      onChange={(event) => update({ [field]: event.target.checked })}
    />
  );
  return (
    <div className="mt-4 space-y-6">
      <Group title={t("train.groups.method")}>
        {choice("method", options.methods)}
        {!trainsAll && choice("base_precision", options.base_precisions, t("train.choices.as_precision"))}
        {choice("precision", options.precisions)}
      </Group>
      {!trainsAll && (
        <Group title={t("train.groups.adapters")}>
          {(["rank", "alpha", "dropout", "lora_plus_ratio"] as const).map(number)}
          <Field label={t("train.fields.layers")} hint={t("train.hints.layers")} error={props.refused("layers")}>
            {(control) => <Input {...control} value={values.layers} onChange={(event) => update({ layers: event.target.value })} />}
          </Field>
          {flag("use_rslora")}
          <ModulesField names={modulesOf(props.family, options.target_modules)} value={values.target_modules} error={props.refused("target_modules")} onChange={(text) => update({ target_modules: text })} />
        </Group>
      )}
      <Group title={t("train.groups.learning")}>
        {number("learning_rate")}
        {choice("schedule", options.schedules)}
        {(["warmup_steps", "weight_decay", "max_grad_norm"] as const).map(number)}
      </Group>
      <Group title={t("train.groups.batches")}>
        {(["micro_batch_size", "gradient_accumulation_steps", "max_seq_len"] as const).map(number)}
        {flag("packing")}
      </Group>
      <Group title={t("train.groups.measuring")} note={patienceIsIdle(values) ? t("train.patienceIdle") : undefined}>
        {(["eval_fraction", "held_out_fraction", "eval_steps", "patience"] as const).map(number)}
      </Group>
      <Group title={t("train.groups.running")}>{(["checkpoint_steps", "keep_checkpoints", "seed"] as const).map(number)}</Group>
    </div>
  );
}

function Group(props: { title: string; note?: string | undefined; children: ReactNode }) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-2 text-sm font-semibold text-soft">{props.title}</legend>
      <div className="grid items-start gap-4 sm:grid-cols-2 xl:grid-cols-3">{props.children}</div>
      {props.note && <p className="mt-2 text-xs text-warn">{props.note}</p>}
    </fieldset>
  );
}

/** Which linear layers get an adapter: all, or those that are ticked. */
function ModulesField(props: { names: string[]; value: string; error: string | null; onChange: (text: string) => void }) {
  const { t } = useTranslation();
  const all = props.names;
  const chosen = chosenModules(props.value);
  const toggle = (name: string, isOn: boolean) => {
    const before = chosen ?? all;
    props.onChange(modulesText(isOn ? [...before, name] : before.filter((other) => other !== name), all));
  };
  return (
    <fieldset className="min-w-0 sm:col-span-2 xl:col-span-3" aria-describedby={props.error ? "modules-error" : undefined}>
      <legend className="mb-1 text-sm font-medium">{t("train.fields.target_modules")}</legend>
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        <Checkbox
          label={t("train.choices.all_linear")}
          checked={chosen === null}
          onChange={(event) => props.onChange(event.target.checked ? "all-linear" : (all[0] ?? "all-linear"))}
        />
        {all.map((name) => (
          <Checkbox
            key={name}
            label={<code className="text-xs">{name}</code>}
            checked={chosen === null || chosen.includes(name)}
            onChange={(event) => toggle(name, event.target.checked)}
          />
        ))}
      </div>
      <p className="mt-1 text-xs text-soft">{t("train.hints.target_modules")}</p>
      {props.error && (
        <p id="modules-error" className="mt-1 text-xs text-bad">
          {props.error}
        </p>
      )}
    </fieldset>
  );
}
