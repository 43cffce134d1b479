import type { ComponentProps, ReactNode } from "react";
import { cn } from "../lib/cn";

/** A plain surface with a border. */
export function Card({ className, ...rest }: ComponentProps<"div">) {
  return <div className={cn("rounded-xl border border-line bg-surface", className)} {...rest} />;
}

/** A titled part of a page. */
export function Section(props: { title: string; text?: ReactNode; actions?: ReactNode; className?: string; children: ReactNode }) {
  return (
    <section className={cn("rounded-xl border border-line bg-surface p-4 sm:p-5", props.className)}>
      <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 flex-1 basis-72">
          <h2 className="text-base font-semibold">{props.title}</h2>
          {props.text && <p className="mt-0.5 max-w-3xl text-sm text-pretty text-soft">{props.text}</p>}
        </div>
        {props.actions && <div className="flex flex-wrap gap-2">{props.actions}</div>}
      </div>
      {props.children}
    </section>
  );
}
