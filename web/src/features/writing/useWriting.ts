import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import { isActive } from "../../shared/jobs/useNewestJob";
import { useProjectJob } from "../../shared/jobs/useProjectJob";

const REFRESH_MS = 1000;

/** The newest writing of a project: how far it is, and the job that is at it. */
export function useWriting(projectId: string) {
  const job = useProjectJob(projectId, "dataset_write");
  const status = useQuery({
    // The job's state is a part of the name: a job that has just ended is asked about once more.
    queryKey: [...keys.writing(projectId), job.job?.id, job.job?.status],
    queryFn: async ({ signal }) => {
      const found = await take(api.GET("/api/projects/{project_id}/dataset/write", { params: { path: { project_id: projectId } }, signal }));
      return found.work ?? null;
    },
    placeholderData: (before) => before,
    refetchInterval: (current) => (isActive(current.state.data?.job) ? REFRESH_MS : false),
  });
  return { job, status, work: status.data ?? null };
}
