import { useQuery } from "@tanstack/react-query";
import { BadgeCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { CertificateEntry, OllamaEntry, Run } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";

const TONES: Record<CertificateEntry["verdict"], Tone> = { same: "good", close: "accent", different: "bad" };

/** Each exported file beside the trained model: is it still the same? */
export function Certificate({ run }: { run: Run }) {
  const { t } = useTranslation();
  const certificate = useQuery({
    queryKey: [...keys.exports(run.project_id), run.id, "certificate"],
    queryFn: ({ signal }) => {
      const path = { project_id: run.project_id };
      return take(api.GET("/api/projects/{project_id}/export/certificate", { params: { path, query: { run_id: run.id } }, signal }));
    },
  });
  const entries = certificate.data?.entries ?? [];
  const ollama = certificate.data?.ollama ?? null;
  return (
    <Section title={t("export.certificate.title")} text={t("export.certificate.text")}>
      {certificate.isPending && <Skeleton rows={2} />}
      {certificate.isError && <ProblemNote problem={certificate.error} onRetry={() => void certificate.refetch()} />}
      {certificate.data && entries.length === 0 && !ollama && (
        <EmptyState icon={BadgeCheck} title={t("export.certificate.emptyTitle")} text={t("export.certificate.emptyText")} className="py-8" />
      )}
      <ul className="divide-y divide-line">
        {entries.map((entry) => (
          <EntryLine key={entry.name} entry={entry} />
        ))}
        {ollama && <OllamaLine entry={ollama} />}
      </ul>
    </Section>
  );
}

function EntryLine({ entry }: { entry: CertificateEntry }) {
  const { t } = useTranslation();
  return (
    <li className="py-3 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone={TONES[entry.verdict]}>{t(`export.certificate.verdicts.${entry.verdict}`)}</Badge>
        <span className="font-medium wrap-anywhere">{entry.name}</span>
      </div>
      <p className="mt-1 max-w-prose text-sm">{t(`export.certificate.reasons.${entry.reason ?? "none"}`)}</p>
      {entry.verdict === "different" && entry.detail && <p className="mt-1 text-xs text-soft wrap-anywhere">{entry.detail}</p>}
      {entry.measured && <Figures figures={entry.measured} />}
    </li>
  );
}

/** The model in Ollama: asked as it was trained? */
function OllamaLine({ entry }: { entry: OllamaEntry }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { verdict } = entry;
  const share = (equal: number, all: number) => t("export.certificate.of", { equal: format.number(equal), all: format.number(all) });
  return (
    <li className="py-3 first:pt-0 last:pb-0" data-testid="certificate-ollama">
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone={verdict ? TONES[verdict] : "warn"}>{verdict ? t(`export.certificate.verdicts.${verdict}`) : t("ollama.verdicts.unknown")}</Badge>
        <span className="font-medium wrap-anywhere">{t("export.certificate.inOllama", { name: entry.name, quantization: entry.quantization })}</span>
      </div>
      <p className="mt-1 max-w-prose text-sm">{t(`export.certificate.ollama.${verdict ?? "unknown"}`)}</p>
      <dl className="mt-2 grid grid-cols-2 gap-x-4 gap-y-2 text-xs sm:grid-cols-5">
        <div>
          <dt className="text-soft">{t("export.certificate.rows")}</dt>
          <dd className="tabular-nums">{share(entry.prompts_equal, entry.prompts)}</dd>
        </div>
        <div>
          <dt className="text-soft">{t("export.certificate.texts")}</dt>
          <dd className="tabular-nums">{share(entry.answers_equal, entry.answers)}</dd>
        </div>
      </dl>
    </li>
  );
}

function Figures({ figures }: { figures: NonNullable<CertificateEntry["measured"]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const share = (equal: number, all: number) => t("export.certificate.of", { equal: format.number(equal), all: format.number(all) });
  const change = figures.loss - figures.loss_reference;
  const sign = change >= 0 ? "+" : "−";
  const divergence = figures.kl_mean === 0 ? "0" : figures.kl_mean.toExponential(1);
  const shown = [
    [t("export.certificate.rows"), share(figures.rows_equal, figures.rows)],
    [t("export.certificate.texts"), share(figures.texts_equal, figures.prompts)],
    [t("export.certificate.tokens"), share(figures.tokens_equal, figures.positions)],
    [t("export.certificate.divergence"), divergence],
    [t("export.certificate.loss"), `${format.fixed(figures.loss, 4)} (${sign}${format.fixed(Math.abs(change), 4)})`],
  ];
  return (
    <dl className="mt-2 grid grid-cols-2 gap-x-4 gap-y-2 text-xs sm:grid-cols-5">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt className="text-soft">{name}</dt>
          <dd className="tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
