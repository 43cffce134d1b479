import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "../api/client";
import { keys } from "../api/queries";
import type { Chunk } from "../api/types";
import { ProblemNote } from "../ui/ProblemNote";
import { Skeleton } from "../ui/States";
import { type Made, type Marked, sourceOf } from "./highlight";
import { usePages } from "./usePages";

export function passageQuery(projectId: string, chunkId: string) {
  return {
    queryKey: [...keys.project(projectId), "chunk", chunkId],
    queryFn: ({ signal }: { signal: AbortSignal }) => {
      const path = { project_id: projectId, chunk_id: chunkId };
      return take(api.GET("/api/projects/{project_id}/chunks/{chunk_id}", { params: { path }, signal }));
    },
    staleTime: 60_000,
  };
}

/** A passage with the sentences marked that an example was made of. */
export function MarkedPassage({ projectId, chunkId, example }: { projectId: string; chunkId: string; example: Made }) {
  const chunk = useQuery(passageQuery(projectId, chunkId));
  if (chunk.isPending) return <Skeleton rows={2} className="mt-3" />;
  if (chunk.isError) return <ProblemNote problem={chunk.error} className="mt-3" onRetry={() => void chunk.refetch()} />;
  return <Passage projectId={projectId} chunk={chunk.data} example={example} />;
}

function Passage({ projectId, chunk, example }: { projectId: string; chunk: Chunk; example: Made }) {
  const { t } = useTranslation();
  const pages = usePages();
  const { messages, sentence } = example;
  const marked = useMemo(() => sourceOf(chunk.text, { messages, sentence }), [chunk.text, messages, sentence]);
  const place = [t("passages.place", { file: chunk.file_name, number: chunk.index + 1 }), pages(chunk)].filter(Boolean).join(" · ");
  return (
    <>
      <p className="mt-1 text-xs wrap-anywhere text-soft">
        <Link className="text-accent-strong underline" to={`/projects/${projectId}/data?file=${chunk.file_id}`}>
          {place}
        </Link>
      </p>
      {chunk.headings.length > 0 && <p className="mt-2 text-sm wrap-anywhere text-soft">{chunk.headings.join(" › ")}</p>}
      <p className="mt-2 text-sm leading-relaxed wrap-anywhere whitespace-pre-wrap">
        <MarkedText text={chunk.text} marked={marked} />
      </p>
      <p className="mt-3 text-xs text-soft">{t(`passages.marked.${marked.kind}`)}</p>
    </>
  );
}

function MarkedText({ text, marked }: { text: string; marked: Marked }) {
  let done = 0;
  return (
    <>
      {marked.spans.map(({ start, end }) => {
        const before = text.slice(done, start);
        done = end;
        return (
          <span key={start}>
            {before}
            <mark className="rounded-sm bg-warn-soft px-0.5 text-ink decoration-warn underline decoration-2 underline-offset-2">{text.slice(start, end)}</mark>
          </span>
        );
      })}
      {text.slice(done)}
    </>
  );
}
