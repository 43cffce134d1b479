import { useTranslation } from "react-i18next";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import type { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { MarkedPassage } from "../../shared/passages/MarkedPassage";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Card, Section } from "../../shared/ui/Card";
import { WarnNote } from "../../shared/ui/States";
import { Turns } from "../../shared/ui/Turns";
import { OtherWays } from "./TooSmall";
import { type PreviewExample, type PreviewResult, previewOf } from "./preview";

/** A few passages tried: their examples, what could not be used, and what all passages will take. */
export function Preview(props: { projectId: string; preview: ReturnType<typeof useProjectJob>; isFree: boolean; isStale: boolean; isBusy: boolean; onWrite: () => void }) {
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
          <EstimateFacts result={result} isFree={props.isFree && !result.leaves_the_machine} />
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
          {result.examples.length > 0 && (
            <div className="mt-5 flex flex-wrap items-center justify-end gap-3 border-t border-line pt-4">
              <p className="min-w-0 flex-1 text-sm text-soft">{t("writing.writeAllText")}</p>
              <Button look="primary" className="h-11 px-5" busy={props.isBusy} onClick={props.onWrite}>
                {t("writing.writeAll")}
              </Button>
            </div>
          )}
        </Section>
      )}
    </>
  );
}

function EstimateFacts({ result, isFree }: { result: PreviewResult; isFree: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { estimate } = result;
  const count = (tokens: number | null) => (tokens === null ? t("writing.unknown") : format.number(tokens));
  const tokens =
    estimate.prompt_tokens === null && estimate.completion_tokens === null
      ? t("writing.unknown")
      : t("writing.estimateTokensText", { prompt: count(estimate.prompt_tokens), completion: count(estimate.completion_tokens) });
  const free = isFree ? t("writing.estimateFree") : t("writing.estimateNoPrices");
  const cost = estimate.cost === null ? free : t("writing.estimateCostText", { cost: format.number(estimate.cost, estimate.cost < 1 ? 4 : 2) });
  const sent = t("writing.estimateSentText", { bytes: format.bytes(estimate.sent_bytes), address: result.address });
  const facts: [string, string][] = [
    [t("writing.estimatePassages"), format.number(estimate.chunks)],
    [t("writing.estimateCalls"), format.number(estimate.calls)],
    [t("writing.estimateTokens"), tokens],
    [t("writing.estimateTime"), format.duration(estimate.seconds)],
    [t("writing.estimateCost"), cost],
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
  if (examples.length === 0) {
    return (
      <WarnNote title={t("writing.previewEmpty")}>
        <p>{t("writing.noneUsableText")}</p>
        <OtherWays projectId={projectId} />
      </WarnNote>
    );
  }
  return (
    <ol className="space-y-3">
      {examples.map((example, index) => (
        <li key={index} data-preview className="grid overflow-hidden rounded-lg border border-line lg:grid-cols-2">
          <div className="p-3 sm:p-4">
            <p className="mb-1.5 flex flex-wrap items-center gap-2 text-xs font-medium text-soft">
              {t("writing.exampleNumber", { number: index + 1 })}
              {example.mended && (
                <span title={t("writing.mendedHint")}>
                  <Badge tone="warn">{t("writing.mended")}</Badge>
                </span>
              )}
            </p>
            <Turns messages={example.messages} />
          </div>
          <div className="max-h-80 overflow-y-auto border-line bg-canvas p-3 max-lg:border-t sm:p-4 lg:border-l" tabIndex={0} role="group" aria-label={t("passages.title")}>
            <MarkedPassage projectId={projectId} chunkId={example.chunk_id} example={example} />
          </div>
        </li>
      ))}
    </ol>
  );
}
