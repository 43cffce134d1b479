import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { Connection, Project, Writing } from "../../shared/api/types";
import { useConnectionName } from "../../shared/connections/useKindLabel";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { isActive } from "../../shared/jobs/useNewestJob";
import { useFormat } from "../../shared/lib/format";
import { parseNumber } from "../../shared/lib/numbers";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { NumberField } from "../../shared/ui/NumberField";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { DoneNote, WarnNote } from "../../shared/ui/States";
import { OtherWays } from "./TooSmall";
import type { useWriting } from "./useWriting";
import { type BudgetField, checkBudget } from "./writeForm";

/** The newest writing: how far it is, what it took, and the way to pause it or to go on. */
export function Work(props: { project: Project; writing: ReturnType<typeof useWriting>; work: Writing; connections: Connection[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { project, writing, work } = props;
  const isAtWork = isActive(work.job);
  const path = { project_id: project.id };
  const pause = useMutation({
    mutationFn: () => take(api.POST("/api/projects/{project_id}/dataset/write/pause", { params: { path } })),
    onSuccess: async (job) => {
      writing.job.follow(job);
      await refreshProject(client, project.id);
    },
  });
  const total = work.done + work.quarantined + work.pending;
  const ended = work.done + work.quarantined;
  const isPausing = work.job.cancel_requested || pause.isPending;
  return (
    <Section
      title={isAtWork ? t("writing.working") : t("writing.workTitle")}
      text={<Asked work={work} connections={props.connections} />}
      actions={
        isAtWork && (
          <Button size="small" busy={isPausing} onClick={() => pause.mutate()}>
            {!isPausing && <Pause aria-hidden />}
            {isPausing ? t("writing.pausing") : t("writing.pause")}
          </Button>
        )
      }
    >
      <div data-writing={work.job.status} className="space-y-4">
        {isAtWork && (
          <div>
            <ProgressBar fraction={total > 0 ? ended / total : null} label={t("writing.working")} />
            <p className="mt-1 flex justify-between gap-3 text-xs text-soft tabular-nums">
              <span>{work.job.status === "queued" && t("writing.waitingStart")}</span>
              {total > 0 && <span>{t("common.of", { done: format.number(ended), total: format.number(total) })}</span>}
            </p>
            {writing.job.connection === "lost" && (
              <p role="status" className="text-xs text-warn">
                {t("common.reconnecting")}
              </p>
            )}
          </div>
        )}
        <Counts work={work} />
        {pause.isError && <ProblemNote problem={pause.error} />}
        {!isAtWork && <Ended {...props} />}
      </div>
    </Section>
  );
}

function Asked({ work, connections }: { work: Writing; connections: Connection[] }) {
  const { t, i18n } = useTranslation();
  const nameOf = useConnectionName();
  const { request } = work;
  const connection = connections.find((one) => one.id === request.connection);
  const key = `writing.tasks.${request.task}`;
  const values = {
    model: request.model ?? "",
    connection: connection ? nameOf(connection) : (request.connection ?? ""),
    task: i18n.exists(key) ? t(key as never) : (request.task ?? ""),
    language: request.language ?? "",
  };
  return <span className="wrap-anywhere">{t("writing.by", values)}</span>;
}

function Counts({ work }: { work: Writing }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    ["done", format.number(work.done)],
    ["quarantined", format.number(work.quarantined)],
    ["pending", format.number(work.pending)],
    ["calls", format.number(work.calls)],
    ["tokens", format.number(work.prompt_tokens + work.completion_tokens)],
    ["sent", format.bytes(work.sent_bytes)],
  ] as const;
  return (
    <dl className="grid grid-cols-2 gap-2 sm:grid-cols-3 xl:grid-cols-6">
      {facts.map(([id, value]) => (
        <div key={id} className="rounded-lg bg-sunken px-3 py-2">
          <dt className="text-xs text-soft">{t(`writing.counts.${id}`)}</dt>
          <dd data-count={id} className="font-semibold tabular-nums">
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Why it ended, and the way on. */
function Ended(props: Parameters<typeof Work>[0]) {
  const { t } = useTranslation();
  const { work, project } = props;
  const left = t("writing.pausedText", { count: work.pending });
  const isFailed = work.job.status === "failed";
  return (
    <>
      <JobProblem job={work.job} />
      {work.pending > 0 && !isFailed && (
        <WarnNote title={work.stopped ? t("writing.bounded") : t("writing.paused")}>
          {work.stopped && <p lang="en">{work.stopped}</p>}
          <p>{left}</p>
        </WarnNote>
      )}
      {work.pending > 0 && isFailed && <p className="text-sm">{left}</p>}
      {work.pending === 0 && work.job.status === "completed" && <Finished {...props} />}
      {work.pending > 0 && <GoOn key={work.job.id} {...props} />}
      {work.done > 0 && (
        <Button asChild look={work.pending > 0 ? "plain" : "primary"}>
          <Link to={`/projects/${project.id}/review?status=pending`}>{t("writing.toExamples")}</Link>
        </Button>
      )}
    </>
  );
}

/** Nothing is left: everything was written, a part of it, or nothing at all. */
function Finished({ work, project }: Parameters<typeof Work>[0]) {
  const { t } = useTranslation();
  const format = useFormat();
  if (work.quarantined === 0) return <DoneNote>{t("writing.finished")}</DoneNote>;
  const count = { count: work.quarantined, aside: format.number(work.quarantined), total: format.number(work.done + work.quarantined) };
  const why = (
    <Link className="text-accent-strong underline" to="?view=units">
      {t("writing.seeWhy")}
    </Link>
  );
  if (work.done > 0) {
    return (
      <WarnNote title={t("writing.finished")}>
        {t("writing.someAside", count)} {why}
      </WarnNote>
    );
  }
  return (
    <WarnNote title={t("writing.noneUsable")}>
      <p>
        {t("writing.noneUsableText")} {why}
      </p>
      <OtherWays projectId={project.id} />
    </WarnNote>
  );
}

/** Goes on with what is left, under bounds that a person may change. */
function GoOn({ project, writing, work }: Parameters<typeof Work>[0]) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const text = (value: number | null | undefined) => (value == null ? "" : String(value));
  const [bounds, setBounds] = useState<Record<BudgetField, string>>({
    // A bound that is reached already would stop the work at once.
    max_calls: work.stopped ? "" : text(work.request.max_calls),
    max_total_tokens: work.stopped ? "" : text(work.request.max_total_tokens),
  });
  const faults = checkBudget(bounds);
  const resume = useMutation({
    mutationFn: () => {
      const body = { max_calls: parseNumber(bounds.max_calls), max_total_tokens: parseNumber(bounds.max_total_tokens) };
      return take(api.POST("/api/projects/{project_id}/dataset/write/resume", { params: { path: { project_id: project.id } }, body }));
    },
    onSuccess: async (started) => {
      writing.job.follow(started.job);
      await refreshProject(client, project.id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(faults).length === 0) resume.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="space-y-3">
      <div className="grid max-w-xl gap-3 sm:grid-cols-2">
        <NumberField
          label={t("writing.maxCalls")}
          placeholder={t("writing.noBound")}
          fault={faults.max_calls}
          value={bounds.max_calls}
          onChange={(max_calls) => setBounds({ ...bounds, max_calls })}
        />
        <NumberField
          label={t("writing.maxTokens")}
          placeholder={t("writing.noBound")}
          fault={faults.max_total_tokens}
          value={bounds.max_total_tokens}
          onChange={(max_total_tokens) => setBounds({ ...bounds, max_total_tokens })}
        />
      </div>
      {resume.isError && <ProblemNote problem={resume.error} />}
      <Button type="submit" look="primary" busy={resume.isPending}>
        <Play aria-hidden />
        {t("writing.goOn")}
      </Button>
      <p className="text-xs text-soft">{t("writing.goOnNew")}</p>
    </form>
  );
}
