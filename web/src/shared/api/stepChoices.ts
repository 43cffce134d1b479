import type { QueryClient } from "@tanstack/react-query";
import type { StepId } from "../lib/steps";
import { api, take } from "./client";
import { keys } from "./queries";
import type { Project } from "./types";

/** What was chosen in a step. */
export type Choices = Record<string, unknown>;

/** How long after the last edit it is sent. */
const PAUSE_MS = 500;
const NOTHING: Choices = Object.freeze({});

interface Edit {
  value: Choices;
  /** Counts the edits, so that an answer is known to be about the last one. */
  version: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  isSending: boolean;
  problem: unknown;
}

/**
 * Edits of steps' choices on their way to the server. What was edited is shown at once and stays shown, whatever is read
 * of the server meanwhile, until the server has it. One request at a time for each step, so that the last edit wins.
 */
export class StepChoices {
  private readonly edits = new Map<string, Edit>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: QueryClient) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The edit that the server does not have yet. */
  edit(projectId: string, step: StepId): Edit | null {
    return this.edits.get(`${projectId}/${step}`) ?? null;
  }

  /** What is shown: the edit, else what the server said last. */
  current(projectId: string, step: StepId): Choices {
    const project = this.client.getQueryData<Project>([...keys.project(projectId), "self"]);
    return this.edit(projectId, step)?.value ?? chosenIn(project, step);
  }

  set(projectId: string, step: StepId, value: Choices): void {
    const key = `${projectId}/${step}`;
    const before = this.edits.get(key);
    clearTimeout(before?.timer);
    this.edits.set(key, {
      value,
      version: (before?.version ?? 0) + 1,
      timer: setTimeout(() => void this.send(projectId, step), PAUSE_MS),
      isSending: before?.isSending ?? false,
      problem: null,
    });
    this.tell();
  }

  /** Sends an edit at once, if there is one. */
  async send(projectId: string, step: StepId, keepalive = false): Promise<void> {
    const key = `${projectId}/${step}`;
    const edit = this.edits.get(key);
    if (!edit || edit.isSending) return;
    clearTimeout(edit.timer);
    edit.isSending = true;
    let problem: unknown = null;
    try {
      const params = { path: { id: projectId, step } };
      await take(api.PUT("/api/projects/{id}/choices/{step}", { params, body: edit.value as Record<string, never>, keepalive }));
    } catch (thrown) {
      problem = thrown;
    }
    const latest = this.edits.get(key);
    if (!latest) return;
    if (latest.version !== edit.version) {
      // Edited meanwhile: its own timer may have found the line busy.
      latest.isSending = false;
      clearTimeout(latest.timer);
      return this.send(projectId, step);
    }
    if (problem === null) {
      this.edits.delete(key);
      this.client.setQueryData<Project>([...keys.project(projectId), "self"], (project) =>
        project ? ({ ...project, choices: { ...project.choices, [step]: edit.value } } as Project) : project,
      );
      void this.client.invalidateQueries({ queryKey: [...keys.project(projectId), "self"] });
    } else {
      this.edits.set(key, { ...edit, isSending: false, problem });
    }
    this.tell();
  }

  /** Sends everything, also while the page goes away. */
  sendAll = (): void => {
    for (const key of this.edits.keys()) {
      const [projectId = "", step] = key.split("/");
      void this.send(projectId, step as StepId, true);
    }
  };

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** What the server keeps of a step. */
export function chosenIn(project: Pick<Project, "choices"> | undefined, step: StepId): Choices {
  return (project?.choices as Record<string, Choices> | undefined)?.[step] ?? NOTHING;
}
