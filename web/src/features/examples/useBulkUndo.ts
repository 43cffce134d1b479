import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { ExampleStatus } from "../../shared/api/types";
import type { ReviewList } from "./reviewList";

/** A decision about many examples that the server has made. */
export interface BulkDone {
  status: ExampleStatus;
  changed: number;
  /** What the server calls its parts. */
  batches: string[];
}

/** The newest decision about many, which can be taken back until another one is made. */
export function useBulkUndo(projectId: string, list: ReviewList) {
  const client = useQueryClient();
  const [done, setDone] = useState<(BulkDone & { list: ReviewList; undoable: number }) | null>(null);
  const run = useMutation({
    mutationFn: async (batches: string[]) => {
      const params = { path: { project_id: projectId } };
      let changed = 0;
      // The newest part first, as they were made.
      for (const batch_id of batches.toReversed()) {
        const answer = await take(api.POST("/api/projects/{project_id}/dataset/examples/bulk/undo", { params, body: { batch_id } }));
        changed += answer.changed;
      }
      return changed;
    },
    onSettled: () => refreshProject(client, projectId),
  });
  const before = done?.list === list ? done.undoable : 0;
  return {
    done,
    /** Nothing was decided one by one since. */
    isNewest: done !== null && run.isIdle && list.undoable <= before,
    undone: run.data ?? null,
    isPending: run.isPending,
    problem: run.error,
    report: (bulk: BulkDone) => {
      run.reset();
      setDone(bulk.batches.length > 0 ? { ...bulk, list, undoable: list.undoable } : null);
    },
    undo: () => done && !run.isPending && run.mutate(done.batches),
    close: () => {
      run.reset();
      setDone(null);
    },
  };
}

export type BulkUndo = ReturnType<typeof useBulkUndo>;
