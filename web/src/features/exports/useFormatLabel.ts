import { useTranslation } from "react-i18next";

/** The name of an export format; its own where we have no words for it. */
export function useFormatLabel(): (id: string, own: string) => string {
  const { t, i18n } = useTranslation();
  return (id, own) => (i18n.exists(`export.formats.${id}`) ? t(`export.formats.${id}` as never) : own);
}
