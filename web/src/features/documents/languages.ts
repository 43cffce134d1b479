/** Languages as tesseract calls them: `eng`, `fra`, `chi_sim`. */

const INTERFACE: Record<string, string> = { en: "eng", fr: "fra" };

/** What can be chosen: the language of the interface first, English and French together where both are there. */
export function languageChoices(installed: string[], language: string): string[] {
  const own = INTERFACE[language.slice(0, 2)];
  const sorted = [...installed].sort((a, b) => Number(b === own) - Number(a === own) || a.localeCompare(b));
  return installed.includes("eng") && installed.includes("fra") ? [...sorted, "eng+fra"] : sorted;
}

/** A language's name for people; what no list of languages knows keeps its code. */
export function languageName(code: string, language: string): string {
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
