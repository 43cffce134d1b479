import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../lib/cn";

/** A place where nothing is yet, with the way on. */
export function EmptyState(props: { icon: LucideIcon; title: string; text?: string; children?: ReactNode; className?: string }) {
  const Icon = props.icon;
  return (
    <div className={cn("flex flex-col items-center rounded-xl border border-dashed border-line px-6 py-12 text-center", props.className)}>
      <span className="mb-3 rounded-full bg-accent-soft p-3 text-accent-strong">
        <Icon className="size-6" aria-hidden />
      </span>
      <p className="font-semibold">{props.title}</p>
      {props.text && <p className="mt-1 max-w-md text-sm text-soft">{props.text}</p>}
      {props.children && <div className="mt-5 flex flex-wrap justify-center gap-2">{props.children}</div>}
    </div>
  );
}

/** Grey bars where text will be. */
export function Skeleton(props: { rows?: number; className?: string }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t("common.loading")} className={cn("space-y-3", props.className)}>
      {Array.from({ length: props.rows ?? 3 }, (_, row) => (
        <div key={row} className="h-14 animate-pulse rounded-lg bg-sunken" />
      ))}
    </div>
  );
}

/** A quiet line that something was done; read out by screen readers. */
export function DoneNote(props: { children: ReactNode; className?: string }) {
  return (
    <p role="status" className={cn("rounded-lg bg-good-soft px-3 py-2 text-sm text-good", props.className)}>
      {props.children}
    </p>
  );
}

/** Something to know before going on. */
export function WarnNote(props: { title?: string; children?: ReactNode; className?: string }) {
  return (
    <div className={cn("rounded-lg border border-warn/40 bg-warn-soft px-3 py-2 text-sm", props.className)}>
      {props.title && <p className="font-semibold text-warn">{props.title}</p>}
      {props.children}
    </div>
  );
}
