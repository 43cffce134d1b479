import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Connection } from "../../shared/api/types";
import { ModelField } from "../../shared/connections/ModelField";
import { useConnectionName, useKindLabel } from "../../shared/connections/useKindLabel";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { check, type ConnectionValues, isRemote, keyState, originOf, request, startValues } from "./connectionForm";

const OFFERED = "openai_compatible";

/** Adds a connection (`before` null) or changes one. */
export function ConnectionDialog(props: { before: Connection | null; all: Connection[]; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const kindLabel = useKindLabel();
  const nameOf = useConnectionName();
  const { before, all } = props;
  // Each kind stands in the list under its own name.
  const kinds = all.filter((connection) => connection.id === connection.kind && isRemote(connection.kind));
  const stock = (kind: string) => all.find((connection) => connection.kind === kind) as Connection;
  const [values, setValues] = useState<ConnectionValues>(() => startValues(before ?? stock(OFFERED), before === null));
  const [isChecked, setChecked] = useState(false);
  const set = (change: Partial<ConnectionValues>) => setValues((now) => ({ ...now, ...change }));
  const needsKey = stock(values.kind).needs_key;
  const faults = check(values, before, needsKey, all.map((connection) => connection.id));
  const shown = isChecked ? faults : {};
  const save = useMutation({
    mutationFn: () =>
      take(api.PUT("/api/settings/providers/{id}", { params: { path: { id: before?.id ?? values.id } }, body: request(values) })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.connections });
      props.onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (Object.keys(faults).length === 0) save.mutate();
  };

  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && props.onClose()}
      title={before ? t("connections.editTitle", { name: nameOf(before) }) : t("connections.addTitle")}
    >
      <form onSubmit={submit} noValidate className="space-y-4">
        {!before && (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("connections.kind")}>
              {(control) => (
                <Select
                  {...control}
                  value={values.kind}
                  onChange={(event) => setValues({ ...startValues(stock(event.target.value), true), id: values.id })}
                >
                  {kinds.map((kind) => (
                    <option key={kind.kind} value={kind.kind}>
                      {kindLabel(kind)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
            <Field label={t("connections.name")} hint={t("connections.nameHint")} error={shown.id && t(`connections.${shown.id}`)}>
              {(control) => (
                <Input {...control} autoComplete="off" maxLength={40} value={values.id} onChange={(event) => set({ id: event.target.value })} />
              )}
            </Field>
          </div>
        )}
        {isRemote(values.kind) && (
          <>
            <Field label={t("connections.address")} hint={t("connections.addressHint")} error={shown.address && t("connections.addressFault")}>
              {(control) => (
                <Input
                  {...control}
                  type="url"
                  autoComplete="off"
                  spellCheck={false}
                  value={values.address}
                  onChange={(event) => set({ address: event.target.value })}
                />
              )}
            </Field>
            <KeyField values={values} before={before} needsKey={needsKey} isMissing={shown.key !== undefined} onChange={set} />
          </>
        )}
        {before && (
          <ModelField
            connection={before}
            label={t("connections.model")}
            hint={t("connections.modelHint")}
            value={values.model}
            onChange={(model) => set({ model })}
          />
        )}
        {isRemote(values.kind) && (
          <div className="grid gap-4 sm:grid-cols-2">
            <NumberField label={t("connections.timeout")} fault={shown.timeout} value={values.timeout} onChange={(timeout) => set({ timeout })} />
            <NumberField
              label={t("connections.concurrency")}
              hint={t("connections.concurrencyHint")}
              fault={shown.concurrency}
              value={values.concurrency}
              onChange={(concurrency) => set({ concurrency })}
            />
            <NumberField
              label={t("connections.promptPrice")}
              hint={t("connections.priceHint")}
              fault={shown.promptPrice}
              value={values.promptPrice}
              onChange={(promptPrice) => set({ promptPrice })}
            />
            <NumberField
              label={t("connections.completionPrice")}
              hint={t("connections.priceHint")}
              fault={shown.completionPrice}
              value={values.completionPrice}
              onChange={(completionPrice) => set({ completionPrice })}
            />
          </div>
        )}
        {save.isError && <ProblemNote problem={save.error} />}
        <DialogActions>
          <Button onClick={props.onClose}>{t("common.cancel")}</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            {save.isPending ? t("common.saving") : t("common.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** The secret goes in and never comes out; one that is kept belongs to its address. */
function KeyField(props: {
  values: ConnectionValues;
  before: Connection | null;
  needsKey: boolean;
  isMissing: boolean;
  onChange: (change: Partial<ConnectionValues>) => void;
}) {
  const { t } = useTranslation();
  const { values, before } = props;
  const state = keyState(values, before);
  const again = before && t("connections.keyAgain", { old: originOf(before.address) ?? before.address });
  const hint = state === "kept" ? t("connections.keyKept") : props.needsKey ? t("connections.keyHint") : t("connections.keyOptional");
  return (
    <div className="space-y-2">
      <Field
        label={t("connections.key")}
        hint={state === "again" ? <span className="text-warn">{again}</span> : hint}
        error={props.isMissing ? (state === "again" ? again : t("connections.needsKey")) : null}
      >
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="new-password"
            spellCheck={false}
            disabled={values.forgetKey}
            placeholder={state === "kept" && !values.forgetKey ? "••••••••" : ""}
            value={values.key}
            onChange={(event) => props.onChange({ key: event.target.value })}
          />
        )}
      </Field>
      {state === "kept" && (
        <Checkbox
          label={t("connections.keyForget")}
          checked={values.forgetKey}
          onChange={(event) => props.onChange({ forgetKey: event.target.checked, key: "" })}
        />
      )}
    </div>
  );
}
