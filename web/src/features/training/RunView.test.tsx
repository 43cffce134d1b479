// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Run } from "../../shared/api/types";
import "../../shared/i18n";
import { FakeEventSource } from "../../../tests/FakeEventSource";
import { RunView } from "./RunView";

// It draws on a canvas, which there is none of here.
vi.mock("./Chart", () => ({ default: ({ label }: { label: string }) => <p>{label}</p> }));

const RUN = {
  id: "run-1",
  project_id: "project-1",
  number: 1,
  name: "Run 1",
  job_id: "job-1",
  status: "interrupted",
  model_id: "base",
  config: { method: "lora", learning_rate: 0.0002 },
  step: 2,
  total_steps: 6,
  progress: 0.33,
  loss: 2.5,
  resumable: true,
  has_adapter: false,
  created_at: "2026-01-01T10:00:00Z",
} as Run;

const STEPS = [3, 4].map((step) => ({ step, loss: 2 - step / 10, learning_rate: 0.0002, time: "2026-01-01T10:00:00Z" }));

const requests: string[] = [];
let jobStatus = "failed";
let polled: Partial<Run> | null = null;

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

beforeEach(() => {
  FakeEventSource.install();
  requests.length = 0;
  jobStatus = "failed";
  polled = null;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const asked = input as Request;
    const path = new URL(asked.url).pathname;
    requests.push(`${asked.method} ${path} ${await asked.clone().text()}`);
    if (path === "/api/jobs/job-1") return Response.json({ id: "job-1", status: jobStatus });
    if (polled && path.endsWith("/runs/run-1")) return Response.json({ ...RUN, ...polled });
    if (polled && path.endsWith("/runs/run-1/metrics")) return Response.json({ run_id: "run-1", steps: STEPS, evaluations: [{ step: 4, eval_loss: 1.75 }] });
    if (!path.endsWith("/train/resume")) return Response.json({ error: { code: "not_found" } }, { status: 404 });
    return Response.json({ job: { id: "job-2" }, run: { ...RUN, status: "queued" } }, { status: 202 });
  });
});

function show(run: Run) {
  const page = (shown: Run) => (
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter>
        <RunView run={shown} others={[]} />
      </MemoryRouter>
    </QueryClientProvider>
  );
  const { rerender } = render(page(run));
  return (changed: Run) => rerender(page(changed));
}

it("says plainly that a training was interrupted, and lets it go on from its checkpoint", async () => {
  const change = show(RUN);
  expect(screen.getByText("The training was interrupted")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Go on from the checkpoint" }));
  expect(requests).toContain('POST /api/projects/project-1/train/resume {"run_id":"run-1"}');

  // The run has another job now: its events are told from the first one again.
  change({ ...RUN, status: "running", job_id: "job-2" });
  expect(FakeEventSource.all).toHaveLength(2);
  expect(FakeEventSource.all[0]?.readyState).toBe(FakeEventSource.CLOSED);
  expect(screen.queryByText("The training was interrupted")).toBeNull();
  expect(screen.getByRole("button", { name: "Stop" })).toBeTruthy();
});

it("does not offer to resume what goes on by itself", async () => {
  jobStatus = "queued";
  show(RUN);
  expect(await screen.findByText(/goes on by itself/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Go on from the checkpoint" })).toBeNull();
  expect(screen.getByRole("button", { name: "Stop" })).toBeTruthy();
});

it("shows the steps as they come, and the end", async () => {
  show({ ...RUN, status: "running", resumable: false });
  const source = FakeEventSource.all[0];
  act(() => {
    source?.send("plan", { total_steps: 6, resumed_steps: 0, plan: { total_bytes: 300 * 2 ** 20 } });
    source?.send("log", { level: "info", message: "the first line" });
    source?.send("log", { level: "warning", message: "3 rows were longer than 64 tokens and were cut", code: "Truncated", params: { count: 3, max_seq_len: 64 } });
    const figures = { learning_rate: 0.0002, tokens_per_second: 900, seconds_left: 75, grad_norm: 0.25, epoch: 1.5 };
    const memory = { memory_bytes: 200 * 2 ** 20, peak_memory_bytes: 250 * 2 ** 20 };
    source?.send("step", { step: 3, total_steps: 6, loss: 1.5, ...figures, ...memory }, "7");
  });
  expect(await screen.findByText("200 MiB")).toBeTruthy();
  expect(screen.getByText("250 MiB at most, 300 MiB planned")).toBeTruthy();
  expect(screen.getByText("0.25")).toBeTruthy();
  expect(screen.getByText("Examples longer than 64 tokens, which were cut: 3.")).toBeTruthy();
  await userEvent.type(screen.getByLabelText("Search the messages"), "LONGER");
  expect(screen.getByText(/were cut/)).toBeTruthy();
  expect(screen.queryByText("the first line")).toBeNull();
  await userEvent.clear(screen.getByLabelText("Search the messages"));
  await userEvent.selectOptions(screen.getByLabelText("Show", { selector: "select:has(option[value=warnings])" }), "warnings");
  expect(screen.queryByText("the first line")).toBeNull();
  act(() => {
    source?.send("end", { status: "completed" });
  });
  expect(await screen.findByText("3 of 6")).toBeTruthy();
  expect(screen.getByText("1.500")).toBeTruthy();
  expect(screen.getByText("Finished")).toBeTruthy();
  expect(source?.readyState).toBe(FakeEventSource.CLOSED);
});

it("asks for the figures and the end while the stream cannot be opened, and goes on with the stream", async () => {
  vi.useFakeTimers();
  const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
  polled = { status: "running", step: 4 };
  show({ ...RUN, status: "running", resumable: false });
  await pass(0);
  expect(requests.filter((request) => request.includes("/metrics"))).toEqual([]);
  act(() => FakeEventSource.all[0]?.fail(FakeEventSource.CLOSED));
  await pass(100);
  expect(screen.getByText("4 of 6")).toBeTruthy();
  expect(screen.getByText("1.600")).toBeTruthy();
  expect(screen.getByText("1.750")).toBeTruthy();

  polled = { status: "failed" };
  await pass(2100);
  expect(screen.getByText("Failed")).toBeTruthy();

  // The refused stream is tried again; its replay tells what was there before, and what came since.
  await pass(1000);
  const source = FakeEventSource.all[1];
  act(() => {
    source?.onopen?.();
    for (const step of [3, 4, 5]) source?.send("step", { step, total_steps: 6, loss: 1 }, String(step));
    source?.send("end", { status: "failed" });
  });
  await pass(100);
  expect(screen.getByText("5 of 6")).toBeTruthy();
});
