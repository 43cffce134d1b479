import { expect, it } from "vitest";
import { languageChoices, languageName } from "./languages";

it("offers the language of the interface first, and English with French", () => {
  expect(languageChoices(["deu", "eng", "fra"], "fr-FR")).toEqual(["fra", "deu", "eng", "eng+fra"]);
  expect(languageChoices(["fra", "eng"], "en")).toEqual(["eng", "fra", "eng+fra"]);
  expect(languageChoices(["deu"], "en")).toEqual(["deu"]);
  expect(languageChoices([], "en")).toEqual([]);
});

it("names languages as far as they are known", () => {
  expect(languageName("eng", "en")).toBe("English");
  expect(languageName("fra", "fr")).toBe("français");
  expect(languageName("chi_sim", "en")).toBe("chi_sim");
});
