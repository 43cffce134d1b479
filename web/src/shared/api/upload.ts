import { Problem, problemOf } from "./problem";
import type { FileEntry } from "./types";

/** Uploads one file; fetch cannot tell how far an upload is, XMLHttpRequest can. */
export function uploadFile(
  projectId: string,
  kind: FileEntry["kind"],
  file: File,
  onProgress: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<FileEntry> {
  const form = new FormData();
  form.append("kind", kind);
  form.append("files", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/projects/${projectId}/files/upload`);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onerror = () => reject(new Problem({ code: "network" }));
    request.onload = () => {
      let body: unknown = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // Not an answer of the studio: `problemOf` says so.
      }
      const items = (body as { items?: FileEntry[] } | null)?.items;
      if (request.status < 300 && items?.[0]) resolve(items[0]);
      else reject(problemOf(body, request.status));
    };
    request.onabort = () => reject(new Problem({ code: "cancelled" }));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
