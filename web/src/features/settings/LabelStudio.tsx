import { useMutation, useQueryClient } from "@tanstack/react-query";
import { PlugZap } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys, useLabelStudio } from "../../shared/api/queries";
import type { LabelStudioConnection } from "../../shared/api/types";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { Field, Input } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { DoneNote, Skeleton } from "../../shared/ui/States";
import { originOf } from "./connectionForm";

/** The connection to Label Studio: address, token, test. */
export function LabelStudio() {
  const { t } = useTranslation();
  const connection = useLabelStudio();
  return (
    <Section title={t("labelStudio.title")} text={t("labelStudio.settingsText")}>
      {connection.isPending && <Skeleton rows={1} />}
      {connection.isError && <ProblemNote problem={connection.error} onRetry={() => void connection.refetch()} />}
      {connection.data && <Form key={`${connection.data.address} ${connection.data.has_token}`} connection={connection.data} />}
    </Section>
  );
}

function Form({ connection }: { connection: LabelStudioConnection }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [address, setAddress] = useState(connection.address ?? "");
  const [token, setToken] = useState("");
  const [isChecked, setChecked] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const isGood = originOf(address) !== null;
  const keepsToken = connection.has_token && originOf(address) === originOf(connection.address ?? "");
  const old = originOf(connection.address ?? "") ?? "";
  const refresh = () => client.invalidateQueries({ queryKey: keys.labelStudio });
  const save = useMutation({
    mutationFn: () => {
      const body = { address: address.trim(), ...(token.trim() ? { token: token.trim() } : {}) };
      return take(api.PUT("/api/settings/label-studio", { body }));
    },
    onSuccess: async () => {
      setToken("");
      await refresh();
    },
  });
  const test = useMutation({ mutationFn: () => take(api.POST("/api/settings/label-studio/test")) });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE("/api/settings/label-studio")),
    onSuccess: async () => {
      setRemoving(false);
      await refresh();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (isGood) save.mutate();
  };
  const isReady = connection.address != null && connection.problem == null;
  const state = connection.address == null ? "none" : isReady ? "ready" : "incomplete";
  return (
    <form onSubmit={submit} noValidate className="space-y-4" data-label-studio={state}>
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <Badge tone={isReady ? "good" : "neutral"}>{t(`labelStudio.${state}`)}</Badge>
        {connection.token_kind && <span className="text-soft">{t(`labelStudio.kinds.${connection.token_kind}`)}</span>}
      </p>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("labelStudio.address")} hint={t("labelStudio.addressHint")} error={isChecked && !isGood ? t("labelStudio.addressFault") : null}>
          {(control) => (
            <Input {...control} type="url" autoComplete="off" spellCheck={false} value={address} onChange={(event) => setAddress(event.target.value)} />
          )}
        </Field>
        <Field
          label={t("labelStudio.token")}
          hint={
            keepsToken ? (
              t("labelStudio.tokenKept")
            ) : connection.has_token ? (
              <span className="text-warn">{t("labelStudio.tokenAgain", { old })}</span>
            ) : (
              t("labelStudio.tokenHint")
            )
          }
        >
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="new-password"
              spellCheck={false}
              placeholder={keepsToken ? "••••••••" : ""}
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
      </div>
      {(save.error ?? test.error) != null && <ProblemNote problem={save.error ?? test.error} />}
      {test.data && (
        <DoneNote>
          {t("labelStudio.works", {
            user: test.data.user,
            version: test.data.version ?? "?",
            kind: t(`labelStudio.kinds.${test.data.token_kind}`),
          })}
        </DoneNote>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" busy={save.isPending}>
          {save.isPending ? t("common.saving") : t("common.save")}
        </Button>
        {isReady && (
          <Button busy={test.isPending} onClick={() => test.mutate()}>
            {!test.isPending && <PlugZap aria-hidden />}
            {test.isPending ? t("connections.testing") : t("labelStudio.test")}
          </Button>
        )}
        {connection.address != null && (
          <Button look="quiet" onClick={() => setRemoving(true)}>
            {t("labelStudio.remove")}
          </Button>
        )}
      </div>
      <ConfirmDialog
        open={isRemoving}
        onOpenChange={setRemoving}
        title={t("labelStudio.removeTitle")}
        text={t("labelStudio.removeText")}
        action={t("labelStudio.remove")}
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </form>
  );
}
