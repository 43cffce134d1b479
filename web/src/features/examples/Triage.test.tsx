// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState, useSyncExternalStore } from "react";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Problem } from "../../shared/api/problem";
import type { Example, Outline } from "../../shared/api/types";
import { i18n } from "../../shared/i18n";
import { BulkNote } from "./BulkNote";
import { ReviewList, type ReviewSource } from "./reviewList";
import { Triage } from "./Triage";
import { useBulkUndo } from "./useBulkUndo";

const TOTAL = 12;
const id = (number: number) => `id-${String(number).padStart(3, "0")}`;

function example(number: number): Example {
  const turn = (role: string, content: string) => ({ role, content });
  return {
    id: id(number),
    status: "pending",
    messages: [turn("user", `Question ${number}?`), turn("assistant", `Answer ${number}.`)],
    source: "import",
    provenance: { headings: [] } as unknown as Example["provenance"],
    issues: [],
    reasons: [],
    score: null,
    edited: false,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
  };
}

function opened({ isSingle = false } = {}) {
  const items = Array.from({ length: TOTAL }, (_, number) => example(number));
  const outline: Outline = { total: TOTAL, window: 100, starts: [id(0)], items, counts: { pending: TOTAL, approved: 0, rejected: 0 } };
  const source = {
    window: vi.fn<ReviewSource["window"]>(async () => items),
    decide: vi.fn<ReviewSource["decide"]>(async () => example(0)),
    decideMany: vi.fn<ReviewSource["decideMany"]>(async () => {}),
  };
  const list = new ReviewList(source);
  list.take(outline);
  const setAt = vi.fn();
  function Page() {
    const [single, setSingle] = useState(isSingle);
    useSyncExternalStore(list.subscribe, list.snapshot);
    const filter = { filter: {}, narrow: () => {}, clear: () => {}, at: null, setAt, isSingle: single, setSingle };
    const bulk = useBulkUndo("p", list);
    return (
      <>
        <Triage projectId="p" list={list} filter={filter} bulk={bulk} />
        <BulkNote bulk={bulk} />
      </>
    );
  }
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter>
        <Page />
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return { list, source, setAt };
}

beforeEach(async () => {
  // A list that is drawn only where it is seen has to have a height.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(2000);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(900);
  window.matchMedia = () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }) as unknown as MediaQueryList;
  Element.prototype.scrollTo = () => {};
  await i18n.changeLanguage("en");
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const row = (number: number) => within(screen.getByText(`Question ${number}?`).closest("li") as HTMLElement);
const position = () => screen.getByTestId("position").textContent;
const said = () => document.querySelector("[aria-live=polite]")?.textContent;
const settled = (list: ReviewList) => act(() => list.settled());

it("approves and rejects by key, goes on each time, and says so", async () => {
  const { list, source } = opened();
  expect(position()).toBe("1 of 12");
  await userEvent.keyboard("a");
  expect(row(0).getByText("Approved")).toBeTruthy();
  expect([position(), said()]).toEqual(["2 of 12", "Approved. 11 to review"]);
  await userEvent.keyboard("r");
  expect(row(1).getByText("Rejected")).toBeTruthy();
  expect(said()).toBe("Rejected. 10 to review");
  await settled(list);
  expect(source.decide.mock.calls).toEqual([
    [id(0), "approved"],
    [id(1), "rejected"],
  ]);
  expect(document.activeElement?.getAttribute("data-index"), "the line that is looked at has the focus").toBe("2");
});

it("goes up and down, and not beyond the ends", async () => {
  opened();
  await userEvent.keyboard("k");
  expect(position()).toBe("1 of 12");
  await userEvent.keyboard("jj{ArrowDown}k");
  expect(position()).toBe("3 of 12");
});

it("undoes the last decision and goes back to it", async () => {
  const { list } = opened();
  await userEvent.keyboard("aju");
  await settled(list);
  expect(row(0).getByText("To review")).toBeTruthy();
  expect([position(), said()]).toEqual(["1 of 12", "Undone."]);
});

