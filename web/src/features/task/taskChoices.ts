/** What the step "task" keeps: fields of the request that writes examples. */
export interface TaskChoices {
  /** A kind of example, as `GET /api/settings/prompts` names it. */
  task: string;
  /** Of the examples, in English words. */
  language: string;
  /** Of the answers, in words; missing: the prompt's own. */
  tone: string | undefined;
}

/** What writing examples takes when nothing is chosen. */
export const USUAL_TASK = "question_answer";

/** Languages that are offered; models know more. */
export const LANGUAGES = ["en", "fr", "de", "es", "it", "nl", "pt", "pl"];

/** A language's name in a language: "fr" in "en" is "French". What is no tag names itself. */
export function languageName(tag: string, language: string): string {
  try {
    const name = new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  } catch {
    return tag;
  }
}

/** The tag of the language that was chosen, or its words where no tag is known; else the project's. */
export function languageOf(chosen: unknown, projectLanguage: string): string {
  if (typeof chosen !== "string" || chosen === "") return projectLanguage;
  return LANGUAGES.find((tag) => languageName(tag, "en").toLowerCase() === chosen.toLowerCase()) ?? chosen;
}
