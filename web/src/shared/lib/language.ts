/** The language that was recognised, as a tag that browsers know (`eng` is `en`); nothing when it is none. */
export function languageTag(language: string | null | undefined): string | undefined {
  try {
    return language ? Intl.getCanonicalLocales(language)[0] : undefined;
  } catch {
    return undefined;
  }
}