it("takes a decision back that the server refuses, and says why", async () => {
  const { list, source } = opened();
  let refuse = () => {};
  source.decide.mockReturnValueOnce(
    new Promise((_, failed) => {
      refuse = () => failed(new Problem({ code: "storage_full", message: "The disk is full." }));
    }),
  );
  await userEvent.keyboard("a");
  expect(row(0).getByText("Approved")).toBeTruthy();
  refuse();
  await settled(list);
  expect(row(0).getByText("To review")).toBeTruthy();
  expect(screen.getByText("1 decision could not be saved and was taken back.")).toBeTruthy();
  expect(screen.getByRole("alert").textContent).toContain("The disk is full");
});

it("decides about a selection as one, which is undone as one", async () => {
  const { list, source } = opened();
  await userEvent.keyboard("xjjx");
  expect(screen.getByText("2 selected")).toBeTruthy();
  await userEvent.keyboard("a");
  await settled(list);
  expect(source.decideMany.mock.calls).toEqual([[[id(0), id(2)], "approved"]]);
  expect(screen.getByLabelText("Select all 12")).toBeTruthy();
  await userEvent.keyboard("u");
  await settled(list);
  expect(list.counts).toEqual({ pending: 12, approved: 0, rejected: 0 });
});

it("asks before it decides about all, and says how many these are", async () => {
  const { source } = opened();
  await userEvent.click(screen.getByLabelText("Select all 12"));
  await userEvent.keyboard("r");
  expect(screen.getByRole("alertdialog").textContent).toContain("Reject 12 examples?");
  await userEvent.keyboard("a");
  expect(source.decideMany).not.toHaveBeenCalled();
});

it("takes a decision about all back, by key, and once", async () => {
  opened();
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push([new URL(request.url).pathname, await request.json()]);
    return Response.json({ changed: TOTAL, batch_id: `decision ${sent.length}` });
  });
  await userEvent.click(screen.getByLabelText("Select all 12"));
  await userEvent.keyboard("r");
  await userEvent.click(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Reject" }));
  await within(await screen.findByTestId("bulk-note")).findByText("12 rejected.");
  await userEvent.keyboard("u");
  await screen.findByText("12 undone.");
  await userEvent.keyboard("u");
  expect(sent).toEqual([
    ["/api/projects/p/dataset/examples/bulk", { action: "reject", filter: {} }],
    ["/api/projects/p/dataset/examples/bulk/undo", { batch_id: "decision 1" }],
  ]);
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.queryByTestId("bulk-note")).toBeNull();
});

it("takes what was decided since back before a decision about all", async () => {
  const { list } = opened();
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(new URL(request.url).pathname);
    return Response.json({ changed: TOTAL, batch_id: "decision" });
  });
  await userEvent.click(screen.getByLabelText("Select all 12"));
  await userEvent.keyboard("r");
  await userEvent.click(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Reject" }));
  await screen.findByTestId("bulk-note");
  await userEvent.keyboard("au");
  await settled(list);
  expect(said()).toBe("Undone.");
  expect(sent).toHaveLength(1);
  await userEvent.keyboard("u");
  await screen.findByText("12 undone.");
  expect(sent).toHaveLength(2);
});

it("shows one at a time with what is left, and finds back to the list", async () => {
  opened();
  await userEvent.keyboard("j{Enter}");
  expect(screen.getByRole("article").textContent).toContain("Answer 1.");
  expect(screen.getByTestId("left").textContent).toBe("12 to review");
  await userEvent.keyboard("a");
  expect(screen.getByRole("article").textContent).toContain("Answer 2.");
  expect(screen.getByTestId("left").textContent).toBe("11 to review");
  await userEvent.keyboard("{Escape}");
  expect(position()).toBe("3 of 12");
});

it("lists the keys", async () => {
  opened({ isSingle: true });
  await userEvent.keyboard("?");
  expect(within(screen.getByRole("dialog")).getByText("Approve, and go on")).toBeTruthy();
});
