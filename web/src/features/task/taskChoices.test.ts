import { expect, it } from "vitest";
import { LANGUAGES, languageName, languageOf } from "./taskChoices";

it("keeps languages in English words and finds them again", () => {
  expect(languageName("fr", "en")).toBe("French");
  expect(languageName("en", "fr")).toBe("Anglais");
  for (const tag of LANGUAGES) expect(languageOf(languageName(tag, "en"), "en")).toBe(tag);
});

it("shows what another program wrote, and the project's language where nothing is", () => {
  expect(languageOf("Occitan of Béarn", "en")).toBe("Occitan of Béarn");
  expect(languageName("Occitan of Béarn", "fr")).toBe("Occitan of Béarn");
  for (const nothing of [undefined, "", 7]) expect(languageOf(nothing, "fr")).toBe("fr");
});
