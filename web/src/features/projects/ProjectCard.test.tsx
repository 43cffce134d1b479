// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it } from "vitest";
import type { Project } from "../../shared/api/types";
import "../../shared/i18n";
import { STEP_IDS, type StepState } from "../../shared/lib/steps";
import { ProjectCard } from "./ProjectCard";

afterEach(cleanup);

const TIME = "2026-01-02T03:04:05Z";
const steps = (done: number, last: StepState = "todo") =>
  STEP_IDS.map((id, index) => ({ id, state: index < done ? ("done" as const) : index === done ? last : ("todo" as const) }));

function show(change: Partial<Project>) {
  const counts = { files: 2, documents: 2, chunks: 3, examples: 1, approved: 1, pending: 0, runs: 0 };
  const project: Project = {
    id: "p", name: "Handbook", description: "", model_id: "base", task: "question_answering", language: "en",
    created_at: TIME, updated_at: TIME, counts, steps: steps(0), choices: {}, active_job: null, last_run: null, ...change,
  };
  render(<MemoryRouter><ul><ProjectCard project={project} onEdit={() => {}} onDelete={() => {}} /></ul></MemoryRouter>);
}

it("names the step to go on with, and how many are done", () => {
  show({ steps: steps(3) });
  screen.getByText("Next: Preview");
  expect(screen.getByRole("progressbar", { name: "3 of 8 steps are done" }).getAttribute("aria-valuenow")).toBe("38");
  screen.getByText("No training yet");
  screen.getByText("2 documents · 1 example · 0 trainings");
});

it("puts what needs a look before what comes next", () => {
  show({ steps: steps(2, "attention") });
  screen.getByText("Data needs a look");
  expect(screen.queryByText(/Next:/)).toBeNull();
});

it("shows the job at work with its progress, and the last training", () => {
  const active_job = { id: "j", kind: "export", status: "running", progress: { fraction: 0.25 } } as unknown as Project["active_job"];
  show({ active_job, last_run: { id: "r", status: "completed", loss: 0.12345, updated_at: TIME } });
  expect(screen.getByRole("progressbar", { name: "Export" }).getAttribute("aria-valuenow")).toBe("25");
  screen.getByText("Finished");
  screen.getByText("loss 0.123");
});

it("says when everything is done", () => {
  show({ steps: steps(8) });
  screen.getByText("All steps are done");
});
