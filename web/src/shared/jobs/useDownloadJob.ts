import { useQueryClient } from "@tanstack/react-query";
import { keys } from "../api/queries";
import { useNewestJob } from "./useNewestJob";

/** The newest download of a model. */
export function useDownloadJob() {
  const client = useQueryClient();
  return useNewestJob(keys.download, { kind: "download_model" }, (isAtWork) => {
    if (!isAtWork) void client.invalidateQueries({ queryKey: keys.models });
  });
}
