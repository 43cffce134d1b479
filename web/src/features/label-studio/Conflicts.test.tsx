// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LabelStudioConflict } from "../../shared/api/types";
import "../../shared/i18n";
import { Conflicts } from "./Conflicts";

const talk = (answer: string) => [
  { role: "user", content: "When does it open?" },
  { role: "assistant", content: answer },
];
const CONFLICTS: LabelStudioConflict[] = [
  {
    example_id: "example-1",
    remote_project: 7,
    task_url: "http://label.test/projects/7/data?task=1",
    why: "both_changed",
    ours: { messages: talk("At nine."), status: "approved", by: null, issues: [], rating: null, changed_at: "2026-01-01T10:00:00Z" },
    theirs: { messages: talk("At 9:15."), status: "rejected", by: "ada@label.test", issues: ["too vague"], rating: 4, changed_at: "2026-01-02T10:00:00Z" },
  },
  {
    example_id: "example-2",
    remote_project: 7,
    task_url: "http://label.test/projects/7/data?task=2",
    why: "deleted_here",
    ours: null,
    theirs: { messages: talk("At ten."), status: "approved", by: "ada@label.test", issues: [], rating: null, changed_at: null },
  },
];

let open: LabelStudioConflict[] = [];
const requests: string[] = [];

afterEach(cleanup);

beforeEach(() => {
  open = [...CONFLICTS];
  requests.length = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const asked = input as Request;
    const path = new URL(asked.url).pathname;
    if (asked.method === "GET") return Response.json({ items: open, total: open.length, page: 1, per_page: 10 });
    requests.push(`${path} ${await asked.text()}`);
    open = open.filter((conflict) => !path.endsWith(conflict.example_id));
    return new Response(null, { status: 204 });
  });
});

it("shows both sides, and takes the one that was chosen", async () => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Conflicts projectId="project-1" />
    </QueryClientProvider>,
  );
  const [first, second] = (await screen.findAllByRole("listitem")) as [HTMLElement, HTMLElement];
  expect(within(first).getByRole("region", { name: "Here" }).textContent).toContain("At nine.");
  const theirs = within(first).getByRole("region", { name: "In Label Studio" });
  for (const words of ["At 9:15.", "Rejected", "ada@label.test", "4 of 5", "too vague"]) expect(theirs.textContent).toContain(words);
  expect(second.textContent).toContain("Deleted here.");

  await userEvent.click(within(first).getByRole("button", { name: "Take theirs" }));
  await vi.waitFor(() => expect(screen.getAllByRole("listitem")).toHaveLength(1));
  await userEvent.click(screen.getByRole("button", { name: "Keep ours" }));
  await vi.waitFor(() => expect(screen.queryByRole("listitem")).toBeNull());
  const base = "/api/projects/project-1/label-studio/conflicts";
  expect(requests).toEqual([`${base}/example-1 {"take":"theirs"}`, `${base}/example-2 {"take":"ours"}`]);
});
