import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "../api/client";
import { keys, refreshProject } from "../api/queries";
import type { Job } from "../api/types";
import { type ConnectionState, pollInterval, useEvents } from "../lib/events";

export function isActive(job: Pick<Job, "status"> | null | undefined): boolean {
  return job?.status === "queued" || job?.status === "running";
}

/**
 * The newest job of a kind in a project, followed while it is at work. It is asked for when the page opens, so a job that
 * another page or an earlier visit started is followed too.
 */
export function useProjectJob(projectId: string, kind: string) {
  const client = useQueryClient();
  const key = keys.job(projectId, kind);
  const stream = useRef<ConnectionState>("connecting");
  const query = useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Job | null> => {
      const filter = { project_id: projectId, kind, per_page: 1 };
      const found = await take(api.GET("/api/jobs", { params: { query: filter }, signal }));
      return found.items[0] ?? null;
    },
    // The stream tells of every change, where it comes through.
    refetchInterval: (current) => (isActive(current.state.data) ? pollInterval(stream.current) : false),
  });
  const job = query.data ?? null;
  const active = isActive(job);

  const connection = useEvents(active && job ? `/api/jobs/${job.id}/events` : null, ["job"], (event) => {
    client.setQueryData(key, event.data as Job);
  });

  useEffect(() => {
    stream.current = connection;
  }, [connection]);

  const wasActive = useRef(false);
  useEffect(() => {
    if (wasActive.current && !active) void refreshProject(client, projectId);
    // The project's steps show it.
    if (!wasActive.current && active) void client.invalidateQueries({ queryKey: [...keys.project(projectId), "self"] });
    wasActive.current = active;
  }, [active, client, projectId]);

  const cancel = useMutation({
    mutationFn: (id: string) => take(api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } })),
    onSuccess: (cancelled) => client.setQueryData(key, cancelled),
  });

  return {
    job,
    active,
    connection,
    /** Shows a job that was started here at once. */
    follow: (started: Job) => client.setQueryData(key, started),
    cancel,
  };
}
