import { keepPreviousData, type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "./client";
import type { TrainConfig } from "./types";

/** Names of what is kept of the server. Everything of a project begins with `["project", id]`. */
export const keys = {
  projects: ["projects"] as const,
  project: (id: string) => ["project", id] as const,
  files: (id: string) => ["project", id, "files"] as const,
  examples: (id: string) => ["project", id, "examples"] as const,
  stats: (id: string) => ["project", id, "stats"] as const,
  runs: (id: string) => ["project", id, "runs"] as const,
  evaluations: (id: string) => ["project", id, "evaluations"] as const,
  exports: (id: string) => ["project", id, "exports"] as const,
  prompts: (id: string) => ["project", id, "prompts"] as const,
  writing: (id: string) => ["project", id, "writing"] as const,
  labelStudioDatasets: (id: string) => ["project", id, "label-studio"] as const,
  job: (id: string, kind: string) => ["project", id, "job", kind] as const,
  jobs: ["jobs"] as const,
  connections: ["connections"] as const,
  labelStudio: ["label-studio"] as const,
  models: ["models"] as const,
  hub: ["hub"] as const,
  download: ["jobs", "download"] as const,
};

/** After a change in a project: what is shown of it, and the list of projects with its counts, is read again. */
export async function refreshProject(client: QueryClient, id: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: keys.project(id) }),
    client.invalidateQueries({ queryKey: keys.projects }),
    client.invalidateQueries({ queryKey: keys.jobs }),
  ]);
}

export function useSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => take(api.GET("/api/settings", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useModels() {
  return useQuery({
    queryKey: keys.models,
    queryFn: ({ signal }) => take(api.GET("/api/models", { params: { query: { per_page: 500 } }, signal })),
  });
}

export function projectQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.project(id), "self"],
    queryFn: ({ signal }) => take(api.GET("/api/projects/{id}", { params: { path: { id } }, signal })),
  });
}

/** A project with the state of its steps; read again now and then while one of its jobs is at work. */
export function useProject(id: string) {
  return useQuery({
    ...projectQuery(id),
    refetchInterval: (query) => (query.state.data?.active_job ? 5000 : false),
  });
}

export function useHardware() {
  return useQuery({
    queryKey: ["hardware"],
    queryFn: ({ signal }) => take(api.GET("/api/hardware/check", { signal })),
    staleTime: 10_000,
  });
}

/** What a training of the project takes for what nobody chose; the values for one way stay until those of another are there. */
export function useTrainDefaults(projectId: string, way: { method?: TrainConfig["method"]; base_precision?: TrainConfig["base_precision"] }) {
  const query = { method: way.method, base_precision: way.base_precision || undefined };
  return useQuery({
    queryKey: [...keys.project(projectId), "train-defaults", query],
    queryFn: ({ signal }) =>
      take(api.GET("/api/projects/{project_id}/train/defaults", { params: { path: { project_id: projectId }, query }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useStats(projectId: string) {
  return useQuery({
    queryKey: keys.stats(projectId),
    queryFn: ({ signal }) =>
      take(api.GET("/api/projects/{project_id}/dataset/stats", { params: { path: { project_id: projectId } }, signal })),
  });
}

export function useLabelStudio() {
  return useQuery({
    queryKey: keys.labelStudio,
    queryFn: ({ signal }) => take(api.GET("/api/settings/label-studio", { signal })),
  });
}

export function useHub() {
  return useQuery({
    queryKey: keys.hub,
    queryFn: ({ signal }) => take(api.GET("/api/settings/hub", { signal })),
  });
}
