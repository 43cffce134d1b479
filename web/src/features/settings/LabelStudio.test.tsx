// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LabelStudioConnection } from "../../shared/api/types";
import "../../shared/i18n";
import { LabelStudio } from "./LabelStudio";

let kept: LabelStudioConnection;
const bodies: string[] = [];

afterEach(cleanup);

beforeEach(() => {
  kept = { address: "http://label.test", has_token: true, token_kind: "personal", problem: null };
  bodies.length = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const asked = input as Request;
    if (asked.method === "PUT") {
      bodies.push(await asked.text());
      kept = { ...kept, address: JSON.parse(bodies[0] ?? "{}").address };
    }
    return Response.json(kept);
  });
});

it("keeps a token without showing it, and asks for it again at another address", async () => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <LabelStudio />
    </QueryClientProvider>,
  );
  const address = await screen.findByLabelText("Address");
  const token = screen.getByLabelText<HTMLInputElement>("Access token");
  expect(token.value).toBe("");
  screen.getByText("A token is kept. Leave this empty to keep it.");
  await userEvent.clear(address);
  await userEvent.type(address, "label.test");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  screen.getByText("Write it as http://localhost:8080.");
  expect(bodies).toEqual([]);
  await userEvent.clear(address);
  await userEvent.type(address, "http://other.test");
  screen.getByText(/belongs to http:\/\/label.test and is not sent elsewhere/);
  await userEvent.type(token, "fresh");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await vi.waitFor(() => expect(bodies).toEqual(['{"address":"http://other.test","token":"fresh"}']));
});
