// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { OllamaState } from "../../shared/api/types";
import "../../shared/i18n";
import { OllamaPush } from "./OllamaPush";

const THERE: OllamaState = {
  address: "http://ollama.test",
  reachable: true,
  version: "0.17.4",
  problem: null,
  models: ["handbook:latest"],
  suggested_name: "handbook",
};
const COMPARED = { verdict: "equal", compared: 8, equal: 8, differences: [], note: null };
const RESULT = {
  run_id: "run-1",
  name: "handbook",
  address: "http://ollama.test",
  warnings: ["The licence lies beside it."],
  prompts: { ...COMPARED, verdict: "different", equal: 7, differences: ["A conversation of 1 message(s)…"] },
  answers: COMPARED,
};

let state = THERE;
let jobs: object[] = [];
const requests: string[] = [];

afterEach(cleanup);

beforeEach(() => {
  [state, jobs, requests.length] = [THERE, [], 0];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const asked = input as Request;
    const path = new URL(asked.url).pathname;
    if (path === "/api/jobs") return Response.json({ items: jobs, total: jobs.length, page: 1, per_page: 1 });
    if (path === "/api/settings") return Response.json({ options: { quantizations: [{ id: "f16", label: "f16" }] } });
    if (asked.method === "GET") return Response.json(state);
    requests.push(await asked.text());
    return Response.json({ job: { id: "job-1", kind: "ollama_push", status: "completed", created_at: "2026-01-01T10:00:00Z", result: RESULT } }, { status: 202 });
  });
});

function show() {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <OllamaPush projectId="project-1" runId="run-1" />
    </QueryClientProvider>,
  );
}

it("replaces a model only where that is asked for, and tells what was found", async () => {
  show();
  const start = (await screen.findByRole("button", { name: "Put into Ollama" })) as HTMLButtonElement;
  expect(start.disabled).toBe(true);
  await userEvent.click(screen.getByRole("checkbox", { name: "Replace the model of this name" }));
  await userEvent.click(start);
  expect(await screen.findByText("7 of 8 conversations reach the model as in the training.")).toBeTruthy();
  expect(screen.getByText("Different")).toBeTruthy();
  expect(screen.getByText("8 of 8 answers are the same as here.")).toBeTruthy();
  expect(screen.getByText("The licence lies beside it.")).toBeTruthy();
  expect(requests).toEqual(['{"run_id":"run-1","name":"handbook","quantization":"f16","replace":true}']);
});

it("says what to do where no Ollama answers", async () => {
  state = { ...THERE, reachable: false, version: null, problem: "no Ollama answers", models: [] };
  show();
  expect(await screen.findByText("No Ollama answers at http://ollama.test")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Put into Ollama" })).toBeNull();
});
