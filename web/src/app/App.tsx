import { QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter, RouterProvider } from "react-router";
import { queryClient } from "../shared/api/queryClient";
import { routes } from "./routes";

const router = createBrowserRouter(routes);

/** The whole app: what it knows of the server, and the page for the address. */
export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
