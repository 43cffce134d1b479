import { useTranslation } from "react-i18next";

/** What a check found, in the reader's language where it is known. */
export function useIssueText(): (code: string) => string {
  const { t, i18n } = useTranslation();
  return (code) => {
    const key = `examples.issues.${code}`;
    return i18n.exists(key) ? t(key as never) : code.replaceAll("_", " ");
  };
}
