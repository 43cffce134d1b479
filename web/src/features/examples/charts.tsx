import { useTranslation } from "react-i18next";
import type { DatasetStats } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import type { Counts } from "./reviewList";

const COLOURS = { approved: "bg-good", rejected: "bg-bad", pending: "bg-warn" } as const;
const ORDER = ["approved", "rejected", "pending"] as const;

/** Bars that show which share of the examples is approved, rejected, and still to review. */
export function StatusBars({ title, rows }: { title: string; rows: { id: string; label: string; counts: Counts }[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sum = ({ pending, approved, rejected }: Counts) => pending + approved + rejected;
  const most = Math.max(1, ...rows.map((row) => sum(row.counts)));
  const words = (counts: Counts) => ORDER.map((status) => `${t(`examples.status.${status}`)}: ${format.number(counts[status])}`).join(" · ");
  return (
    <figure className="min-w-0">
      <figcaption className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs font-semibold text-soft">
        {title}
        <span className="flex flex-wrap gap-x-3 font-normal">
          {ORDER.map((status) => (
            <span key={status} className="flex items-center gap-1">
              <span aria-hidden className={cn("size-2 rounded-full", COLOURS[status])} />
              {t(`examples.status.${status}`)}
            </span>
          ))}
        </span>
      </figcaption>
      <ul className="space-y-2">
        {rows.map(({ id, label, counts }) => (
          <li key={id} className="text-sm" title={words(counts)}>
            <span className="flex justify-between gap-3">
              <span className="min-w-0 truncate">{label}</span>
              <span className="text-soft tabular-nums">{format.number(sum(counts))}</span>
            </span>
            <span className="sr-only">{words(counts)}</span>
            <span aria-hidden className="mt-1 flex h-2.5 gap-px overflow-hidden rounded-full bg-sunken">
              {ORDER.map((status) => (
                <span key={status} className={COLOURS[status]} style={{ width: `${(100 * counts[status]) / most}%` }} />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** How many examples have which length. */
export function Histogram({ title, hint, bars }: { title: string; hint?: string; bars: DatasetStats["histogram"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  if (bars.length === 0) return null;
  const ends = [bars[0]?.from ?? 0, bars.at(-1)?.to ?? 0] as const;
  return (
    <figure className="min-w-0">
      <figcaption className="mb-2 text-xs font-semibold text-soft">{title}</figcaption>
      <ul className="flex h-28 items-end gap-0.5 border-b border-strong-line">
        {bars.map((bar) => {
          const words = t("triage.bar", { from: format.number(bar.from), to: format.number(bar.to - 1), count: bar.count, shown: format.number(bar.count) });
          return (
            <li key={bar.from} title={words} className="flex h-full min-w-0 flex-1 items-end">
              <span className="sr-only">{words}</span>
              <span
                aria-hidden
                className="w-full rounded-t-sm bg-accent"
                style={{ height: bar.count === 0 ? 0 : `max(2px, ${(100 * bar.count) / most}%)` }}
              />
            </li>
          );
        })}
      </ul>
      <p aria-hidden className="mt-1 flex justify-between text-xs text-soft tabular-nums">
        <span>{format.number(ends[0])}</span>
        <span>{format.number(ends[1])}</span>
      </p>
      {hint && <p className="mt-1 text-xs text-soft">{hint}</p>}
    </figure>
  );
}
