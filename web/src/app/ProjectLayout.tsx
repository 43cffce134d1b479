import { useParams, Link, Outlet } from "react-router";
import { useTranslation } from "react-i18next";
import { useProject } from "../shared/api/queries";
import { ProblemNote } from "../shared/ui/ProblemNote";
import { Skeleton } from "../shared/ui/States";
import { Stepper } from "./Stepper";

/** A project: its name, its steps, and the page that the address names. */
export function ProjectLayout() {
  const { t } = useTranslation();
  const { projectId = "" } = useParams();
  const project = useProject(projectId);
  if (project.isPending) return <Skeleton rows={4} />;
  if (!project.data) return <ProblemNote problem={project.error} onRetry={() => void project.refetch()} />;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-5 lg:grid-cols-[13.5rem_minmax(0,1fr)] lg:gap-8">
      <aside className="min-w-0 lg:sticky lg:top-20 lg:max-h-[calc(100dvh-6rem)] lg:self-start lg:overflow-y-auto lg:py-1">
        <p className="mb-2 truncate px-1 text-sm">
          <Link to="/projects" className="text-soft underline-offset-2 hover:underline">
            {t("app.projects")}
          </Link>
          <span aria-hidden className="px-1.5 text-soft">
            /
          </span>
          <span className="font-semibold" title={project.data.name}>
            {project.data.name}
          </span>
        </p>
        <Stepper project={project.data} />
      </aside>
      <div className="min-w-0">
        <Outlet context={project.data} />
      </div>
    </div>
  );
}
