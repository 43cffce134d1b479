import { useState } from "react";
import { useTranslation } from "react-i18next";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import type { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { PassageDialog } from "../../shared/passages/PassageDialog";
import { usePages } from "../../shared/passages/usePages";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Card, Section } from "../../shared/ui/Card";
import { WarnNote } from "../../shared/ui/States";
import { Turns } from "../../shared/ui/Turns";
import { type PreviewExample, type PreviewResult, previewOf } from "./preview";

/** A few passages tried: their examples, what could not be used, and what all passages will take. */
export function Preview(props: { projectId: string; preview: ReturnType<typeof useProjectJob>; isStale: boolean }) {
  const { t } = useTranslation();
  const { preview } = props;
  const result = previewOf(preview.job);
  return (
    <>
      {preview.active && preview.job && (
        <Card className="p-4">
          <JobProgress
            job={preview.job}
            title={t("writing.previewing")}
            lost={preview.connection === "lost"}
            onCancel={() => preview.job && preview.cancel.mutate(preview.job.id)}
          />
        </Card>
      )}
      <JobProblem job={preview.job} />
      {result && (
        <Section title={t("writing.previewTitle")} text={t("writing.previewText")}>
          {props.isStale && <WarnNote className="mb-4">{t("writing.previewStale")}</WarnNote>}
          <EstimateFacts result={result} />
          <Examples projectId={props.projectId} examples={result.examples} />
          {result.set_aside.length > 0 && (
            <div className="mt-5">
              <h3 className="text-sm font-semibold">{t("writing.setAside")}</h3>
              <p className="text-sm text-soft">{t("writing.setAsideText")}</p>
              <ul lang="en" className="mt-2 list-disc space-y-1 pl-5 text-sm wrap-anywhere">
                {result.set_aside.map((reason, index) => (
                  <li key={index}>{reason}</li>
                ))}
              </ul>
            </div>
          )}
        </Section>
      )}
    </>
  );
}

function EstimateFacts({ result }: { result: PreviewResult }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { estimate } = result;
  const count = (tokens: number | null) => (tokens === null ? t("writing.unknown") : format.number(tokens));
  const tokens =
    estimate.prompt_tokens === null && estimate.completion_tokens === null
      ? t("writing.unknown")
      : t("writing.estimateTokensText", { prompt: count(estimate.prompt_tokens), completion: count(estimate.completion_tokens) });
  const sent = t("writing.estimateSentText", { bytes: format.bytes(estimate.sent_bytes), address: result.address });
  const facts: [string, string][] = [
    [t("writing.estimatePassages"), format.number(estimate.chunks)],
    [t("writing.estimateCalls"), format.number(estimate.calls)],
    [t("writing.estimateTokens"), tokens],
    [t("writing.estimateTime"), format.duration(estimate.seconds)],
    [
      t("writing.estimateCost"),
      estimate.cost === null ? t("writing.estimateNoPrices") : t("writing.estimateCostText", { cost: format.number(estimate.cost, estimate.cost < 1 ? 4 : 2) }),
    ],
    [t("writing.estimateSent"), sent],
  ];
  return (
    <div className="mb-5">
      <h3 className="mb-2 text-sm font-semibold">{t("writing.estimateTitle")}</h3>
      <dl data-testid="estimate" className="grid gap-2 sm:grid-cols-2 xl:grid-cols-3">
        {facts.map(([label, value]) => (
          <div key={label} className="rounded-lg bg-sunken px-3 py-2">
            <dt className="text-xs text-soft">{label}</dt>
            <dd className="text-sm font-medium wrap-anywhere tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Examples({ projectId, examples }: { projectId: string; examples: PreviewExample[] }) {
  const { t } = useTranslation();
  const pages = usePages();
  const [shown, setShown] = useState<string | null>(null);
  if (examples.length === 0) return <WarnNote>{t("writing.previewEmpty")}</WarnNote>;
  return (
    <>
      <ul className="space-y-2">
        {examples.map((example, index) => {
          const place = [example.source.headings?.join(" › "), pages(example.source)].filter(Boolean).join(" · ");
          return (
            <li key={index} data-preview className="rounded-lg border border-line p-3">
              <Turns messages={example.messages} />
              <div className="mt-2 flex flex-wrap items-center gap-2 text-xs text-soft">
                {place && (
                  <span className="min-w-0 wrap-anywhere">
                    {t("writing.from")} {place}
                  </span>
                )}
                {example.mended && (
                  <span title={t("writing.mendedHint")}>
                    <Badge tone="warn">{t("writing.mended")}</Badge>
                  </span>
                )}
                <Button look="quiet" size="small" className="ml-auto" onClick={() => setShown(example.chunk_id)}>
                  {t("writing.showPassage")}
                </Button>
              </div>
            </li>
          );
        })}
      </ul>
      {shown && <PassageDialog projectId={projectId} chunkId={shown} onClose={() => setShown(null)} />}
    </>
  );
}
