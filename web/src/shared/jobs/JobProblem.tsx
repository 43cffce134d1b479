import { Problem } from "../api/problem";
import type { Job } from "../api/types";
import { ProblemNote } from "../ui/ProblemNote";

/** Why a job failed; nothing for a job that did not. */
export function JobProblem(props: { job: Job | null; className?: string }) {
  const { job } = props;
  if (job?.status !== "failed" || !job.error) return null;
  return <ProblemNote problem={new Problem(job.error)} {...(props.className ? { className: props.className } : {})} />;
}
