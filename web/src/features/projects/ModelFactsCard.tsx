import { Check, Download, ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../shared/api/problem";
import type { ModelFacts } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";

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
  const rows: [string, ReactNode][] = [
    [t("hub.license"), facts.license ?? t("hub.unknown")],
    [t("hub.family"), facts.family ?? t("common.none")],
  ];
  if (facts.parameters != null) rows.push([t("hub.size"), t("hub.parameters", { value: format.compact(facts.parameters) })]);
  if (facts.context_length != null) rows.push([t("hub.context"), t("hub.tokens", { value: format.number(facts.context_length) })]);
  if (!isHere && facts.download_bytes != null) {
    const size = format.bytes(facts.download_bytes);
    rows.push([t("hub.toDownload"), facts.free_disk_bytes == null ? size : t("hub.free", { size, free: format.bytes(facts.free_disk_bytes) })]);
  }
  if (facts.commit) rows.push([t("hub.commit"), <code className="text-xs">{facts.commit.slice(0, 12)}</code>]);
  return (
    <section aria-label={facts.id} className="space-y-3 rounded-lg border border-line bg-surface p-3 text-sm">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 font-semibold wrap-anywhere">{facts.id}</p>
        {isHere && <Badge tone="good">{t("hub.onThisComputer")}</Badge>}
        {facts.gated && <Badge tone="warn">{t("hub.gated")}</Badge>}
      </div>
      {facts.ollama && <p className="text-xs text-soft">{t("hub.ollama", { ollama: facts.ollama })}</p>}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {rows.map(([label, value]) => (
          <div key={label} className="contents">
            <dt className="text-soft">{label}</dt>
            <dd className="min-w-0 wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
      {facts.page && <OutsideLink href={facts.page}>{t("hub.page")}</OutsideLink>}
      {problem && (
        <>
          <ProblemNote problem={new Problem({ ...problem })} />
          {problem.link && <OutsideLink href={problem.link}>{t("hub.accept")}</OutsideLink>}
        </>
      )}
      {facts.methods.length > 0 && <Memory facts={facts} />}
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
              {t("hub.download", { size: format.bytes(facts.download_bytes ?? 0) })}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

function Memory({ facts }: { facts: ModelFacts }) {
  const { t } = useTranslation();
  const format = useFormat();
  const free = facts.available_memory_bytes;
  return (
    <div>
      <p className="font-medium">{t("hub.memory")}</p>
      <p className="mb-1 text-xs text-soft">
        {free == null ? t("hub.memoryTextUnknown") : t("hub.memoryText", { free: format.bytes(free) })}
      </p>
      <table className="w-full text-left text-xs">
        <thead>
          <tr className="border-b border-line text-soft">
            <th scope="col" className="py-1 pr-2 font-medium">{t("hub.method")}</th>
            <th scope="col" className="py-1 pr-2 font-medium">{t("hub.needs")}</th>
            <th scope="col" className="py-1 pr-2 font-medium max-sm:hidden">{t("hub.settings")}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {facts.methods.map((way) => (
            <tr key={way.method} className="border-b border-line last:border-0">
              <th scope="row" className="py-1 pr-2 font-normal">{t(`hub.methods.${way.method}` as never)}</th>
              <td className="py-1 pr-2 tabular-nums">{format.bytes(way.required_bytes)}</td>
              <td className="py-1 pr-2 tabular-nums max-sm:hidden">
                {t("hub.batch", { rows: way.micro_batch_size, length: format.number(way.max_seq_len) })}
              </td>
              <td className="py-1 text-right">
                <Badge tone={way.fits ? "good" : "bad"}>{way.fits ? t("hub.fits") : t("hub.fitsNot")}</Badge>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
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
