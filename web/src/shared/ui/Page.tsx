import type { ReactNode } from "react";
import { useTitle } from "../lib/useTitle";

/** The head of a page: its title takes the focus when the page changes. */
export function PageHeader(props: { title: string; intro?: ReactNode; actions?: ReactNode; windowTitle?: string | undefined }) {
  useTitle(props.title, props.windowTitle);
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0 flex-1 basis-80">
        <h1 tabIndex={-1} className="text-2xl font-semibold tracking-tight">
          {props.title}
        </h1>
        {props.intro && <p className="mt-1 max-w-prose text-pretty text-soft">{props.intro}</p>}
      </div>
      {props.actions && <div className="flex flex-wrap gap-2">{props.actions}</div>}
    </header>
  );
}
