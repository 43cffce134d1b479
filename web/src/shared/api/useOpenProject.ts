import { useOutletContext } from "react-router";
import type { Project } from "./types";

/** The project whose step is shown. */
export function useOpenProject(): Project {
  return useOutletContext<Project>();
}
