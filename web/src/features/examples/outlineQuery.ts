import { queryOptions } from "@tanstack/react-query";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Filter } from "./filter";

export function readOutline(projectId: string, filter: Filter, signal: AbortSignal) {
  return take(api.GET("/api/projects/{project_id}/dataset/examples/outline", { params: { path: { project_id: projectId }, query: filter }, signal }));
}

/** The list that a filter leaves: how long it is, where its windows begin, and the first one. */
export function outlineQuery(projectId: string, filter: Filter) {
  return queryOptions({
    queryKey: [...keys.examples(projectId), "outline", filter],
    queryFn: ({ signal }) => readOutline(projectId, filter, signal),
    staleTime: 0,
  });
}
