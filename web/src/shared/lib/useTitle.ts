import { useEffect } from "react";

/** The window's title while a page is shown. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), "FineTuneFlow"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
