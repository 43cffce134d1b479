import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ListTodo } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Writing } from "../../shared/api/types";
import { isActive } from "../../shared/jobs/useNewestJob";
import { useFormat } from "../../shared/lib/format";
import { PassageDialog } from "../../shared/passages/PassageDialog";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Select } from "../../shared/ui/Field";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";

const PER_PAGE = 25;
const REFRESH_MS = 2000;
const STATUSES = ["quarantined", "done", "pending"] as const;

/** What became of each passage of the newest writing: first of all those that were set aside, and why. */
export function Units({ projectId, work }: { projectId: string; work: Writing | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [search, setSearch] = useSearchParams();
  const [shown, setShown] = useState<string | null>(null);
  const status = STATUSES.find((known) => known === search.get("status")) ?? "quarantined";
  const page = Math.max(1, Number(search.get("page")) || 1);
  const go = (change: Record<string, string>) => setSearch({ view: "units", status, ...change }, { replace: true });
  const query = { job_id: work?.units_of ?? "", status, page, per_page: PER_PAGE };
  const units = useQuery({
    queryKey: [...keys.writing(projectId), "units", query],
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/dataset/units", { params: { path: { project_id: projectId }, query }, signal })),
    enabled: work !== null,
    placeholderData: keepPreviousData,
    refetchInterval: work && isActive(work.job) ? REFRESH_MS : false,
  });
  if (work === null) return <EmptyState icon={ListTodo} title={t("writing.nothingWritten")} text={t("writing.nothingWrittenText")} />;
  return (
    <Section
      title={t("writing.unitsTitle")}
      text={t("writing.unitsText")}
      actions={
        <Select aria-label={t("writing.unitsFilter")} className="h-9 w-auto" value={status} onChange={(event) => go({ status: event.target.value, page: "1" })}>
          {STATUSES.map((known) => (
            <option key={known} value={known}>
              {t(`writing.unitStatus.${known}`)} ({format.number(work[known])})
            </option>
          ))}
        </Select>
      }
    >
      {units.isPending && <Skeleton rows={3} />}
      {units.isError && <ProblemNote problem={units.error} onRetry={() => void units.refetch()} />}
      {units.data?.total === 0 && <p className="text-sm text-soft">{t(`writing.unitsEmpty.${status}`)}</p>}
      {units.data && (
        <>
          <ul className="divide-y divide-line">
            {units.data.items.map((unit) => (
              <li key={unit.ordinal} data-unit={unit.status} className="flex flex-wrap items-start gap-x-4 gap-y-1 py-2.5 text-sm first:pt-0">
                <span className="w-28 shrink-0 font-medium">{t("writing.unit", { number: format.number(unit.ordinal + 1) })}</span>
                <span className="min-w-0 flex-1 basis-60 wrap-anywhere">
                  {unit.reason ? <span lang="en">{unit.reason}</span> : unit.status === "done" && t("writing.unitExamples", { count: unit.examples })}
                </span>
                {unit.chunk_id ? (
                  <Button look="quiet" size="small" onClick={() => setShown(unit.chunk_id ?? null)}>
                    {t("writing.showPassage")}
                  </Button>
                ) : (
                  <span className="text-xs text-soft">{t("writing.unitGone")}</span>
                )}
              </li>
            ))}
          </ul>
          <Pager page={page} perPage={PER_PAGE} total={units.data.total} onPage={(next) => go({ page: String(next) })} />
        </>
      )}
      {shown && <PassageDialog projectId={projectId} chunkId={shown} onClose={() => setShown(null)} />}
    </Section>
  );
}
