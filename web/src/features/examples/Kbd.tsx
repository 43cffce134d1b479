import type { ReactNode } from "react";

/** A key, as it is printed on keyboards. Not read out: the control beside it has its name. */
export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd
      aria-hidden
      className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line bg-sunken px-1 font-mono text-[11px] font-medium text-soft max-sm:hidden"
    >
      {children}
    </kbd>
  );
}
