import type { i18n } from "i18next";
import { useTranslation } from "react-i18next";
import { formatters } from "./format";

/** Something that the server says: a code with the values of its text, and its own English words. */
export interface Said {
  code?: string | null;
  params?: Record<string, unknown>;
  message?: string | null;
}

/** Values as the reader's language writes them; `count` stays a number, which chooses between singular and plural. */
function written(params: Record<string, unknown>, language: string): Record<string, unknown> {
  const format = formatters(language);
  const write = ([name, value]: [string, unknown]) => {
    if (typeof value === "number" && name !== "count") return [name, name.endsWith("bytes") ? format.bytes(value) : format.number(value, 4)];
    return [name, Array.isArray(value) ? value.join(", ") : value];
  };
  return Object.fromEntries(Object.entries(params).map(write));
}

/** The text of a group with this code and these values; `null` where there is none, or where a value of it is missing. */
export function translated(i18n: i18n, group: string, said: Said, part = ""): string | null {
  if (!said.code) return null;
  const values = written(said.params ?? {}, i18n.language);
  const text: unknown = i18n.t(`${group}.${said.code}${part}`, { ...values, defaultValue: "", skipInterpolation: true });
  if (typeof text !== "string" || text === "") return null;
  const isComplete = [...text.matchAll(/{{(\w+)}}/g)].every((hole) => values[hole[1] ?? ""] != null);
  return isComplete ? text.replace(/{{(\w+)}}/g, (_, name: string) => String(values[name])) : null;
}

/** The words for what the server says, from the texts of a group; its English ones, marked as such, for an unknown code. */
export function useSaid(group: string): (said: Said) => { text: string; lang: "en" | undefined } {
  const { i18n } = useTranslation();
  return (said) => {
    const text = translated(i18n, group, said);
    return text === null ? { text: said.message ?? "", lang: "en" } : { text, lang: undefined };
  };
}

/** What the server says, in the reader's language where its code is known, with the words of others (`detail`) as they are. */
export function SaidText(props: { group: string; said: Said }) {
  const { text, lang } = useSaid(props.group)(props.said);
  if (lang !== undefined) return <span lang={lang}>{text}</span>;
  const detail = props.said.params?.detail;
  if (typeof detail !== "string" || detail === "") return text;
  return (
    <>
      {text} (<span lang="en">{detail}</span>)
    </>
  );
}
