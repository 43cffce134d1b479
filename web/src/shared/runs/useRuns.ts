import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { api, take } from "../api/client";
import { keys } from "../api/queries";
import type { Run, RunStatus } from "../api/types";
import type { Tone } from "../ui/Badge";

export const RUN_TONES: Record<RunStatus, Tone> = {
  queued: "neutral",
  running: "accent",
  interrupted: "warn",
  completed: "good",
  failed: "bad",
  cancelled: "neutral",
};

export function isWorking(run: Pick<Run, "status"> | null | undefined): boolean {
  return run?.status === "queued" || run?.status === "running";
}

const REFRESH_MS = 10_000;

/** The trainings of a project, newest first; read again now and then, since another tab may have begun or resumed one. */
export function useRuns(projectId: string) {
  return useQuery({
    queryKey: keys.runs(projectId),
    queryFn: async ({ signal }) => {
      const path = { project_id: projectId };
      return take(api.GET("/api/projects/{project_id}/runs", { params: { path, query: { per_page: 200 } }, signal }));
    },
    refetchInterval: REFRESH_MS,
  });
}

/** The training that a page is about: the one in its address, or the newest with a result. */
export function useChosenRun(projectId: string) {
  const runs = useRuns(projectId);
  const [search, setSearch] = useSearchParams();
  const usable = runs.data?.items.filter((run) => run.has_adapter) ?? [];
  const run = usable.find((candidate) => candidate.id === search.get("run")) ?? usable[0] ?? null;
  const choose = (id: string) => {
    setSearch(
      (before) => {
        before.set("run", id);
        return before;
      },
      { replace: true },
    );
  };
  return { runs, usable, run, choose, working: runs.data?.items.find(isWorking) ?? null };
}
