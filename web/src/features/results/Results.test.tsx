// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import type { Evaluation, EvaluationAnswer, Run } from "../../shared/api/types";
import "../../shared/i18n";
import { Answers } from "./Answers";
import { AllFigures } from "./Figures";
import { Report } from "./Report";

const said = (text: string, rest: object = {}) => ({ text, tokens: 3, complete: true, ...rest });
const answer = (question: string, rest: object = {}): EvaluationAnswer => ({
  set: "recall",
  question,
  base: said("I do not know."),
  adapter: said("At nine.", { words: 1 }),
  ...rest,
});
const EVALUATION: Evaluation = {
  id: "job-1",
  run_id: "run-1",
  created_at: "2026-01-01T10:00:00Z",
  split: "held_back",
  examples: 12,
  base: { eval_loss: 3, perplexity: 20.09, token_accuracy: 0.4 },
  adapter: { eval_loss: 1, perplexity: 2.72, token_accuracy: 0.8 },
  held_out: { examples: 5, base: { perplexity: 25 }, adapter: { perplexity: 24 } },
  general: { base_loss: 2, adapter_loss: 2.2, change: 0.1, verdict: "slightly_lost", tokens: 900 },
  answers: [],
};

afterEach(cleanup);

const show = (page: ReactNode) => render(<QueryClientProvider client={new QueryClient()}>{page}</QueryClientProvider>);

it("tells recall, held-out sections and general ability apart", () => {
  show(<AllFigures evaluation={EVALUATION} />);
  expect(screen.getByTestId("perplexity-after").textContent).toBe("2.72");
  expect(screen.getByTestId("held-out-perplexity-before").textContent).toBe("25");
  const general = screen.getByTestId("general");
  expect(within(general).getByText("Slightly lost")).toBeTruthy();
  expect(general.textContent).toContain("2.000 before, 2.200 after, a rise of 10.0%");
});

it("shows an evaluation of an older version too", () => {
  const { held_out: _, general: __, ...older } = EVALUATION;
  show(<AllFigures evaluation={{ ...older, split: "training" }} />);
  expect(screen.queryByTestId("general")).toBeNull();
  expect(screen.queryByTestId("held-out-perplexity-before")).toBeNull();
  expect(screen.getByText(/also trained on/)).toBeTruthy();
});

it("puts answers side by side by document, with what they lack", () => {
  const answers = [
    answer("When?", { file_name: "hours.pdf", chunk_id: "chunk-1", page_start: 3, page_end: 3, expected: "At nine." }),
    answer("Own?", { set: "own", base: said("cut", { complete: false }), adapter: said("", { problem: "the prompt is too long" }) }),
    answer("Apart?", { set: "held_out", file_name: "hours.pdf" }),
  ];
  show(<Answers projectId="p" evaluation={{ ...EVALUATION, answers }} />);
  expect(screen.getAllByRole("heading", { level: 3 }).map((heading) => heading.textContent)).toEqual(["hours.pdf", "Your own questions"]);
  expect(screen.getByRole("button", { name: "Page 3" })).toBeTruthy();
  expect(screen.getByText("Held out")).toBeTruthy();
  expect(screen.getAllByText("100% of the expected words")).toHaveLength(2);
  expect(screen.getByText("Cut off at the longest length")).toBeTruthy();
  expect(screen.getByText("the prompt is too long")).toBeTruthy();
});

it("reads the report without taking anything in it as HTML", async () => {
  const text = '# Report\n\n| question | answer |\n|---|---|\n| <img src=x onerror=alert(1)> | **b** |\n\n<svg onload="alert(1)"></svg>\n';
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    asked.push(new URL((input as Request).url).pathname);
    return new Response(text, { headers: { "content-type": "text/markdown" } });
  });
  const { container } = show(<Report run={{ id: "run-1", project_id: "p", number: 2 } as Run} />);
  expect(asked).toEqual([]);
  expect(screen.getByRole("link", { name: "Download" }).getAttribute("download")).toBe("report-run2.md");
  await userEvent.click(screen.getByRole("button", { name: "Show the report" }));
  const picture = await screen.findByRole("img", { name: "Loss by step" });
  expect(picture.getAttribute("src")).toMatch(/^data:image\/svg\+xml;charset=utf-8,%3Csvg/);
  expect(screen.getByText("<img src=x onerror=alert(1)>")).toBeTruthy();
  expect(container.querySelectorAll("[onerror], [onload], [data-testid=report] svg")).toHaveLength(0);
  expect(asked).toEqual(["/api/projects/p/runs/run-1/report"]);
});
