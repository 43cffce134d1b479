import { useTranslation } from "react-i18next";
import type { NumberFault } from "../../shared/lib/numbers";
import { Checkbox, Field, Textarea } from "../../shared/ui/Field";
import { NumberField } from "../../shared/ui/NumberField";
import { type ChatForm, NUMBERS, type NumberName } from "./chatForm";

/** How answers are drawn, in a fold. */
export function ChatOptions(props: {
  form: ChatForm;
  faults: Partial<Record<NumberName, NumberFault>>;
  onChange: (form: ChatForm) => void;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
  /** Two models are asked. */
  isCompared: boolean;
}) {
  const { t } = useTranslation();
  const { form } = props;
  const change = (part: Partial<ChatForm>) => props.onChange({ ...form, ...part });
  return (
    <details className="mt-2 text-sm" open={props.isOpen} onToggle={(event) => props.onToggle(event.currentTarget.open)}>
      <summary className="text-soft">{t("chat.options")}</summary>
      <div className="mt-3 max-h-[35vh] space-y-3 overflow-y-auto pr-1">
        <div className="grid grid-cols-2 gap-3 md:grid-cols-4">
          {NUMBERS.map((name) => (
            <NumberField
              key={name}
              label={t(`chat.number.${name}`)}
              hint={t(`chat.numberHint.${name}`)}
              fault={props.faults[name]}
              value={form[name]}
              onChange={(value) => change({ [name]: value })}
            />
          ))}
        </div>
        <div className="grid gap-3 md:grid-cols-2">
          <Field label={t("chat.system")} hint={t("chat.systemHint")}>
            {(control) => (
              <Textarea {...control} rows={2} className="min-h-0" value={form.system} onChange={(event) => change({ system: event.target.value })} />
            )}
          </Field>
          <Field label={t("chat.stopTexts")} hint={t("chat.stopTextsHint")}>
            {(control) => (
              <Textarea {...control} rows={2} className="min-h-0" value={form.stop} onChange={(event) => change({ stop: event.target.value })} />
            )}
          </Field>
        </div>
        {props.isCompared && (
          <Checkbox
            label={t("chat.simultaneous")}
            hint={t("chat.simultaneousHint")}
            checked={form.simultaneous}
            onChange={(event) => change({ simultaneous: event.target.checked })}
          />
        )}
      </div>
    </details>
  );
}
