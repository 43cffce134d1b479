import { expect, it } from "vitest";
import type { EvaluationAnswer } from "../../shared/api/types";
import { grouped, questionsOf } from "./answers";

const answer = (question: string, set: EvaluationAnswer["set"], file: string | null) =>
  ({ question, set, file_name: file }) as EvaluationAnswer;

it("puts answers together by document, the person's own last", () => {
  const groups = grouped([
    answer("a1", "recall", "a.pdf"),
    answer("own", "own", null),
    answer("n1", "recall", null),
    answer("b1", "held_out", "b.pdf"),
    answer("a2", "held_out", "a.pdf"),
  ]);
  expect(groups.map((group) => [group.kind, group.name, group.answers.map((one) => one.question)])).toEqual([
    ["document", "a.pdf", ["a1", "a2"]],
    ["document", "b.pdf", ["b1"]],
    ["document", null, ["n1"]],
    ["own", null, ["own"]],
  ]);
  expect(grouped([])).toEqual([]);
});

it("reads one question a line", () => {
  expect(questionsOf(" When? \n\n Who?\n")).toEqual(["When?", "Who?"]);
  expect(questionsOf(" \n ")).toEqual([]);
});
