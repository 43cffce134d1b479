import { ArrowRight, CircleCheck, Pencil, Trash2, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Project } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { nextStep, STEP_IDS } from "../../shared/lib/steps";
import { RUN_TONES } from "../../shared/runs/useRuns";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { ProgressBar } from "../../shared/ui/ProgressBar";

/** A project: where the person stands in it, its model, and its last training. */
export function ProjectCard({ project, onEdit, onDelete }: { project: Project; onEdit: () => void; onDelete: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const run = project.last_run ?? null;
  return (
    <li data-project={project.id} className="relative flex flex-col rounded-xl border border-line bg-surface p-4 transition-colors hover:border-strong-line">
      <div className="flex items-start gap-2">
        <h2 className="min-w-0 flex-1 text-base font-semibold">
          {/* The link covers the card; the buttons lie above it. */}
          <Link to={`/projects/${project.id}`} className="wrap-anywhere after:absolute after:inset-0 after:rounded-xl">
            {project.name}
          </Link>
        </h2>
        <div className="relative -mt-1 -mr-1 flex">
          <Button look="quiet" size="icon" aria-label={t("projects.edit", { name: project.name })} onClick={onEdit}>
            <Pencil aria-hidden />
          </Button>
          <Button look="quiet" size="icon" aria-label={t("projects.remove", { name: project.name })} onClick={onDelete}>
            <Trash2 aria-hidden />
          </Button>
        </div>
      </div>
      {project.description && <p className="mt-1 line-clamp-2 text-sm wrap-anywhere text-soft">{project.description}</p>}
      <div className="mt-4 min-h-12">
        <Standing project={project} />
      </div>
      <dl className="mt-4 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 border-t border-line pt-3 text-sm">
        <dt className="text-soft">{t("dashboard.model")}</dt>
        <dd className="truncate" title={project.model_id}>
          {project.model_id}
        </dd>
        <dt className="text-soft">{t("dashboard.lastRun")}</dt>
        <dd className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {run ? (
            <>
              <Badge tone={RUN_TONES[run.status]}>{t(`train.status.${run.status}`)}</Badge>
              {run.loss != null && <span className="tabular-nums">{t("dashboard.loss", { loss: format.fixed(run.loss, 3) })}</span>}
              <span className="text-xs text-soft">{format.dateTime(run.updated_at)}</span>
            </>
          ) : (
            <span className="text-soft">{t("dashboard.noRun")}</span>
          )}
        </dd>
      </dl>
      <p className="mt-auto pt-3 text-xs text-soft">
        {[t("projects.documents", { count: project.counts.documents }), t("projects.examples", { count: project.counts.examples }), t("projects.runs", { count: project.counts.runs })].join(" · ")}
      </p>
    </li>
  );
}

/** The job at work, else what needs a look, else the step to go on with. */
function Standing({ project }: { project: Project }) {
  const { t } = useTranslation();
  const job = project.active_job ?? null;
  if (job) {
    const kind = t(`jobs.kinds.${job.kind}` as never) as string;
    return (
      <div>
        <p className="mb-2 text-sm font-medium">{kind}</p>
        <ProgressBar fraction={job.status === "queued" ? 0 : (job.progress?.fraction ?? null)} label={kind} />
      </div>
    );
  }
  const done = project.steps.filter((step) => step.state === "done").length;
  const attention = project.steps.find((step) => step.state === "attention");
  const next = nextStep(project.steps);
  return (
    <div>
      {attention ? (
        <p className="flex items-center gap-2 text-sm font-medium text-warn">
          <TriangleAlert className="size-4 shrink-0" aria-hidden />
          {t("dashboard.attention", { step: t(`steps.${attention.id}`) })}
        </p>
      ) : next ? (
        <p className="flex items-center gap-2 text-sm font-medium text-accent-strong">
          <ArrowRight className="size-4 shrink-0" aria-hidden />
          {t("dashboard.next", { step: t(`steps.${next}`) })}
        </p>
      ) : (
        <p className="flex items-center gap-2 text-sm font-medium text-good">
          <CircleCheck className="size-4 shrink-0" aria-hidden />
          {t("dashboard.allDone")}
        </p>
      )}
      <ProgressBar className="mt-2 h-1.5" fraction={done / STEP_IDS.length} label={t("dashboard.progress", { done, total: STEP_IDS.length })} />
    </div>
  );
}
