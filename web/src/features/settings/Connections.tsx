import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, PlugZap, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Connection } from "../../shared/api/types";
import { useConnections } from "../../shared/connections/useConnections";
import { useConnectionName, useKindLabel } from "../../shared/connections/useKindLabel";
import { WhereToNote } from "../../shared/connections/WhereToNote";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { ConnectionDialog } from "./ConnectionDialog";
import { isRemote } from "./connectionForm";
import { TestResult } from "./TestResult";

/** The language models that may be asked: set up, tried, removed. */
export function Connections() {
  const { t } = useTranslation();
  const connections = useConnections();
  const [edited, setEdited] = useState<Connection | "new" | null>(null);
  const [removed, setRemoved] = useState<Connection | null>(null);
  return (
    <Section
      title={t("connections.title")}
      text={t("connections.text")}
      actions={
        connections.data && (
          <Button size="small" onClick={() => setEdited("new")}>
            <Plus aria-hidden />
            {t("connections.add")}
          </Button>
        )
      }
    >
      {connections.isPending && <Skeleton rows={3} />}
      {connections.isError && <ProblemNote problem={connections.error} onRetry={() => void connections.refetch()} />}
      {connections.data && (
        <ul className="divide-y divide-line">
          {connections.data.map((connection) => (
            // Another address is another connection: what a test said of the old one goes away with it.
            <ConnectionRow
              key={`${connection.id} ${connection.address} ${connection.has_key}`}
              connection={connection}
              onEdit={() => setEdited(connection)}
              onRemove={() => setRemoved(connection)}
            />
          ))}
        </ul>
      )}
      {edited && connections.data && (
        <ConnectionDialog
          before={edited === "new" ? null : edited}
          all={connections.data}
          onClose={() => setEdited(null)}
        />
      )}
      {removed && <RemoveConnection connection={removed} onClose={() => setRemoved(null)} />}
    </Section>
  );
}

/** Whether anything of a connection that every studio has was set by a person. */
function isTouched(connection: Connection): boolean {
  return connection.has_key || connection.model != null || connection.prompt_price != null || connection.completion_price != null;
}

function ConnectionRow({ connection, onEdit, onRemove }: { connection: Connection; onEdit: () => void; onRemove: () => void }) {
  const { t } = useTranslation();
  const name = useConnectionName()(connection);
  const kindLabel = useKindLabel()(connection);
  const isOwn = connection.id !== connection.kind;
  const facts = [
    isOwn && kindLabel,
    connection.address,
    connection.has_key && t("connections.hasKey"),
    connection.model ?? (connection.problem == null && t("connections.noModel")),
  ].filter(Boolean);
  const test = useMutation({
    mutationFn: () => take(api.POST("/api/settings/providers/{id}/test", { params: { path: { id: connection.id } } })),
  });
  const state = useReadiness(connection);
  return (
    <li className="py-4 first:pt-0 last:pb-0" data-connection={connection.id}>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <p className="flex flex-wrap items-center gap-2">
            <span className="font-medium wrap-anywhere">{name}</span>
            <Badge tone={connection.problem == null ? "good" : "neutral"}>{state}</Badge>
          </p>
          {facts.length > 0 && <p className="mt-0.5 text-xs wrap-anywhere text-soft">{facts.join(" · ")}</p>}
        </div>
        <div className="flex flex-wrap items-center gap-1">
          {connection.problem == null && (
            <Button size="small" busy={test.isPending} aria-label={t("connections.testOf", { name })} onClick={() => test.mutate()}>
              <PlugZap aria-hidden />
              {test.isPending ? t("connections.testing") : t("connections.test")}
            </Button>
          )}
          <Button look="quiet" size="small" aria-label={t("connections.edit", { name })} title={t("connections.edit", { name })} onClick={onEdit}>
            <Pencil aria-hidden />
          </Button>
          {(isOwn || isTouched(connection)) && <RemoveButton isOwn={isOwn} name={name} onClick={onRemove} />}
        </div>
      </div>
      {connection.problem == null && <WhereToNote connection={connection} model={connection.model ?? ""} className="mt-2" />}
      {test.isError && <ProblemNote problem={test.error} className="mt-3" />}
      {test.data && <TestResult connection={connection} result={test.data} />}
    </li>
  );
}

function RemoveButton({ isOwn, name, onClick }: { isOwn: boolean; name: string; onClick: () => void }) {
  const { t } = useTranslation();
  const label = isOwn ? t("connections.remove", { name }) : t("connections.reset", { name });
  const Icon = isOwn ? Trash2 : RotateCcw;
  return (
    <Button look="quiet" size="small" aria-label={label} title={label} onClick={onClick}>
      <Icon aria-hidden />
    </Button>
  );
}

/** In a word: whether a connection can be used, or what it needs first. */
function useReadiness(connection: Connection): string {
  const { t } = useTranslation();
  if (connection.problem == null) return t("connections.ready");
  if (isRemote(connection.kind) && connection.address === "") return t("connections.needsAddress");
  if (connection.needs_key && !connection.has_key) return t("connections.needsKey");
  return t("connections.incomplete");
}

function RemoveConnection({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const name = useConnectionName()(connection);
  const remove = useMutation({
    mutationFn: () => take(api.DELETE("/api/settings/providers/{id}", { params: { path: { id: connection.id } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.connections });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("connections.removeTitle", { name })}
      text={t("connections.removeText")}
      action={t("connections.removeAction")}
      busy={remove.isPending}
      problem={remove.error}
      onConfirm={() => remove.mutate()}
    />
  );
}
