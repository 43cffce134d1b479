import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Filter } from "./filter";
import { outlineQuery, readOutline } from "./outlineQuery";
import { ReviewList, type ReviewSource } from "./reviewList";

/** Figures elsewhere on the page follow decisions once they have rested for this long. */
const REST_MS = 700;
/** A list that was asked for when the address changed is not asked for again when the page is there. */
const EARLY_MS = 1000;

function sourceOf(projectId: string, filter: Filter): ReviewSource {
  const path = { project_id: projectId };
  return {
    window: async (from, to, size, signal) => {
      const query = { ...filter, from, ...(to ? { to } : {}), per_page: size };
      const page = await take(api.GET("/api/projects/{project_id}/dataset/examples", { params: { path, query }, signal }));
      return page.items;
    },
    decide: (id, status) => {
      const params = { path: { ...path, example_id: id } };
      return take(api.PATCH("/api/projects/{project_id}/dataset/examples/{example_id}", { params, body: { status } }));
    },
    decideMany: async (ids, status) => {
      const action = status === "approved" ? "approve" : status === "rejected" ? "reject" : "reset";
      for (let start = 0; start < ids.length; start += 1000) {
        const body = { action, ids: ids.slice(start, start + 1000) } as const;
        await take(api.POST("/api/projects/{project_id}/dataset/examples/bulk", { params: { path }, body }));
      }
    },
  };
}

/** The list that a filter leaves, and the decisions about it. While another filter is asked about, the list before it stays. */
export function useReview(projectId: string, filter: Filter) {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const list = useMemo(() => {
    const isOutline = (key: readonly unknown[]) => key[2] === "examples" && key[3] === "outline";
    const refreshFigures = () => {
      void client.invalidateQueries({ queryKey: keys.project(projectId), predicate: (query) => !isOutline(query.queryKey) });
      void client.invalidateQueries({ queryKey: keys.projects });
    };
    return new ReviewList(sourceOf(projectId, filter), () => {
      clearTimeout(timer.current);
      timer.current = setTimeout(refreshFigures, REST_MS);
    });
  }, [client, projectId, filter]);
  const [shown, setShown] = useState(list);
  const outline = useQuery({
    ...outlineQuery(projectId, filter),
    queryFn: async ({ signal }) => {
      // What was decided in the list before is known to the server first.
      await shown.settled();
      return readOutline(projectId, filter, signal);
    },
    refetchOnMount: ({ state }) => Date.now() - state.dataUpdatedAt > EARLY_MS,
  });
  const { data, dataUpdatedAt } = outline;
  // Before anything is painted: data that are there are not shown as none.
  useLayoutEffect(() => {
    if (!data) return;
    list.take(data);
    setShown(list);
  }, [list, data, dataUpdatedAt]);
  useSyncExternalStore(shown.subscribe, shown.snapshot);
  return {
    list: shown,
    /** The list is there, and it is the one that the filter asks for. */
    isCurrent: shown === list && list.isThere,
    isPending: shown === list && !list.isThere && !outline.isError,
    problem: outline.error,
    reload: () => outline.refetch(),
  };
}
