import { Navigate } from "react-router";
import { useOpenProject } from "../shared/api/useOpenProject";
import { nextStep } from "../shared/lib/steps";

/** A project without a step in the address: the first step that is not done, or what came of all of them. */
export function ProjectIndex() {
  const project = useOpenProject();
  return <Navigate to={nextStep(project.steps) ?? "results"} replace />;
}
