import { type QueryKey, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "../api/client";
import type { Job } from "../api/types";
import { type ConnectionState, pollInterval, useEvents } from "../lib/events";

export function isActive(job: Pick<Job, "status"> | null | undefined): boolean {
  return job?.status === "queued" || job?.status === "running";
}

/**
 * The newest job of a kind, followed while it is at work by its stream, and asked for while there is none. It is asked for
 * when the page opens, so a job that another page or an earlier visit started is followed too. `onChange` is told when the
 * work begins and ends.
 */
export function useNewestJob(queryKey: QueryKey, filter: { kind: string; project_id?: string }, onChange: (isAtWork: boolean) => void) {
  const client = useQueryClient();
  const stream = useRef<ConnectionState>("connecting");
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<Job | null> => {
      const found = await take(api.GET("/api/jobs", { params: { query: { ...filter, per_page: 1 } }, signal }));
      return found.items[0] ?? null;
    },
    // The stream tells of every change, where it comes through.
    refetchInterval: (current) => (isActive(current.state.data) ? pollInterval(stream.current) : false),
  });
  const job = query.data ?? null;
  const active = isActive(job);
  const keep = (changed: Job) => client.setQueryData(queryKey, changed);
  const connection = useEvents(active && job ? `/api/jobs/${job.id}/events` : null, ["job"], (event) => keep(event.data as Job));
  useEffect(() => {
    stream.current = connection;
  }, [connection]);

  const handler = useRef(onChange);
  useEffect(() => {
    handler.current = onChange;
  });
  const wasActive = useRef(false);
  useEffect(() => {
    if (wasActive.current !== active) handler.current(active);
    wasActive.current = active;
  }, [active]);

  const cancel = useMutation({
    mutationFn: (id: string) => take(api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } })),
    onSuccess: keep,
  });
  /** `follow` shows a job that was started here at once. */
  return { job, active, connection, follow: keep, cancel };
}
