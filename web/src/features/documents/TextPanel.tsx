import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Chunk, FileEntry, FileText } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { languageTag } from "../../shared/lib/language";
import { usePages } from "../../shared/passages/usePages";
import { Dialog } from "../../shared/ui/Dialog";
import { Checkbox, Select } from "../../shared/ui/Field";
import { Pager } from "../../shared/ui/Pager";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { cutPage } from "./cuts";
import { FileWarningText } from "./FileRow";

/** Passages whose edges are shown in the text: as many as the server gives at a time. */
const SHOWN_CUTS = 500;

type Tab = "text" | "passages";

/** What the studio reads in a document: its text page by page, and the passages that it is cut into. */
export function TextPanel({ projectId, file, onClose }: { projectId: string; file: FileEntry; onClose: () => void }) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<Tab>("text");
  const tabs: { id: Tab; label: string }[] = [
    { id: "text", label: t("documents.tabText") },
    { id: "passages", label: t("documents.tabPassages") },
  ];
  return (
    <Dialog
      open
      side
      onOpenChange={(open) => !open && onClose()}
      title={t("documents.textTitle", { name: file.name })}
      text={t("documents.textIntro")}
    >
      <div className="mb-4 flex gap-1 border-b border-line">
        {tabs.map((entry) => (
          <button
            key={entry.id}
            type="button"
            aria-pressed={tab === entry.id}
            onClick={() => setTab(entry.id)}
            className={cn(
              "-mb-px border-b-2 px-3 py-2 text-sm font-medium",
              tab === entry.id ? "border-accent text-accent-strong" : "border-transparent text-soft hover:text-ink",
            )}
          >
            {entry.label}
          </button>
        ))}
      </div>
      {tab === "text" ? <Pages projectId={projectId} file={file} /> : <Passages projectId={projectId} fileId={file.id} />}
    </Dialog>
  );
}

