import { RotateCcw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "../../shared/ui/Button";
import { Checkbox, Field, Textarea } from "../../shared/ui/Field";

/** A prompt of one's own, which begins as the stock one of the task. */
export function PromptField(props: { stock: string | null; value: string | null; isFaulty: boolean; onChange: (prompt: string | null) => void }) {
  const { t } = useTranslation();
  const { stock, value } = props;
  // The name of the place in the prompt, which is no value of the sentence around it.
  const text = "{{text}}";
  return (
    <div className="space-y-3">
      <Checkbox
        label={t("writing.ownPrompt")}
        hint={t("writing.ownPromptHint", { text })}
        disabled={stock === null && value === null}
        checked={value !== null}
        onChange={(event) => props.onChange(event.target.checked ? stock : null)}
      />
      {value !== null && (
        <>
          <Field label={t("writing.promptLabel")} error={props.isFaulty ? t("writing.promptFault", { text }) : null}>
            {(control) => (
              <Textarea
                {...control}
                rows={16}
                spellCheck={false}
                className="font-mono text-xs"
                value={value}
                onChange={(event) => props.onChange(event.target.value)}
              />
            )}
          </Field>
          {stock !== null && value !== stock && (
            <Button look="quiet" size="small" onClick={() => props.onChange(stock)}>
              <RotateCcw aria-hidden />
              {t("writing.promptStock")}
            </Button>
          )}
        </>
      )}
    </div>
  );
}
