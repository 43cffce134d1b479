import { QueryClient } from "@tanstack/react-query";
import { asProblem } from "./problem";

/** What the app knows of the server. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      networkMode: "always",
      retry: (failures, error) => failures < 2 && asProblem(error).mayPass,
    },
    mutations: { networkMode: "always" },
  },
});
