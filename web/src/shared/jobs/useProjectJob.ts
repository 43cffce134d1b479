import { useQueryClient } from "@tanstack/react-query";
import { keys, refreshProject } from "../api/queries";
import { useNewestJob } from "./useNewestJob";

/** The newest job of a kind in a project; what is shown of the project is read again when it ends. */
export function useProjectJob(projectId: string, kind: string) {
  const client = useQueryClient();
  return useNewestJob(keys.job(projectId, kind), { project_id: projectId, kind }, (isAtWork) => {
    // The project's steps show that it works.
    if (isAtWork) void client.invalidateQueries({ queryKey: [...keys.project(projectId), "self"] });
    else void refreshProject(client, projectId);
  });
}
