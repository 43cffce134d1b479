import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter, RouterProvider } from "react-router";
import { asProblem } from "../shared/api/problem";
import { routes } from "./routes";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      networkMode: "always",
      retry: (failures, error) => failures < 2 && asProblem(error).mayPass,
    },
    mutations: { networkMode: "always" },
  },
});

const router = createBrowserRouter(routes);

/** The whole app: what it knows of the server, and the page for the address. */
export function App() {
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
