import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys, useHub } from "../../shared/api/queries";
import type { Hub as HubState } from "../../shared/api/types";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Input } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";

/** The hub of models: where it is, whether it is asked, the token for it. */
export function Hub() {
  const { t } = useTranslation();
  const hub = useHub();
  return (
    <Section title={t("hub.title")} text={t("hub.settingsText")}>
      {hub.isPending && <Skeleton rows={1} />}
      {hub.isError && <ProblemNote problem={hub.error} onRetry={() => void hub.refetch()} />}
      {hub.data && <Form hub={hub.data} />}
    </Section>
  );
}

function Form({ hub }: { hub: HubState }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const save = useMutation({
    mutationFn: (secret: string) => take(api.PUT("/api/settings/hub", { body: { token: secret } })),
    onSuccess: (saved) => {
      setToken("");
      client.setQueryData(keys.hub, saved);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) save.mutate(token.trim());
  };
  const hints = { studio: t("hub.tokenStudio"), configuration: t("hub.tokenConfiguration") };
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <dl className="grid gap-x-6 gap-y-2 text-sm sm:grid-cols-[auto_1fr]">
        <dt className="text-soft">{t("hub.endpoint")}</dt>
        <dd className="flex min-w-0 flex-wrap items-center gap-2 wrap-anywhere">
          {hub.endpoint}
          {hub.offline && <Badge tone="warn">{t("hub.offline")}</Badge>}
        </dd>
        <dt className="text-soft">{t("hub.cache")}</dt>
        <dd className="min-w-0 wrap-anywhere">
          <code className="text-xs">{hub.cache}</code>
        </dd>
      </dl>
      {hub.offline && <WarnNote>{t("hub.offlineText")}</WarnNote>}
      <Field label={t("hub.token")} hint={hub.token ? hints[hub.token] : t("hub.tokenHint")} className="max-w-xl">
        {(control) => (
          <Input
            {...control}
            type="password"
            autoComplete="new-password"
            spellCheck={false}
            placeholder={hub.token ? "••••••••" : ""}
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      {save.error != null && <ProblemNote problem={save.error} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" busy={save.isPending} disabled={token.trim() === ""}>
          {save.isPending ? t("common.saving") : t("common.save")}
        </Button>
        {hub.token === "studio" && (
          <Button look="quiet" disabled={save.isPending} onClick={() => save.mutate("")}>
            {t("hub.forget")}
          </Button>
        )}
      </div>
    </form>
  );
}
