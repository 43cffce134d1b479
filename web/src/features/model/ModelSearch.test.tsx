// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ModelFacts } from "../../shared/api/types";
import "../../shared/i18n";
import { ModelSearch } from "./ModelSearch";

const COMMIT = "0123456789012345678901234567890123456789";
let facts: ModelFacts;
const bodies: string[] = [];

const found = {
  id: "org/model", ollama: "small:1b", family: "llama", supported: true, parameters: 135_000_000, gated: false, downloads: 5, downloaded: false,
};

afterEach(cleanup);

beforeEach(() => {
  bodies.length = 0;
  facts = {
    id: "org/model", source: "hub", ollama: "small:1b", revision: "main", commit: COMMIT, page: "https://hub.test/org/model", downloaded: false,
    family: "llama", parameters: 135_000_000, context_length: 2048, vocabulary_size: 49152, license: "apache-2.0", gated: false,
    size_bytes: 2 << 20, download_bytes: 2 << 20, free_disk_bytes: 1 << 30, available_memory_bytes: 1 << 30,
    methods: [
      { method: "lora", fits: true, micro_batch_size: 4, max_seq_len: 1024, required_bytes: 500 << 20 },
      { method: "full", fits: false, micro_batch_size: 1, max_seq_len: 128, required_bytes: 2_000_000_000 },
    ],
    problem: null,
  };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const asked = input as Request;
    const { pathname } = new URL(asked.url);
    if (pathname === "/api/models/search") return Response.json({ items: [found], offline: false });
    if (pathname === "/api/models/resolve") return Response.json(facts);
    if (pathname === "/api/models/download") {
      bodies.push(await asked.text());
      return Response.json({ job: { id: "j", kind: "download_model", status: "completed", attempts: 1, result: { model: "org/model" } } });
    }
    return Response.json({ items: [], total: 0, page: 1, per_page: 1 });
  });
});

async function pick(onChoose = vi.fn()) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ModelSearch chosen="base" onChoose={onChoose} />
    </QueryClientProvider>,
  );
  await userEvent.type(screen.getByLabelText("Name, address or Ollama's name"), "small:1b{Enter}");
  await userEvent.click(await screen.findByRole("button", { name: /org\/model/ }));
  return screen.findByRole("region", { name: "org/model" });
}

it("shows what a model is and what fits, and downloads the commit that was shown", async () => {
  const onChoose = vi.fn();
  const card = within(await pick(onChoose));
  for (const text of ["apache-2.0", "135M parameters", "2,048 tokens", "2 MiB, 1 GiB free"]) card.getByText(text);
  within(card.getByText("LoRA").closest("li") as HTMLElement).getByText("fits");
  within(card.getByText("All weights").closest("li") as HTMLElement).getByText("does not fit");
  await userEvent.click(card.getByRole("button", { name: /Download 2/ }));
  await vi.waitFor(() => expect(bodies).toEqual([JSON.stringify({ model: "org/model", commit: COMMIT })]));
  await userEvent.click(await card.findByRole("button", { name: "Use this model" }));
  expect(onChoose).toHaveBeenCalledWith("org/model");
});

it("leads to the page where a licence is accepted, and offers no download before", async () => {
  facts = {
    ...facts, gated: true,
    problem: { code: "hub_model_gated", message: "org/model is gated.", hint: "Accept it.", link: "https://hub.test/org/model" },
  };
  const card = within(await pick());
  card.getByText("The licence of this model must be accepted first");
  expect(card.getByRole("link", { name: "Accept the licence on its page" }).getAttribute("href")).toBe("https://hub.test/org/model");
  expect(card.queryByRole("button", { name: /Download/ })).toBeNull();
});

it("goes on with a download that was stopped", async () => {
  facts = { ...facts, size_bytes: 5 << 20 };
  const card = within(await pick());
  card.getByRole("button", { name: /Go on: 2.MiB left/ });
});