function Pages({ projectId, file }: { projectId: string; file: FileEntry }) {
  const client = useQueryClient();
  const text = useQuery({
    queryKey: [...keys.project(projectId), "text", file.id],
    queryFn: ({ signal }) => {
      const path = { project_id: projectId, file_id: file.id };
      return take(api.GET("/api/projects/{project_id}/files/{file_id}/text", { params: { path }, signal }));
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  // Asking for the text reads the document: its row then knows more.
  const isNews = file.status === "stored" && !text.isPending;
  useEffect(() => {
    if (isNews) void client.invalidateQueries({ queryKey: keys.files(projectId) });
  }, [isNews, client, projectId]);
  if (text.isPending) return <Skeleton rows={4} />;
  if (text.isError) return <ProblemNote problem={text.error} onRetry={() => void text.refetch()} />;
  return <PageTexts projectId={projectId} text={text.data} />;
}

function PageTexts({ projectId, text }: { projectId: string; text: FileText }) {
  const { t, i18n } = useTranslation();
  const [isCut, setCut] = useState(false);
  const chunks = useQuery({
    queryKey: [...keys.project(projectId), "chunks", text.file_id, "all"],
    queryFn: ({ signal }) => {
      const query = { file_id: text.file_id, per_page: SHOWN_CUTS };
      return take(api.GET("/api/projects/{project_id}/chunks", { params: { path: { project_id: projectId }, query }, signal }));
    },
    enabled: isCut,
  });
  const cuts = isCut ? (chunks.data?.items ?? []) : [];
  const language = languageTag(text.language);
  const facts = [
    t("documents.pages", { count: text.pages.length }),
    t("documents.words", { count: text.words }),
    language && new Intl.DisplayNames(i18n.language, { type: "language" }).of(language),
  ].filter(Boolean);
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="text-sm text-soft">{facts.join(" · ")}</p>
        <Checkbox label={t("data.showCuts")} checked={isCut} onChange={(event) => setCut(event.target.checked)} />
        {text.pages.length > 1 && (
          <Select
            aria-label={t("documents.goToPage")}
            className="h-9 w-auto"
            onChange={(event) => document.getElementById(`page-${event.target.value}`)?.scrollIntoView({ block: "start" })}
          >
            {text.pages.map((page) => (
              <option key={page.number} value={page.number}>
                {t("documents.page", { number: page.number })}
              </option>
            ))}
          </Select>
        )}
      </div>
      {chunks.isError && <ProblemNote problem={chunks.error} className="mb-4" onRetry={() => void chunks.refetch()} />}
      {isCut && chunks.data?.total === 0 && <p className="mb-4 text-sm text-soft">{t("documents.passagesEmpty")}</p>}
      {isCut && chunks.data && chunks.data.total > SHOWN_CUTS && <p className="mb-4 text-sm text-soft">{t("data.firstCuts", { count: SHOWN_CUTS })}</p>}
      {text.warnings.length > 0 && (
        <ul className="mb-4 list-disc rounded-lg bg-warn-soft py-2 pr-3 pl-8 text-sm">
          {text.warnings.map((warning, index) => (
            <li key={index}>
              <FileWarningText warning={warning} />
            </li>
          ))}
        </ul>
      )}
      <div className="space-y-4">
        {text.pages.map((page) => (
          <section key={page.number} id={`page-${page.number}`} className="scroll-mt-4 rounded-lg border border-line">
            <h3 className="border-b border-line bg-sunken px-4 py-1.5 text-xs font-medium text-soft">
              {t("documents.page", { number: page.number })}
            </h3>
            {page.text.trim() === "" ? (
              <p className="px-4 py-3 text-sm text-soft">{t("documents.emptyPage")}</p>
            ) : (
              <p lang={language} className="px-4 py-3 text-sm leading-relaxed wrap-anywhere whitespace-pre-wrap">
                {cuts.length === 0 ? page.text.trim() : <CutText page={page} chunks={cuts} />}
              </p>
            )}
          </section>
        ))}
      </div>
    </>
  );
}

/** A page with the passages that it is cut into: where each begins, how long it is, in turns lighter and darker. */
function CutText({ page, chunks }: { page: FileText["pages"][number]; chunks: Chunk[] }) {
  const { t } = useTranslation();
  return cutPage(page, chunks).map(({ chunk, text, begins }, index) => (
    <span key={index}>
      {chunk && begins && (
        <span className="my-1 block w-fit rounded bg-accent-soft px-1.5 text-xs font-medium text-accent-strong">
          {t("data.cut", { number: chunk.index + 1 })} · {t("documents.tokens", { count: chunk.tokens })}
        </span>
      )}
      <span className={cn(chunk && (chunk.index % 2 === 0 ? "bg-sunken" : "bg-warn-soft"))}>{text}</span>
    </span>
  ));
}

function Passages({ projectId, fileId }: { projectId: string; fileId: string }) {
  const { t } = useTranslation();
  const pages = usePages();
  const [page, setPage] = useState(1);
  const perPage = 20;
  const chunks = useQuery({
    queryKey: [...keys.project(projectId), "chunks", fileId, page],
    queryFn: ({ signal }) => {
      const query = { file_id: fileId, page, per_page: perPage };
      return take(api.GET("/api/projects/{project_id}/chunks", { params: { path: { project_id: projectId }, query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
  if (chunks.isPending) return <Skeleton rows={4} />;
  if (chunks.isError) return <ProblemNote problem={chunks.error} onRetry={() => void chunks.refetch()} />;
  if (chunks.data.total === 0) return <p className="text-sm text-soft">{t("documents.passagesEmpty")}</p>;
  return (
    <>
      <ol className="space-y-4">
        {chunks.data.items.map((chunk) => (
          <li key={chunk.id} className="rounded-lg border border-line">
            <p className="flex flex-wrap gap-x-3 border-b border-line bg-sunken px-4 py-1.5 text-xs text-soft">
              <span className="font-medium">{chunk.index + 1}</span>
              {chunk.headings.length > 0 && <span className="min-w-0 wrap-anywhere">{chunk.headings.join(" › ")}</span>}
              {chunk.page_start != null && <span>{pages(chunk)}</span>}
              <span>{t("documents.tokens", { count: chunk.tokens })}</span>
            </p>
            <p className="px-4 py-3 text-sm leading-relaxed wrap-anywhere whitespace-pre-wrap">{chunk.text}</p>
          </li>
        ))}
      </ol>
      <Pager page={page} perPage={perPage} total={chunks.data.total} onPage={setPage} />
    </>
  );
}
