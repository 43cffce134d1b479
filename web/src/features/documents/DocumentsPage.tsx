import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys, refreshProject, useSettings } from "../../shared/api/queries";
import type { FileEntry } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { ImportDialog } from "../../shared/imports/ImportDialog";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import { PageHeader } from "../../shared/ui/Page";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { DropZone } from "./DropZone";
import { FileRow } from "./FileRow";
import { TextPanel } from "./TextPanel";
import { UploadList } from "./UploadList";
import { type Limits, type Upload, uploads, useUploads } from "./uploads";

const PER_PAGE = 50;

export function DocumentsPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const project = useOpenProject();
  const settings = useSettings();
  const list = useUploads(project.id);
  const [page, setPage] = useState(1);
  const [search, setSearch] = useSearchParams();
  const navigate = useNavigate();
  const files = useQuery({
    queryKey: [...keys.files(project.id), { kind: "raw_doc", page }],
    queryFn: ({ signal }) => {
      const query = { kind: "raw_doc" as const, page, per_page: PER_PAGE };
      const path = { project_id: project.id };
      return take(api.GET("/api/projects/{project_id}/files", { params: { path, query }, signal }));
    },
  });
  const job = useProjectJob(project.id, "chunk_documents");
  const read = useMutation({
    mutationFn: (fileIds: string[] | null) => {
      const path = { project_id: project.id };
      const body = fileIds ? { file_ids: fileIds } : {};
      return take(api.POST("/api/projects/{project_id}/chunks/generate", { params: { path }, body }));
    },
    onSuccess: (started) => job.follow(started.job),
  });
  const ocr = useProjectJob(project.id, "document_ocr");
  const recognise = useMutation({
    mutationFn: ({ fileId, languages }: { fileId: string; languages: string[] }) => {
      const path = { project_id: project.id, file_id: fileId };
      const body = { languages };
      return take(api.POST("/api/projects/{project_id}/files/{file_id}/ocr", { params: { path }, body }));
    },
    onSuccess: (started) => ocr.follow(started.job),
  });
  const limits: Limits | null = settings.data
    ? {
        maxBytes: settings.data.limits.max_upload_bytes,
        extensions: settings.data.options.document_extensions,
        datasetExtensions: settings.data.options.dataset_extensions,
      }
    : null;
  /** A file whose rows are to be taken in as examples. */
  const [imported, setImported] = useState<{ id: number; file: File } | null>(null);

  const added = async (sent: Promise<FileEntry[]>) => {
    const fresh = await sent;
    await refreshProject(client, project.id);
    if (fresh.length > 0) read.mutate(fresh.map((file) => file.id));
  };
  const importFile = (upload: Upload) => {
    const file = uploads.fileOf(upload.id);
    if (file) setImported({ id: upload.id, file });
  };
  const items = files.data?.items ?? [];
  const shown = items.find((file) => file.id === search.get("file")) ?? null;
  const unread = items.some((file) => file.status === "stored");

  return (
    <>
      <PageHeader title={t("documents.title")} intro={t("documents.intro")} windowTitle={project.name} />
      {settings.isError && <ProblemNote problem={settings.error} onRetry={() => void settings.refetch()} className="mb-3" />}
      <DropZone limits={limits} onFiles={(chosen) => limits && void added(uploads.add(project.id, chosen, limits))} />
      {limits && (
        <UploadList
          projectId={project.id}
          list={list}
          limits={limits}
          onSend={(id) => void added(uploads.resend(project.id, id))}
          onImport={importFile}
        />
      )}
      {read.isError && <ProblemNote problem={read.error} className="mt-3" />}
      <Section
        className="mt-6"
        title={t("documents.listTitle")}
        actions={
          items.length > 0 &&
          !job.active && (
            <Button size="small" busy={read.isPending} onClick={() => read.mutate(null)}>
              {unread ? t("documents.readAll") : t("documents.readAgain")}
            </Button>
          )
        }
      >
        {job.active && job.job && (
          <JobProgress
            className="mb-4 rounded-lg bg-sunken p-3"
            job={job.job}
            title={t("documents.reading")}
            lost={job.connection === "lost"}
            onCancel={() => job.job && job.cancel.mutate(job.job.id)}
          />
        )}
        {/* A document that cannot be read says why itself. */}
        {!items.some((file) => file.status === "failed") && <JobProblem job={job.job} className="mb-4" />}
        {ocr.active && ocr.job && (
          <JobProgress
            className="mb-4 rounded-lg bg-sunken p-3"
            job={ocr.job}
            title={t("documents.recognising")}
            lost={ocr.connection === "lost"}
            onCancel={() => ocr.job && ocr.cancel.mutate(ocr.job.id)}
          />
        )}
        <JobProblem job={ocr.job} className="mb-4" />
        {recognise.isError && <ProblemNote problem={recognise.error} className="mb-4" />}
        {files.isPending && <Skeleton rows={2} />}
        {files.isError && <ProblemNote problem={files.error} onRetry={() => void files.refetch()} />}
        {files.data?.total === 0 && (
          <EmptyState icon={FileText} title={t("documents.emptyTitle")} text={t("documents.emptyText")} />
        )}
        {items.length > 0 && (
          <ul className="divide-y divide-line">
            {items.map((file) => (
              <FileRow
                key={file.id}
                file={file}
                isReading={job.active}
                isRecognising={ocr.active || recognise.isPending}
                onRecognise={(languages) => recognise.mutate({ fileId: file.id, languages })}
                onShow={() => setSearch({ file: file.id })}
                onDelete={() => setSearch({ delete: file.id })}
              />
            ))}
          </ul>
        )}
        {files.data && <Pager page={page} perPage={PER_PAGE} total={files.data.total} onPage={setPage} />}
      </Section>
      <StepFooter step="data" note={files.data?.total === 0 && t("data.noneYet")} />
      {imported && (
        <ImportDialog
          project={project}
          given={imported.file}
          onClose={() => setImported(null)}
          onDone={() => uploads.dismiss(project.id, imported.id)}
        />
      )}
      {shown && <TextPanel projectId={project.id} file={shown} onClose={() => void navigate({ search: "" }, { replace: true })} />}
      <DeleteFile
        projectId={project.id}
        file={items.find((file) => file.id === search.get("delete")) ?? null}
        onClose={() => void navigate({ search: "" }, { replace: true })}
      />
    </>
  );
}

function DeleteFile({ projectId, file, onClose }: { projectId: string; file: FileEntry | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (fileId: string) => {
      const path = { project_id: projectId, file_id: fileId };
      return take(api.DELETE("/api/projects/{project_id}/files/{file_id}", { params: { path } }));
    },
    onSuccess: async () => {
      onClose();
      await refreshProject(client, projectId);
    },
  });
  if (!file) return null;
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("documents.deleteTitle", { name: file.name })}
      text={t("documents.deleteText")}
      action={remove.isPending ? t("common.deleting") : t("common.delete")}
      busy={remove.isPending}
      problem={remove.error}
      onConfirm={() => remove.mutate(file.id)}
    />
  );
}
