// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Project, TrainingPlan, WayPlan } from "../../shared/api/types";
import "../../shared/i18n";
import { Plan } from "./Plan";

const MIB = 1 << 20;
const project = { id: "p", model_id: "base", choices: {}, steps: [], active_job: null } as unknown as Project;
let plan: TrainingPlan;
let kept: unknown[];

const way = (id: string, change: Partial<WayPlan> = {}): WayPlan => ({
  id,
  chosen: id === "lora",
  fits: true,
  required_bytes: 100 * MIB,
  parts: { weights: 60 * MIB, adapters: 10 * MIB, optimizer: 10 * MIB, activations: 10 * MIB, logits: 5 * MIB, buffers: 5 * MIB },
  smaller: null,
  ...change,
});

beforeEach(() => {
  kept = [];
  plan = {
    model_id: "base", micro_batch_size: 4, gradient_accumulation_steps: 1, max_seq_len: 1024,
    available_bytes: 80 * MIB, total_bytes: 200 * MIB, ways: [way("lora"), way("qlora"), way("full")],
  };
  vi.stubGlobal("fetch", async (request: Request) => {
    if (request.method === "PUT") kept.push(await request.json());
    if (request.method === "POST") return Response.json(plan);
    return request.method === "GET" ? Response.json(project) : new Response(null, { status: 204 });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show() {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter>
        <Plan project={project} />
      </MemoryRouter>
    </QueryClientProvider>,
  );
}

it("shows each way with its parts, and takes another one", async () => {
  show();
  const lora = within((await screen.findByText("LoRA")).closest("li") as HTMLElement);
  lora.getByText("chosen");
  lora.getByText("60 MiB");
  await userEvent.click(screen.getByRole("button", { name: "Train this way: QLoRA (base in 4 bits)" }));
  await waitFor(() => expect(kept).toEqual([{ method: "lora", base_precision: "nf4" }]));
});

it("offers what would fit where the chosen way does not", async () => {
  const smaller = { micro_batch_size: 1, gradient_accumulation_steps: 4, max_seq_len: 512, required_bytes: 70 * MIB };
  plan.ways = [way("lora", { fits: false, smaller }), way("qlora"), way("full")];
  show();
  await screen.findByText("The chosen training does not fit");
  screen.getByText(/20 MiB of memory are missing/);
  screen.getByRole("button", { name: "Another method: QLoRA (base in 4 bits)" });
  expect(screen.queryByRole("button", { name: "Another method: All weights" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Smaller portions: 1 × 512 tokens" }));
  const settings = { method: "lora", micro_batch_size: 1, gradient_accumulation_steps: 4, max_seq_len: 512 };
  await waitFor(() => expect(kept).toEqual([settings]));
});

it("sends to the models where nothing helps", async () => {
  plan.ways = [way("lora", { fits: false }), way("full", { fits: false })];
  show();
  await screen.findByText("No settings of this model fit into the free memory.");
  expect(screen.getByRole("link", { name: "Choose a smaller model" }).getAttribute("href")).toBe("/projects/p/model");
});
