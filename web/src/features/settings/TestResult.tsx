import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { Problem } from "../../shared/api/problem";
import { keys } from "../../shared/api/queries";
import type { Connection, ConnectionTest } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Field, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DoneNote, WarnNote } from "../../shared/ui/States";

function failure(result: ConnectionTest): Problem {
  return new Problem({ code: result.cause?.code ?? "provider_failed", params: result.cause?.params ?? {}, message: result.problem ?? "" });
}

/** What a test found: models to choose from, or why there are none. */
export function TestResult({ connection, result }: { connection: Connection; result: ConnectionTest }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const format = useFormat();
  const choose = useMutation({
    mutationFn: (model: string) => take(api.PUT("/api/settings/providers/{id}", { params: { path: { id: connection.id } }, body: { model } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.connections }),
  });
  if (!result.ok) {
    return <ProblemNote className="mt-3" problem={failure(result)} />;
  }
  if (result.models.length === 0) return <WarnNote className="mt-3">{t("connections.noModels")}</WarnNote>;
  return (
    <div className="mt-3 space-y-3">
      <DoneNote>{t("connections.works", { count: result.models.length, time: format.milliseconds(result.elapsed_ms) })}</DoneNote>
      <Field label={t("connections.model")} hint={t("connections.modelHint")} className="max-w-sm">
        {(control) => (
          <Select {...control} disabled={choose.isPending} value={connection.model ?? ""} onChange={(event) => choose.mutate(event.target.value)}>
            <option value="">{t("connections.modelChoose")}</option>
            {connection.model != null && !result.models.includes(connection.model) && <option value={connection.model}>{connection.model}</option>}
            {result.models.map((model) => (
              <option key={model} value={model}>
                {model}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {choose.isError && <ProblemNote problem={choose.error} />}
      {connection.model != null && <Trial key={connection.model} id={connection.id} model={connection.model} />}
    </div>
  );
}

/** One short question: does the model answer, and does its server keep replies to a form? */
function Trial({ id, model }: { id: string; model: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const trial = useMutation({
    mutationFn: () => take(api.POST("/api/settings/providers/{id}/test", { params: { path: { id }, query: { model } } })),
  });
  const result = trial.data;
  return (
    <>
      <Button size="small" busy={trial.isPending} onClick={() => trial.mutate()}>
        {t("connections.tryModel")}
      </Button>
      {trial.isError && <ProblemNote problem={trial.error} />}
      {result && !result.ok && <ProblemNote problem={failure(result)} />}
      {result?.ok && result.schema && (
        <DoneNote>
          {t("connections.tried", { time: format.milliseconds(result.elapsed_ms) })} {t(`connections.schema.${result.schema}`)}
        </DoneNote>
      )}
    </>
  );
}
