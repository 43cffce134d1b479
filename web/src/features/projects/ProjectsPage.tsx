import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Project } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Input } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { DeleteProject } from "./DeleteProject";
import { FirstProject } from "./FirstProject";
import { ProjectCard } from "./ProjectCard";
import { ProjectDialog } from "./ProjectDialog";

const PER_PAGE = 24;
/** While a job of a project is at work. */
const REFRESH_MS = 3000;

export function ProjectsPage() {
  const { t } = useTranslation();
  const [query, setQuery] = useState("");
  const q = useDeferredValue(query.trim());
  const [page, setPage] = useState(1);
  const [creating, setCreating] = useState(false);
  const [edited, setEdited] = useState<Project | null>(null);
  const [deleted, setDeleted] = useState<Project | null>(null);
  const projects = useQuery({
    queryKey: [...keys.projects, { q, page }],
    queryFn: ({ signal }) => {
      const filter = { page, per_page: PER_PAGE, ...(q ? { q } : {}) };
      return take(api.GET("/api/projects", { params: { query: filter }, signal }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: (current) => (current.state.data?.items.some((project) => project.active_job) ? REFRESH_MS : false),
  });
  const isEmpty = projects.data?.total === 0 && q === "";
  return (
    <>
      <PageHeader
        title={t("projects.title")}
        intro={t("projects.intro")}
        actions={
          !isEmpty && (
            <Button look="primary" onClick={() => setCreating(true)}>
              <Plus aria-hidden />
              {t("projects.new")}
            </Button>
          )
        }
      />
      {(q !== "" || (projects.data?.total ?? 0) > 3) && (
        <Input
          type="search"
          className="mb-5 max-w-sm"
          aria-label={t("projects.search")}
          placeholder={t("projects.search")}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setPage(1);
          }}
        />
      )}
      {projects.isPending && <Skeleton rows={3} />}
      {projects.isError && <ProblemNote problem={projects.error} onRetry={() => void projects.refetch()} />}
      {isEmpty && <FirstProject onStart={() => setCreating(true)} />}
      {projects.data?.total === 0 && q !== "" && <p className="text-soft">{t("projects.noMatch", { query: q })}</p>}
      {projects.data && projects.data.items.length > 0 && (
        <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
          {projects.data.items.map((project) => (
            <ProjectCard
              key={project.id}
              project={project}
              onEdit={() => setEdited(project)}
              onDelete={() => setDeleted(project)}
            />
          ))}
        </ul>
      )}
      {projects.data && <Pager page={page} perPage={PER_PAGE} total={projects.data.total} onPage={setPage} />}
      {creating && <ProjectDialog project={null} onClose={() => setCreating(false)} />}
      {edited && <ProjectDialog project={edited} onClose={() => setEdited(null)} />}
      {deleted && <DeleteProject project={deleted} onClose={() => setDeleted(null)} />}
    </>
  );
}
