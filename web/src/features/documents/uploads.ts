import { useSyncExternalStore } from "react";
import { Problem } from "../../shared/api/problem";
import type { FileEntry } from "../../shared/api/types";
import { uploadFile } from "../../shared/api/upload";

export interface Upload {
  id: number;
  name: string;
  size: number;
  state: "waiting" | "uploading" | "done" | "failed";
  fraction: number;
  duplicate: boolean;
  problem: unknown;
}

export interface Limits {
  maxBytes: number;
  extensions: string[];
}

/** Why a file need not be sent at all; null when it may be. */
export function refusal(file: { name: string; size: number }, limits: Limits): "too_large" | "wrong_type" | null {
  const extension = file.name.includes(".") ? (file.name.split(".").pop() ?? "").toLowerCase() : "";
  if (!limits.extensions.includes(extension)) return "wrong_type";
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
      const state = reason ? "failed" : "waiting";
      return { id, name: file.name, size: file.size, state, fraction: 0, duplicate: false, problem: reason };
    });
    this.put(projectId, { ...queue, uploads: [...queue.uploads, ...added] });
    return queue.running ? [] : this.work(projectId);
  }

  clear(projectId: string): void {
    const queue = this.queues.get(projectId);
    if (!queue) return;
    const uploads = queue.uploads.filter((upload) => upload.state === "waiting" || upload.state === "uploading");
    this.put(projectId, { ...queue, uploads });
  }

  private async work(projectId: string): Promise<FileEntry[]> {
    const fresh: FileEntry[] = [];
    this.running(projectId, true);
    for (;;) {
      const next = this.list(projectId).find((upload) => upload.state === "waiting");
      const file = next && this.files.get(next.id);
      if (!next || !file) break;
      this.change(projectId, next.id, { state: "uploading" });
      try {
        const entry = await this.send(projectId, "raw_doc", file, (fraction) =>
          this.change(projectId, next.id, { fraction }),
        );
        if (!entry.duplicate || entry.status === "stored") fresh.push(entry);
        this.change(projectId, next.id, { state: "done", fraction: 1, duplicate: entry.duplicate });
      } catch (thrown) {
        const problem = thrown instanceof Problem ? thrown : new Problem({ code: "network" });
        this.change(projectId, next.id, { state: "failed", problem });
      }
      this.files.delete(next.id);
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
