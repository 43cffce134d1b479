import { useTranslation } from "react-i18next";
import type { ModelFacts } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";

/** What each way of training takes of the memory that is free here. */
export function MemoryBars({ facts }: { facts: ModelFacts }) {
  const { t } = useTranslation();
  const format = useFormat();
  const free = facts.available_memory_bytes ?? null;
  const most = Math.max(free ?? 0, ...facts.methods.map((way) => way.required_bytes));
  return (
    <div>
      <p className="font-medium">{t("hub.memory")}</p>
      <p className="mb-2 text-xs text-soft">{free === null ? t("hub.memoryTextUnknown") : t("hub.memoryText", { free: format.bytes(free) })}</p>
      <ul className="space-y-2.5">
        {facts.methods.map((way) => (
          <li key={way.method}>
            <div className="mb-1 flex flex-wrap items-center justify-between gap-x-3 gap-y-0.5 text-xs">
              <span className="font-medium">{t(`hub.methods.${way.method}` as never)}</span>
              <span className="flex items-center gap-2 text-soft tabular-nums">
                {format.bytes(way.required_bytes)} · {t("hub.batch", { rows: way.micro_batch_size, length: format.number(way.max_seq_len) })}
                <Badge tone={way.fits ? "good" : "bad"}>{way.fits ? t("hub.fits") : t("hub.fitsNot")}</Badge>
              </span>
            </div>
            <div aria-hidden className="relative h-2 rounded-full bg-sunken">
              <div className={cn("h-full rounded-full", way.fits ? "bg-accent" : "bg-bad")} style={{ width: `${(way.required_bytes / most) * 100}%` }} />
              {free !== null && free < most && <div className="absolute -inset-y-0.5 w-0.5 bg-ink" style={{ left: `${(free / most) * 100}%` }} />}
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}
