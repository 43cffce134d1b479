import { useTranslation } from "react-i18next";

/** What a language model was asked to write, in the reader's language where it is known. */
export function useTaskText(): (task: string) => string {
  const { t, i18n } = useTranslation();
  return (task) => {
    const key = `writing.tasks.${task}`;
    return i18n.exists(key) ? t(key as never) : task.replaceAll("_", " ");
  };
}
