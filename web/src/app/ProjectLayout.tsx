import { ChartNoAxesCombined, Check, FileText, GraduationCap, ListTodo, MessagesSquare, PackageOpen } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useLocation, useParams } from "react-router";
import { useProject } from "../shared/api/queries";
import type { Project } from "../shared/api/types";
import { cn } from "../shared/lib/cn";
import { useRuns } from "../shared/runs/useRuns";
import { ProblemNote } from "../shared/ui/ProblemNote";
import { Skeleton } from "../shared/ui/States";

const STEPS = [
  { id: "documents", icon: FileText },
  { id: "examples", icon: ListTodo },
  { id: "train", icon: GraduationCap },
  { id: "results", icon: ChartNoAxesCombined },
  { id: "chat", icon: MessagesSquare },
  { id: "export", icon: PackageOpen },
] as const;

type StepId = (typeof STEPS)[number]["id"];

/** A project: its name, its steps, and the step that the address names. */
export function ProjectLayout() {
  const { projectId = "" } = useParams();
  const project = useProject(projectId);
  if (project.isPending) return <Skeleton rows={4} />;
  if (project.isError) return <ProblemNote problem={project.error} onRetry={() => void project.refetch()} />;
  return <Steps project={project.data} />;
}

function Steps({ project }: { project: Project }) {
  const { t } = useTranslation();
  const runs = useRuns(project.id);
  const bar = useShownStep();
  const trained = runs.data?.items.some((run) => run.has_adapter) ?? false;
  const done: Record<StepId, boolean> = {
    documents: project.counts.files > 0,
    examples: project.counts.approved > 0,
    train: trained,
    results: false,
    chat: false,
    export: false,
  };
  return (
    <div className="grid gap-6 lg:grid-cols-[13.5rem_minmax(0,1fr)] lg:gap-8">
      <aside className="min-w-0 lg:sticky lg:top-22 lg:self-start">
        <p className="mb-2 truncate text-sm">
          <Link to="/projects" className="text-soft underline-offset-2 hover:underline">
            {t("app.projects")}
          </Link>
          <span aria-hidden className="px-1.5 text-soft">
            /
          </span>
          <span className="font-semibold" title={project.name}>
            {project.name}
          </span>
        </p>
        <nav ref={bar} aria-label={t("steps.label")} className="relative -mx-3 overflow-x-auto px-3 sm:mx-0 sm:px-0">
          <ol className="flex gap-1 pb-1 lg:flex-col">
            {STEPS.map((step, index) => {
              const Icon = step.icon;
              return (
                <li key={step.id} className="shrink-0">
                  <NavLink
                    to={`/projects/${project.id}/${step.id}`}
                    className={({ isActive }) =>
                      cn(
                        "flex h-10 items-center gap-2.5 rounded-lg px-3 text-sm font-medium",
                        isActive ? "bg-accent-soft text-accent-strong" : "text-soft hover:bg-sunken hover:text-ink",
                      )
                    }
                  >
                    <Icon className="size-4 shrink-0" aria-hidden />
                    <span>
                      <span className="max-lg:sr-only">{index + 1}. </span>
                      {t(`steps.${step.id}`)}
                    </span>
                    {done[step.id] && (
                      <>
                        <Check className="size-4 shrink-0 text-good lg:ml-auto" aria-hidden />
                        <span className="sr-only">({t("steps.done")})</span>
                      </>
                    )}
                  </NavLink>
                </li>
              );
            })}
          </ol>
        </nav>
      </aside>
      <div className="min-w-0">
        <Outlet context={project} />
      </div>
    </div>
  );
}

/** Narrow screens show a part of the steps: the one that is open is brought into it. */
function useShownStep() {
  const { pathname } = useLocation();
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    const step = bar.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (bar.current && step) bar.current.scrollLeft = step.offsetLeft - (bar.current.clientWidth - step.offsetWidth) / 2;
  }, [pathname]);
  return bar;
}
