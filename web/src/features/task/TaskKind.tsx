import { useTranslation } from "react-i18next";
import { cn } from "../../shared/lib/cn";

/** A kind of task: what it is good for, and an example of what the model learns from. */
export function TaskKind(props: { id: string; label: string; isChosen: boolean; onChoose: () => void }) {
  const { t, i18n } = useTranslation();
  const key = `task.kinds.${props.id}`;
  const isKnown = i18n.exists(`${key}.title`);
  const text = (part: string) => t(`${key}.${part}` as never) as string;
  const turns = isKnown ? (t(`${key}.turns` as never, { returnObjects: true }) as unknown as string[]) : [];
  return (
    <label
      className={cn(
        "flex cursor-pointer flex-col gap-3 rounded-xl border bg-surface p-4 has-focus-visible:outline-3 has-focus-visible:outline-accent",
        props.isChosen ? "border-accent ring-1 ring-accent" : "border-line hover:border-strong-line",
      )}
    >
      <span className="flex items-start gap-3">
        <input type="radio" name="task" checked={props.isChosen} onChange={props.onChoose} className="mt-1 size-4 shrink-0 accent-(--accent) focus-visible:outline-none" />
        <span className="min-w-0">
          <span className="block font-semibold">{isKnown ? text("title") : props.label}</span>
          {isKnown && <span className="mt-0.5 block text-sm text-soft">{text("text")}</span>}
        </span>
      </span>
      {isKnown && (
        <span className="mt-auto block space-y-1.5 rounded-lg bg-sunken p-3 text-sm">
          <span className="block text-xs font-medium text-soft">{t("task.example")}</span>
          {turns.map((turn, index) => (
            <span key={turn} className={cn("block wrap-anywhere", index % 2 === 0 ? "font-medium" : "text-soft")}>
              {turn}
            </span>
          ))}
        </span>
      )}
    </label>
  );
}
