import { useSyncExternalStore } from "react";
import { Problem } from "../../shared/api/problem";
import type { FileEntry } from "../../shared/api/types";
import { uploadFile } from "../../shared/api/upload";

/**
 * `choose`: a table or a file of records, which may be a document or examples that are ready; the person says which.
 */
export type UploadState = "waiting" | "uploading" | "done" | "failed" | "cancelled" | "choose";

export interface Upload {
  id: number;
  name: string;
  size: number;
  state: UploadState;
  /** Of a file to choose for: whether it can be read as a document at all. */
  canRead: boolean;
  fraction: number;
  duplicate: boolean;
  problem: unknown;
}

export interface Limits {
  maxBytes: number;
  /** Of documents. */
  extensions: string[];
  /** Of examples that are ready. */
  datasetExtensions: string[];
}

function endingOf(name: string): string {
  return name.includes(".") ? (name.split(".").pop() ?? "").toLowerCase() : "";
}

/** Why a file need not be sent at all; null when it may be. */
export function refusal(file: { name: string; size: number }, limits: Limits): "too_large" | "wrong_type" | "empty" | null {
  const ending = endingOf(file.name);
  if (!limits.extensions.includes(ending) && !limits.datasetExtensions.includes(ending)) return "wrong_type";
  if (file.size === 0) return "empty";
  return file.size > limits.maxBytes ? "too_large" : null;
}

interface Queue {
  uploads: Upload[];
  running: boolean;
}

type Send = typeof uploadFile;

/**
 * The uploads of each project: one file at a time, going on while other pages are shown. What is refused is listed with
 * its reason beside the others.
 */
export class Uploads {
  private readonly queues = new Map<string, Queue>();
  private readonly files = new Map<number, File>();
  private readonly sending = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private nextId = 1;

  constructor(private readonly send: Send = uploadFile) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  list(projectId: string): Upload[] {
    return this.queues.get(projectId)?.uploads ?? NONE;
  }

  isBusy(): boolean {
    return [...this.queues.values()].some((queue) => queue.running);
  }

  /** Resolves with the files that are new in the project, once all are through. */
  async add(projectId: string, files: File[], limits: Limits): Promise<FileEntry[]> {
    const queue = this.queues.get(projectId) ?? { uploads: [], running: false };
    const added = files.map((file): Upload => {
      const id = this.nextId++;
      const reason = refusal(file, limits);
      if (!reason) this.files.set(id, file);
      const ending = endingOf(file.name);
      const state = reason ? "failed" : limits.datasetExtensions.includes(ending) ? "choose" : "waiting";
      const canRead = limits.extensions.includes(ending);
      return { id, name: file.name, size: file.size, state, canRead, fraction: 0, duplicate: false, problem: reason };
    });
    this.put(projectId, { ...queue, uploads: [...queue.uploads, ...added] });
    return queue.running ? [] : this.work(projectId);
  }

  /** Sends a file that failed, was cancelled, or was chosen to be a document; resolves as `add` does. */
  async resend(projectId: string, id: number): Promise<FileEntry[]> {
    if (!this.files.has(id)) return [];
    this.change(projectId, id, { state: "waiting", fraction: 0, problem: null });
    return this.queues.get(projectId)?.running ? [] : this.work(projectId);
  }

  /** Stops one that waits or is on its way; it can be sent again. */
  cancel(projectId: string, id: number): void {
    const sending = this.sending.get(id);
    if (sending) sending.abort();
    else this.change(projectId, id, { state: "cancelled" });
  }

  /** The file itself, while it may still be sent. */
  fileOf(id: number): File | null {
    return this.files.get(id) ?? null;
  }

  /** Takes one off the list. */
  dismiss(projectId: string, id: number): void {
    const queue = this.queues.get(projectId);
    if (!queue) return;
    this.files.delete(id);
    this.put(projectId, { ...queue, uploads: queue.uploads.filter((upload) => upload.id !== id) });
  }

  /** Takes those off the list that are over. */
  clear(projectId: string): void {
    const isOver = ({ state }: Upload) => state === "done" || state === "failed" || state === "cancelled";
    for (const upload of this.list(projectId).filter(isOver)) this.dismiss(projectId, upload.id);
  }

  private async work(projectId: string): Promise<FileEntry[]> {
    const fresh: FileEntry[] = [];
    this.running(projectId, true);
    for (;;) {
      const next = this.list(projectId).find((upload) => upload.state === "waiting");
      const file = next && this.files.get(next.id);
      if (!next || !file) break;
      this.change(projectId, next.id, { state: "uploading" });
      const controller = new AbortController();
      this.sending.set(next.id, controller);
      const progress = (fraction: number) => this.change(projectId, next.id, { fraction });
      try {
        const entry = await this.send(projectId, "raw_doc", file, progress, controller.signal);
        if (!entry.duplicate || entry.status === "stored") fresh.push(entry);
        this.change(projectId, next.id, { state: "done", fraction: 1, duplicate: entry.duplicate });
        this.files.delete(next.id);
      } catch (thrown) {
        const problem = thrown instanceof Problem ? thrown : new Problem({ code: "network" });
        this.change(projectId, next.id, controller.signal.aborted ? { state: "cancelled" } : { state: "failed", problem });
      }
      this.sending.delete(next.id);
    }
    this.running(projectId, false);
    return fresh;
  }

  private change(projectId: string, id: number, change: Partial<Upload>): void {
    const queue = this.queues.get(projectId);
    if (!queue) return;
    const uploads = queue.uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload));
    this.put(projectId, { ...queue, uploads });
  }

  private running(projectId: string, running: boolean): void {
    const queue = this.queues.get(projectId);
    if (queue) this.put(projectId, { ...queue, running });
  }

  private put(projectId: string, queue: Queue): void {
    this.queues.set(projectId, queue);
    for (const listener of this.listeners) listener();
  }
}

const NONE: Upload[] = [];

export const uploads = new Uploads();

// Files that are on their way are the one thing that a reload would lose.
window.addEventListener("beforeunload", (event) => {
  if (uploads.isBusy()) event.preventDefault();
});

export function useUploads(projectId: string): Upload[] {
  return useSyncExternalStore(uploads.subscribe, () => uploads.list(projectId));
}
