import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Project, TrainingPlan, WayPlan } from "../../shared/api/types";
import { useStepChoices } from "../../shared/api/useStepChoices";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";
import { PART_COLOURS, PARTS, planRequest, settingsOf, smallerSettings } from "./planRequest";

/** What the training takes of the memory, for each way of training, and what to change where it does not fit. */
export function Plan({ project }: { project: Project }) {
  const { t } = useTranslation();
  const format = useFormat();
  const train = useStepChoices<Record<string, unknown>>(project.id, "train");
  const settings = planRequest(train.value);
  const plan = useQuery({
    queryKey: [...keys.project(project.id), "plan", project.model_id, settings],
    queryFn: ({ signal }) =>
      take(api.POST("/api/projects/{project_id}/hardware/plan", { params: { path: { project_id: project.id } }, body: settings, signal })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const chosen = plan.data?.ways.find((way) => way.chosen) ?? null;
  return (
    <Section
      title={t("hardware.plan")}
      text={
        plan.data &&
        t("hardware.planText", { rows: plan.data.micro_batch_size, length: format.number(plan.data.max_seq_len), model: plan.data.model_id })
      }
    >
      {plan.isPending && <Skeleton rows={4} />}
      {plan.isError && <ProblemNote problem={plan.error} onRetry={() => void plan.refetch()} />}
      {train.problem != null && <ProblemNote problem={train.problem} onRetry={train.retry} className="mb-4" />}
      {plan.data && (
        <div className={cn("space-y-5", plan.isPlaceholderData && "opacity-60")}>
          {chosen && !chosen.fits && <Advice projectId={project.id} plan={plan.data} chosen={chosen} onApply={train.update} />}
          <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft" aria-label={t("hardware.legend")}>
            {PARTS.map((part) => (
              <li key={part} className="flex items-center gap-1.5">
                <span aria-hidden className={cn("size-3 rounded-sm", PART_COLOURS[part])} />
                {t(`hardware.parts.${part}`)}
              </li>
            ))}
          </ul>
          <ul className="space-y-4">
            {plan.data.ways.map((way) => (
              <Way key={way.id} way={way} plan={plan.data} onApply={train.update} />
            ))}
          </ul>
          <p className="text-xs text-soft">
            {plan.data.available_bytes == null
              ? t("hub.memoryTextUnknown")
              : t("hardware.available", { free: format.bytes(plan.data.available_bytes), total: format.bytes(plan.data.total_bytes ?? plan.data.available_bytes) })}
          </p>
        </div>
      )}
    </Section>
  );
}

type Apply = (settings: Record<string, unknown>) => void;

/** One way of training as a stacked bar against what is free. */
function Way({ way, plan, onApply }: { way: WayPlan; plan: TrainingPlan; onApply: Apply }) {
  const { t } = useTranslation();
  const format = useFormat();
  const free = plan.available_bytes ?? null;
  const largest = Math.max(...plan.ways.map((one) => one.required_bytes));
  // Where far more is free than anything takes, the parts would vanish against it.
  const most = Math.max(largest, Math.min(free ?? 0, largest * 1.5));
  // The rest of the bar stands for what is free only where that is in sight.
  const isNear = free !== null && free <= most;
  const share = (bytes: number) => `${(bytes / most) * 100}%`;
  const name = t(`hub.methods.${way.id}` as never) as string;
  const parts = PARTS.filter((part) => way.parts[part] > 0);
  const action = way.smaller
    ? t("hardware.takeSmaller", { rows: way.smaller.micro_batch_size, length: format.number(way.smaller.max_seq_len) })
    : t("hardware.take");
  return (
    <li data-way={way.id} data-fits={way.fits} className={cn("rounded-lg border p-3", way.chosen ? "border-accent" : "border-line")}>
      <div className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="text-sm font-medium">{name}</span>
        {way.chosen && <Badge tone="accent">{t("hardware.chosen")}</Badge>}
        <Badge tone={way.fits ? "good" : "bad"}>{way.fits ? t("hub.fits") : t("hub.fitsNot")}</Badge>
        <span className="ml-auto text-sm text-soft tabular-nums">
          {format.bytes(way.required_bytes)}
          {free !== null && free > 0 && ` · ${t("hardware.share", { share: format.percent(way.required_bytes / free, way.required_bytes < free / 100 ? 1 : 0) })}`}
        </span>
      </div>
      <p className="mb-2 text-xs text-soft">{t(`hardware.ways.${way.id}` as never)}</p>
      <div aria-hidden className="relative">
        <div className={cn("flex h-4 w-full overflow-hidden rounded", isNear && "bg-sunken")}>
          {parts.map((part) => (
            <div key={part} title={`${t(`hardware.parts.${part}`)}: ${format.bytes(way.parts[part])}`} className={cn("h-full shrink-0 border-r border-surface last:border-0", PART_COLOURS[part])} style={{ width: share(way.parts[part]) }} />
          ))}
        </div>
        {isNear && <div className="absolute -inset-y-1 w-0.5 bg-ink" style={{ left: share(free ?? 0) }} />}
      </div>
      <dl className={cn("mt-2 flex flex-wrap gap-x-4 gap-y-0.5 text-xs text-soft", !way.chosen && "sr-only")}>
        {parts.map((part) => (
          <div key={part} className="flex gap-1">
            <dt>{t(`hardware.parts.${part}`)}</dt>
            <dd className="font-medium text-ink tabular-nums">{format.bytes(way.parts[part])}</dd>
          </div>
        ))}
      </dl>
      {!way.chosen && (way.fits || way.smaller) && (
        <Button size="small" className="mt-2" aria-label={t("hardware.takeOf", { action, way: name })} onClick={() => onApply(way.fits ? settingsOf(way.id) : smallerSettings(way))}>
          {action}
        </Button>
      )}
    </li>
  );
}

/** What to change so that the chosen way fits, each as a button that does it. */
function Advice(props: { projectId: string; plan: TrainingPlan; chosen: WayPlan; onApply: Apply }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { chosen, plan } = props;
  const short = chosen.required_bytes - (plan.available_bytes ?? 0);
  const others = plan.ways.filter((way) => way.fits && !way.chosen && way.id !== "full");
  const nothing = !chosen.smaller && others.length === 0;
  return (
    <WarnNote title={t("hardware.shortTitle")}>
      <p className="mt-1">{t("hardware.shortText", { missing: format.bytes(short) })}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        {chosen.smaller && (
          <Button look="primary" size="small" onClick={() => props.onApply(smallerSettings(chosen))}>
            {t("hardware.smaller", { rows: chosen.smaller.micro_batch_size, length: format.number(chosen.smaller.max_seq_len) })}
          </Button>
        )}
        {others.map((way) => (
          <Button key={way.id} size="small" onClick={() => props.onApply(settingsOf(way.id))}>
            {t("hardware.other", { way: t(`hub.methods.${way.id}` as never) as string })}
          </Button>
        ))}
        <Button asChild size="small" look={nothing ? "primary" : "plain"}>
          <Link to={`/projects/${props.projectId}/model`}>{t("hardware.otherModel")}</Link>
        </Button>
      </div>
      {nothing && <p className="mt-2 text-sm">{t("hardware.nothingFits")}</p>}
    </WarnNote>
  );
}
