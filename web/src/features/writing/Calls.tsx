import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Call } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { Section } from "../../shared/ui/Card";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";

const PER_PAGE = 25;
const REFRESH_MS = 2000;
const STATUSES = ["sent", "replied", "failed"] as const;
const TONES: Record<(typeof STATUSES)[number], Tone> = { sent: "neutral", replied: "good", failed: "bad" };

/** Everything that was sent to a language model for this project. */
export function Calls({ projectId, isWorking }: { projectId: string; isWorking: boolean }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const page = Math.max(1, Number(search.get("page")) || 1);
  const query = { page, per_page: PER_PAGE };
  const calls = useQuery({
    queryKey: [...keys.writing(projectId), "calls", query],
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/dataset/calls", { params: { path: { project_id: projectId }, query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: isWorking ? REFRESH_MS : false,
  });
  if (calls.data?.total === 0) return <EmptyState icon={Send} title={t("writing.callsEmpty")} text={t("writing.callsEmptyText")} />;
  return (
    <Section title={t("writing.callsTitle")} text={t("writing.callsText")}>
      {calls.isPending && <Skeleton rows={4} />}
      {calls.isError && <ProblemNote problem={calls.error} onRetry={() => void calls.refetch()} />}
      {calls.data && (
        <>
          <ul className="divide-y divide-line">
            {calls.data.items.map((call) => (
              <CallRow key={call.id} call={call} />
            ))}
          </ul>
          <Pager page={page} perPage={PER_PAGE} total={calls.data.total} onPage={(next) => setSearch({ view: "calls", page: String(next) })} />
        </>
      )}
    </Section>
  );
}

function CallRow({ call }: { call: Call }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const status = STATUSES.find((known) => known === call.status) ?? "sent";
  const key = `writing.call.purposes.${call.purpose}`;
  const count = (tokens: number | null | undefined) => (tokens == null ? "?" : format.number(tokens));
  const facts = [
    t("writing.call.bytes", { bytes: format.bytes(call.sent_bytes) }),
    (call.prompt_tokens ?? call.completion_tokens) != null &&
      t("writing.call.tokens", { prompt: count(call.prompt_tokens), completion: count(call.completion_tokens) }),
    status !== "sent" && format.milliseconds(call.duration_ms),
  ].filter(Boolean);
  return (
    <li data-call={call.status} className="py-2.5 text-sm first:pt-0">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-1">
        <div className="min-w-0 flex-1 basis-72">
          <p className="wrap-anywhere">
            <span className="font-medium">{i18n.exists(key) ? t(key as never) : call.purpose}</span> · {call.model} · {call.connection}
          </p>
          <p className="text-xs wrap-anywhere text-soft">
            {format.dateTime(call.created_at)} · {call.address}
          </p>
        </div>
        <p className="text-xs text-soft tabular-nums">{facts.join(" · ")}</p>
        <Badge tone={TONES[status]}>{t(`writing.call.${status}`)}</Badge>
      </div>
      {call.error && (
        <p lang="en" className="mt-1 wrap-anywhere text-bad">
          {call.error}
        </p>
      )}
      {call.reply && (
        <details className="mt-1">
          <summary className="text-xs text-accent-strong">{t("writing.call.reply")}</summary>
          <pre className="mt-1 max-h-72 overflow-auto rounded-lg bg-sunken p-3 text-xs wrap-anywhere whitespace-pre-wrap">{call.reply}</pre>
        </details>
      )}
    </li>
  );
}
