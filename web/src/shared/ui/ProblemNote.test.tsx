// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { i18n } from "../i18n";
import { ProblemNote } from "./ProblemNote";

afterEach(async () => {
  cleanup();
  await i18n.changeLanguage("en");
});

const PROBLEM = new Problem({
  code: "nothing_to_do",
  message: "The project has no approved example.",
  hint: "Generate or import examples and approve at least one.",
  request_id: "r-1",
});

it("shows the server's words and hint to readers of English", () => {
  render(<ProblemNote problem={PROBLEM} />);
  expect(screen.getByText("A step before this one is missing")).toBeTruthy();
  expect(screen.getByText(PROBLEM.message)).toBeTruthy();
  expect(screen.getByText(PROBLEM.hint)).toBeTruthy();
  expect(screen.getByText("r-1")).toBeTruthy();
});

it("translates title and hint by the code", async () => {
  await i18n.changeLanguage("fr");
  render(<ProblemNote problem={PROBLEM} />);
  expect(screen.getByText("Il manque une étape avant celle-ci")).toBeTruthy();
  expect(screen.getByText("Faites d'abord cette étape.")).toBeTruthy();
  expect(screen.getByText(PROBLEM.message).lang).toBe("en");
});

it("falls back on the server's message for a code that it does not know", async () => {
  await i18n.changeLanguage("fr");
  render(<ProblemNote problem={new Problem({ code: "novelty", message: "Something new.", hint: "Look at it." })} />);
  expect(screen.getByText("Something new.")).toBeTruthy();
  expect(screen.getByText("Look at it.")).toBeTruthy();
});

it("names the fields that are wrong, and what it cannot name at all", () => {
  render(<ProblemNote problem={new Problem({ code: "invalid_request", fields: [{ field: "rank", message: "must be whole" }] })} />);
  expect(screen.getByText("rank")).toBeTruthy();
  render(<ProblemNote problem={new TypeError("fetch failed")} />);
  expect(screen.getByText("The studio does not answer")).toBeTruthy();
});

it("translates a known cause with its values, and leaves the words of others in English", async () => {
  const params = { address: "http://localhost:9", detail: "connection refused" };
  const failed = { code: "server_unreachable", params, message: "http://localhost:9 cannot be reached", hint: "Start it." };
  await i18n.changeLanguage("fr");
  render(<ProblemNote problem={new Problem(failed)} />);
  expect(screen.getByText("Personne ne répond à http://localhost:9").lang).toBe("");
  expect(screen.getByText("connection refused").lang).toBe("en");
  expect(screen.queryByText(failed.message)).toBeNull();
  cleanup();

  const unread = { code: "unreadable_document", params: { reason: "no_text", file: "scan.pdf" }, message: "scan.pdf: no text" };
  render(<ProblemNote problem={new Problem(unread)} />);
  expect(screen.getByText("scan.pdf ne peut pas être lu")).toBeTruthy();
  expect(screen.getByText(/sont des images/)).toBeTruthy();
  cleanup();

  // Without the values of the cause's text, its code says what it can.
  render(<ProblemNote problem={new Problem({ code: "does_not_fit", message: "It needs 9 GiB." })} />);
  expect(screen.getByText("Cet entraînement ne tient pas dans la mémoire")).toBeTruthy();
  expect(screen.getByText("It needs 9 GiB.").lang).toBe("en");
});

it("translates the message where it names a reason or a cause, and leaves it out where the title says it", async () => {
  await i18n.changeLanguage("fr");
  render(<ProblemNote problem={new Problem({ ...PROBLEM, params: { reason: "nothing_approved" } })} />);
  expect(screen.getByText(/n'a pas d'exemple approuvé/).lang).toBe("");
  expect(screen.queryByText(PROBLEM.message)).toBeNull();
  cleanup();

  const params = { cause: "server_timed_out", address: "http://a", seconds: 5 };
  render(<ProblemNote problem={new Problem({ code: "provider_failed", params, message: "http://a gave no answer" })} />);
  expect(screen.getByText("http://a n'a pas donné de réponse complète en 5 secondes")).toBeTruthy();
  cleanup();

  render(<ProblemNote problem={new Problem({ code: "run_not_found", params: { id: "7" }, message: "There is no run 7." })} />);
  expect(screen.queryByText("There is no run 7.")).toBeNull();
});
