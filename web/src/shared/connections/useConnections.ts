import { useQuery } from "@tanstack/react-query";
import { api, take } from "../api/client";
import { keys } from "../api/queries";
import type { Connection } from "../api/types";

/** Every connection to a provider of language models: the kinds as they stand, and those that a person added. */
export function useConnections() {
  return useQuery({
    queryKey: keys.connections,
    queryFn: ({ signal }) => take(api.GET("/api/settings/providers", { signal })),
  });
}

/** The models that a connection offers; asked once, since the other end may be slow or charge for calls. */
export function useConnectionModels(connection: Connection | null) {
  return useQuery({
    queryKey: [...keys.connections, connection?.id, connection?.address, "models"],
    queryFn: ({ signal }) =>
      take(api.GET("/api/settings/providers/{id}/models", { params: { path: { id: connection?.id ?? "" } }, signal })),
    enabled: connection !== null && connection.problem == null,
    staleTime: 60_000,
    retry: false,
  });
}
