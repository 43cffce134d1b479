import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { readStored, writeStored } from "../lib/storage";
import { en } from "./en";
import { fr } from "./fr";

/** The languages of the interface, each named in itself. */
export const LANGUAGES = [
  { id: "en", name: "English" },
  { id: "fr", name: "Français" },
] as const;

export type LanguageId = (typeof LANGUAGES)[number]["id"];

const KEY = "language";

function preferred(): LanguageId {
  const wanted = [readStored("localStorage", KEY), ...navigator.languages];
  for (const tag of wanted) {
    const id = tag?.slice(0, 2).toLowerCase();
    const known = LANGUAGES.find((language) => language.id === id);
    if (known) return known.id;
  }
  return "en";
}

i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language;
});

void i18next.use(initReactI18next).init({
  resources: { en: { translation: en }, fr: { translation: fr } },
  lng: preferred(),
  fallbackLng: "en",
  interpolation: { escapeValue: false },
  initAsync: false,
});

export function chooseLanguage(language: LanguageId): void {
  writeStored("localStorage", KEY, language);
  void i18next.changeLanguage(language);
}

export { i18next as i18n };
