import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "../api/client";
import { keys } from "../api/queries";
import type { Job } from "../api/types";
import { type ConnectionState, pollInterval, useEvents } from "../lib/events";
import { isActive } from "./useProjectJob";

/** The newest download of a model, followed while it is at work; another visit may have started it. */
export function useDownloadJob() {
  const client = useQueryClient();
  const stream = useRef<ConnectionState>("connecting");
  const query = useQuery({
    queryKey: keys.download,
    queryFn: async ({ signal }): Promise<Job | null> => {
      const filter = { kind: "download_model", per_page: 1 };
      const found = await take(api.GET("/api/jobs", { params: { query: filter }, signal }));
      return found.items[0] ?? null;
    },
    // The stream tells of every change, where it comes through.
    refetchInterval: (current) => (isActive(current.state.data) ? pollInterval(stream.current) : false),
  });
  const job = query.data ?? null;
  const active = isActive(job);
  const connection = useEvents(active && job ? `/api/jobs/${job.id}/events` : null, ["job"], (event) => {
    client.setQueryData(keys.download, event.data as Job);
  });
  useEffect(() => {
    stream.current = connection;
  }, [connection]);

  const wasActive = useRef(false);
  useEffect(() => {
    if (wasActive.current && !active) void client.invalidateQueries({ queryKey: keys.models });
    wasActive.current = active;
  }, [active, client]);
  const cancel = useMutation({
    mutationFn: (id: string) => take(api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } })),
    onSuccess: (cancelled) => client.setQueryData(keys.download, cancelled),
  });
  return { job, active, connection, follow: (started: Job) => client.setQueryData(keys.download, started), cancel };
}
