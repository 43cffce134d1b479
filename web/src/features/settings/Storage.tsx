import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { useFormat } from "../../shared/lib/format";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";

/** Parts that are shown by themselves; the rest of the folder is small. */
const MOST_PARTS = 5;

/** Where everything is kept, what it takes, and what is left. */
export function Storage() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const storage = useQuery({
    queryKey: ["storage"],
    queryFn: ({ signal }) => take(api.GET("/api/settings/storage", { signal })),
  });
  const data = storage.data;
  const name = (part: string) => (i18n.exists(`storage.parts.${part}`) ? (t(`storage.parts.${part}` as never) as string) : part);
  return (
    <Section title={t("storage.title")} text={t("storage.text")}>
      {storage.isPending && <Skeleton rows={1} />}
      {storage.isError && <ProblemNote problem={storage.error} onRetry={() => void storage.refetch()} />}
      {data && (
        <div className="space-y-3 text-sm">
          <p>
            <span className="text-soft">{t("settings.dataDir")}</span> <code className="text-xs break-all">{data.path}</code>
          </p>
          <p className="font-medium">
            {data.free_bytes == null
              ? t("storage.used", { used: format.bytes(data.used_bytes) })
              : t("storage.usedFree", { used: format.bytes(data.used_bytes), free: format.bytes(data.free_bytes) })}
          </p>
          <ul className="max-w-md space-y-1">
            {storageParts(data.parts).slice(0, MOST_PARTS).map((part) => (
              <li key={part.name} className="flex justify-between gap-4">
                <span className="min-w-0 text-soft wrap-anywhere">{name(part.name)}</span>
                <span className="shrink-0 tabular-nums">{format.bytes(part.bytes)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Section>
  );
}

type Part = { name: string; bytes: number };

/** The parts as people know them, the largest first: a database is several files. */
export function storageParts(parts: Part[]): Part[] {
  const sums = new Map<string, number>();
  for (const { name, bytes } of parts) {
    const known = name.startsWith("finetuneflow.sqlite") ? "database" : name;
    sums.set(known, (sums.get(known) ?? 0) + bytes);
  }
  return [...sums].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}
