import { expect, it } from "vitest";
import { type Made, sentencesOf, sourceOf } from "./highlight";

const PASSAGE = "Opening hours\nThe library opens at nine. Members may borrow six books for a month.\nLate returns cost ten cents a day.";
const of = (answer: string, sentence?: string) =>
  ({ messages: [{ role: "user", content: "?" }, { role: "assistant", content: answer }], sentence }) satisfies Made;
const texts = (example: Made) => sourceOf(PASSAGE, example).spans.map(({ start, end }) => PASSAGE.slice(start, end));

it("ends sentences at full stops and at line ends", () => {
  expect(sentencesOf(PASSAGE).map(({ start, end }) => PASSAGE.slice(start, end))).toEqual([
    "Opening hours",
    "The library opens at nine.",
    "Members may borrow six books for a month.",
    "Late returns cost ten cents a day.",
  ]);
});

it("marks the sentence that an example was made of", () => {
  const example = of("Six.", "Members may borrow six books for a month.");
  expect(sourceOf(PASSAGE, example).kind).toBe("exact");
  expect(texts(example)).toEqual(["Members may borrow six books for a month."]);
});

it.each([
  ["Members can borrow books for one month, six at a time.", ["Members may borrow six books for a month."]],
  ["The library opens at nine, and late returns cost ten cents.", ["The library opens at nine.", "Late returns cost ten cents a day."]],
  ["Bicycles are repaired on Tuesdays.", []],
])("marks what shares the words of “%s”", (answer, expected) => expect(texts(of(answer))).toEqual(expected));

it("does not mind accents and capitals", () => {
  const passage = "Le musée ferme à dix-huit heures. L'entrée est libre.";
  const example = of("Le MUSEE ferme a 18 heures");
  expect(sourceOf(passage, example).spans).toEqual([{ start: 0, end: 33 }]);
});
