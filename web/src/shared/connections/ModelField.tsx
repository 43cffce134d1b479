import { useTranslation } from "react-i18next";
import type { Connection } from "../api/types";
import { Button } from "../ui/Button";
import { Field, Input, Select } from "../ui/Field";
import { useConnectionModels } from "./useConnections";

/** A model of a connection: chosen from its list where it has one, written where it has none. */
export function ModelField(props: {
  connection: Connection | null;
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
  value: string;
  onChange: (model: string) => void;
}) {
  const { t } = useTranslation();
  const models = useConnectionModels(props.connection);
  const names = models.data?.models ?? [];
  const listed = props.value === "" || names.includes(props.value) ? names : [props.value, ...names];
  const unread = models.isError && (
    <>
      {t("connections.modelsUnread")}{" "}
      <Button look="quiet" size="small" className="h-6 px-1.5 underline" onClick={() => void models.refetch()}>
        {t("common.retry")}
      </Button>
    </>
  );
  return (
    <Field label={props.label} error={props.error} hint={unread || (models.isFetching ? t("connections.modelsReading") : props.hint)}>
      {(control) =>
        names.length > 0 ? (
          <Select {...control} value={props.value} onChange={(event) => props.onChange(event.target.value)}>
            <option value="">{t("connections.modelChoose")}</option>
            {listed.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        ) : (
          <Input
            {...control}
            autoComplete="off"
            spellCheck={false}
            placeholder={props.connection?.kind.startsWith("ollama") ? "qwen3:4b" : ""}
            value={props.value}
            onChange={(event) => props.onChange(event.target.value)}
          />
        )
      }
    </Field>
  );
}
