// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import "../../shared/i18n";
import { EditExample } from "./EditExample";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it("writes an example, and nothing that is not whole", async () => {
  const sent: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = input as Request;
    sent.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json({ id: "new", messages: [], status: "approved" }, { status: 201 });
  });
  const onClose = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <EditExample projectId="p" example={null} onClose={onClose} />
    </QueryClientProvider>,
  );
  const save = screen.getByRole("button", { name: "Save" });
  await userEvent.type(screen.getByLabelText("Question"), "Where?");
  await userEvent.click(save);
  expect(sent).toEqual([]);
  await userEvent.type(screen.getByLabelText("Answer"), "Here.");
  await userEvent.click(save);
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent).toEqual([
    'POST /api/projects/p/dataset/examples {"messages":[{"role":"user","content":"Where?"},{"role":"assistant","content":"Here."}]}',
  ]);
});
