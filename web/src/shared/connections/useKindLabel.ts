import { useTranslation } from "react-i18next";
import type { Connection } from "../api/types";

/** A connection's kind in the reader's language, or in the server's words. */
export function useKindLabel(): (connection: Pick<Connection, "kind" | "label">) => string {
  const { t, i18n } = useTranslation();
  return (connection) => {
    const key = `connections.kinds.${connection.kind}`;
    return i18n.exists(key) ? t(key as never) : connection.label;
  };
}

/** What a connection is called: a person's own name for it, or its kind. */
export function useConnectionName(): (connection: Pick<Connection, "id" | "kind" | "label">) => string {
  const kindLabel = useKindLabel();
  return (connection) => (connection.id === connection.kind ? kindLabel(connection) : connection.id);
}
