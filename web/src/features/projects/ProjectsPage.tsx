import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { FileText, FolderPlus, GraduationCap, ListTodo, Pencil, Plus, Trash2 } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Project } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Input } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { DeleteProject } from "./DeleteProject";
import { ProjectDialog } from "./ProjectDialog";

const PER_PAGE = 24;

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
  });
  const isEmpty = projects.data?.total === 0 && q === "";
  const createButton = (
    <Button look="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      {t("projects.new")}
    </Button>
  );

  return (
    <>
      <PageHeader title={t("projects.title")} intro={t("projects.intro")} actions={!isEmpty && createButton} />
      {(q !== "" || (projects.data?.total ?? 0) > 6) && (
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
      {isEmpty && (
        <EmptyState icon={FolderPlus} title={t("projects.emptyTitle")} text={t("projects.emptyText")}>
          {createButton}
        </EmptyState>
      )}
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

function ProjectCard({ project, onEdit, onDelete }: { project: Project; onEdit: () => void; onDelete: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { counts } = project;
  return (
    <li className="relative flex flex-col rounded-xl border border-line bg-surface p-4 transition-colors hover:border-strong-line">
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
      <ul className="mt-4 flex flex-wrap gap-x-4 gap-y-1 text-sm text-soft [&_svg]:size-3.5">
        <li className="flex items-center gap-1.5">
          <FileText aria-hidden />
          {t("projects.documents", { count: counts.files })}
        </li>
        <li className="flex items-center gap-1.5">
          <ListTodo aria-hidden />
          {t("projects.examples", { count: counts.examples })}
        </li>
        <li className="flex items-center gap-1.5">
          <GraduationCap aria-hidden />
          {t("projects.runs", { count: counts.runs })}
        </li>
      </ul>
      <p className="mt-auto pt-3 text-xs text-soft">{t("projects.created", { date: format.dateTime(project.created_at) })}</p>
    </li>
  );
}
