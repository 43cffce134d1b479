// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keys } from "./queries";
import { useStepChoices } from "./useStepChoices";

interface Sent {
  step: string;
  body: unknown;
  answer: (status: number) => void;
}

let sent: Sent[];
let client: QueryClient;
/** What the server has. */
let kept: Record<string, unknown>;

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  sent = [];
  kept = { task: { task: "chat" } };
  vi.stubGlobal("fetch", async (request: Request) => {
    if (request.method === "GET") return Response.json({ id: "p", choices: kept, steps: [], active_job: null });
    const body: unknown = await request.json();
    const step = new URL(request.url).pathname.split("/").at(-1) ?? "";
    return new Promise<Response>((resolve) => {
      const answer = (status: number) => {
        if (status === 204) kept = { ...kept, [step]: body };
        resolve(status === 204 ? new Response(null, { status }) : Response.json({ error: { code: "internal", message: "x" } }, { status }));
      };
      sent.push({ step, body, answer });
    });
  });
  client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 0 } } });
});

afterEach(() => {
  cleanup();
  client.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const Around = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
const open = (step: "task" | "train" = "task") =>
  renderHook(() => useStepChoices<{ task: string; language: string }>("p", step), { wrapper: Around });
const pause = () => act(() => vi.advanceTimersByTimeAsync(600));

it("shows what the server keeps, and sends several edits as one", async () => {
  const { result } = open();
  await waitFor(() => expect(result.current.value).toEqual({ task: "chat" }));
  act(() => result.current.update({ language: "F" }));
  act(() => result.current.update({ language: "French" }));
  expect(result.current.value).toEqual({ task: "chat", language: "French" });
  expect(result.current.isSaved).toBe(false);
  await pause();
  expect(sent.map((one) => one.body)).toEqual([{ task: "chat", language: "French" }]);
  await act(async () => sent[0]?.answer(204));
  await waitFor(() => expect(result.current.isSaved).toBe(true));
  expect(result.current.value).toEqual({ task: "chat", language: "French" });
});

it("takes out a field, and forgets all of them", async () => {
  const { result } = open();
  await waitFor(() => expect(result.current.value.task).toBe("chat"));
  act(() => result.current.update({ language: "de" }));
  act(() => result.current.update({ task: undefined }));
  expect(result.current.value).toEqual({ language: "de" });
  act(() => result.current.replace({}));
  expect(result.current.value).toEqual({});
});

it("keeps an edit while older answers come in, and sends what came meanwhile", async () => {
  const { result } = open();
  await waitFor(() => expect(result.current.value.task).toBe("chat"));
  act(() => result.current.update({ task: "summary" }));
  await pause();
  act(() => result.current.update({ task: "instruction" }));
  await act(() => client.refetchQueries({ queryKey: keys.project("p") }));
  expect(result.current.value.task).toBe("instruction");
  await pause();
  expect(sent.length).toBe(1);
  await act(async () => sent[0]?.answer(204));
  expect(result.current.value.task).toBe("instruction");
  expect(sent.map((one) => one.body)).toEqual([{ task: "summary" }, { task: "instruction" }]);
  await act(async () => sent[1]?.answer(204));
  await waitFor(() => expect(result.current.isSaved).toBe(true));
});

it("keeps an edit that could not be saved, and tries again when it is told to", async () => {
  const { result } = open();
  await waitFor(() => expect(result.current.value.task).toBe("chat"));
  act(() => result.current.update({ task: "summary" }));
  await pause();
  await act(async () => sent[0]?.answer(500));
  expect(result.current.problem).not.toBe(null);
  expect(result.current.value.task).toBe("summary");
  act(() => result.current.retry());
  await waitFor(() => expect(sent.length).toBe(2));
  await act(async () => sent[1]?.answer(204));
  await waitFor(() => expect(result.current.problem).toBe(null));
});

it("does not wait when the page is left", async () => {
  const { result, unmount } = open("train");
  act(() => result.current.update({ task: "x" }));
  unmount();
  await waitFor(() => expect(sent.map((one) => [one.step, one.body])).toEqual([["train", { task: "x" }]]));
});
