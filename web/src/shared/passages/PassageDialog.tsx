import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../api/client";
import { keys } from "../api/queries";
import { Dialog } from "../ui/Dialog";
import { ProblemNote } from "../ui/ProblemNote";
import { Skeleton } from "../ui/States";
import { usePages } from "./usePages";

/** The passage of a document that something was made of. */
export function PassageDialog({ projectId, chunkId, onClose }: { projectId: string; chunkId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const pages = usePages();
  const chunk = useQuery({
    queryKey: [...keys.project(projectId), "chunk", chunkId],
    queryFn: ({ signal }) => {
      const path = { project_id: projectId, chunk_id: chunkId };
      return take(api.GET("/api/projects/{project_id}/chunks/{chunk_id}", { params: { path }, signal }));
    },
  });
  const found = chunk.data;
  const place = found && [
    t("passages.place", { file: found.file_name, number: found.index + 1 }),
    pages(found),
    t("documents.tokens", { count: found.tokens }),
  ];
  return (
    <Dialog open wide onOpenChange={(open) => !open && onClose()} title={t("passages.title")} text={place && place.filter(Boolean).join(" · ")}>
      {chunk.isPending && <Skeleton rows={2} />}
      {chunk.isError && <ProblemNote problem={chunk.error} />}
      {found && (
        <>
          {found.headings.length > 0 && <p className="mb-2 text-sm text-soft">{found.headings.join(" › ")}</p>}
          <p className="text-sm leading-relaxed wrap-anywhere whitespace-pre-wrap">{found.text}</p>
        </>
      )}
    </Dialog>
  );
}
