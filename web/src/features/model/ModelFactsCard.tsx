import { Check, Download, ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../shared/api/problem";
import type { ModelFacts } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { MemoryBars } from "./MemoryBars";

/** What a model is, the memory that each way of training it takes here, and the way to have it. */
export function ModelFactsCard(props: {
  facts: ModelFacts;
  isChosen: boolean;
  /** It was downloaded since the facts were asked for. */
  isHere: boolean;
  busy: boolean;
  onDownload: () => void;
  onChoose: () => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const { facts } = props;
  const problem = facts.problem ?? null;
  const isHere = facts.downloaded || props.isHere;
  const left = facts.download_bytes ?? 0;
  const isBegun = facts.size_bytes != null && left < facts.size_bytes;
  return (
    <section aria-label={facts.id} className="space-y-3 rounded-lg border border-line bg-surface p-3 text-sm">
      <ModelTitle facts={facts} isHere={isHere} />
      <FactsTable facts={facts} isHere={isHere} />
      {problem && (
        <>
          <ProblemNote problem={new Problem({ ...problem })} />
          {problem.link && <OutsideLink href={problem.link}>{t("hub.accept")}</OutsideLink>}
        </>
      )}
      {facts.methods.length > 0 && <MemoryBars facts={facts} />}
      {!problem && (
        <div className="flex flex-wrap gap-2">
          {isHere ? (
            <Button look={props.isChosen ? "plain" : "primary"} disabled={props.isChosen} onClick={props.onChoose}>
              <Check aria-hidden />
              {props.isChosen ? t("hub.used") : t("hub.use")}
            </Button>
          ) : (
            <Button look="primary" busy={props.busy} onClick={props.onDownload}>
              {!props.busy && <Download aria-hidden />}
              {t(isBegun ? "model.goOn" : "hub.download", { size: format.bytes(left) })}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

/** A model's name, and whether it is here. */
export function ModelTitle({ facts, isHere }: { facts: ModelFacts; isHere: boolean }) {
  const { t } = useTranslation();
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 font-semibold wrap-anywhere">{facts.id}</p>
        {isHere && <Badge tone="good">{t("hub.onThisComputer")}</Badge>}
        {facts.gated && <Badge tone="warn">{t("hub.gated")}</Badge>}
      </div>
      {facts.ollama && <p className="text-xs text-soft">{t("hub.ollama", { ollama: facts.ollama })}</p>}
    </div>
  );
}

/** What is known of a model, and its page. */
export function FactsTable({ facts, isHere }: { facts: ModelFacts; isHere: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rows: [string, ReactNode][] = [[t("hub.family"), facts.family ?? t("common.none")]];
  if (facts.source !== "bundled") rows.unshift([t("hub.license"), facts.license ?? t("hub.unknown")]);
  if (facts.parameters != null) rows.push([t("hub.size"), t("hub.parameters", { value: format.compact(facts.parameters) })]);
  if (facts.context_length != null) rows.push([t("hub.context"), t("hub.tokens", { value: format.number(facts.context_length) })]);
  if (!isHere && facts.download_bytes != null) {
    const size = format.bytes(facts.download_bytes);
    rows.push([t("hub.toDownload"), facts.free_disk_bytes == null ? size : t("hub.free", { size, free: format.bytes(facts.free_disk_bytes) })]);
  }
  if (facts.commit) rows.push([t("hub.commit"), <code className="text-xs">{facts.commit.slice(0, 12)}</code>]);
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {rows.map(([label, value]) => (
          <div key={label} className="contents">
            <dt className="text-soft">{label}</dt>
            <dd className="min-w-0 wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
      {facts.page && <OutsideLink href={facts.page}>{t("hub.page")}</OutsideLink>}
    </>
  );
}

function OutsideLink(props: { href: string; children: ReactNode }) {
  return (
    <p>
      <a href={props.href} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1 text-accent-strong underline underline-offset-2">
        {props.children}
        <ExternalLink className="size-3.5" aria-hidden />
      </a>
    </p>
  );
}
