import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "../../shared/api/client";
import { keys, refreshProject } from "../../shared/api/queries";
import type { Metrics, Run } from "../../shared/api/types";
import { type ConnectionState, pollInterval } from "../../shared/lib/events";

const OVER: Run["status"][] = ["completed", "failed", "cancelled"];

/** Asks for a run and its figures while its stream is lost, and hands out what is new. */
export function useRunPoll(
  projectId: string,
  runId: string,
  connection: ConnectionState,
  onPoll: (run: Run, metrics: Metrics) => void,
): void {
  const client = useQueryClient();
  const isLost = connection === "lost";
  const query = useQuery({
    queryKey: [...keys.project(projectId), "polled-run", runId],
    queryFn: async ({ signal }) => {
      const params = { path: { project_id: projectId, run_id: runId } };
      const run = await take(api.GET("/api/projects/{project_id}/runs/{run_id}", { params, signal }));
      const metrics = await take(api.GET("/api/projects/{project_id}/runs/{run_id}/metrics", { params, signal }));
      return { run, metrics };
    },
    enabled: isLost,
    staleTime: 0,
    refetchInterval: (current) => (current.state.data && OVER.includes(current.state.data.run.status) ? false : pollInterval(connection)),
  });
  const handler = useRef(onPoll);
  useEffect(() => {
    handler.current = onPoll;
  });
  const { data } = query;
  const status = useRef<Run["status"] | null>(null);
  useEffect(() => {
    if (!isLost || !data) return;
    handler.current(data.run, data.metrics);
    // What else the page shows of the run: why it failed, whether it can go on.
    if (status.current !== null && status.current !== data.run.status) void refreshProject(client, projectId);
    status.current = data.run.status;
  }, [isLost, data, client, projectId]);
}
