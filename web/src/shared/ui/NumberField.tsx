import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../lib/format";
import type { NumberFault } from "../lib/numbers";
import { Field, Input } from "./Field";

/** A number as it is typed, with what is wrong with it. */
export function NumberField(props: {
  label: string;
  hint?: ReactNode;
  fault?: NumberFault | null | undefined;
  value: string;
  placeholder?: string;
  className?: string;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const { fault } = props;
  const error =
    fault && (fault.key === "outOfRange" ? t("train.outOfRange", { min: format.small(fault.min), max: format.number(fault.max, 2) }) : t(`train.${fault.key}`));
  return (
    <Field label={props.label} hint={props.hint} error={error} {...(props.className ? { className: props.className } : {})}>
      {(control) => (
        <Input
          {...control}
          inputMode="decimal"
          placeholder={props.placeholder}
          value={props.value}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
