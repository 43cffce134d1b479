import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { ExampleStatus } from "../../shared/api/types";

export const STATUSES: readonly ExampleStatus[] = ["pending", "approved", "rejected"];

/** What a list is narrowed by, as the server takes it; nothing that is empty. */
export interface Filter {
  status?: ExampleStatus;
  q?: string;
  issue?: string;
  file_id?: string;
  task?: string;
}

const NAMES = ["q", "issue", "file_id", "task"] as const;

export type FilterName = keyof Filter;

/** The filter that an address names. */
export function filterOf(search: URLSearchParams): Filter {
  const filter: Filter = {};
  const status = STATUSES.find((known) => known === search.get("status"));
  if (status) filter.status = status;
  for (const name of NAMES) {
    const value = search.get(name)?.trim();
    if (value) filter[name] = value;
  }
  return filter;
}

/** The filter, the place and the view stand in the address: a reload shows the same. */
export function useFilter() {
  const [search, setSearch] = useSearchParams();
  const text = JSON.stringify(filterOf(search));
  // The same filter is the same object, whatever else the address says.
  const filter = useMemo(() => JSON.parse(text) as Filter, [text]);
  const set = (changes: Record<string, string | null>) =>
    setSearch(
      (before) => {
        for (const [name, value] of Object.entries(changes)) {
          if (value) before.set(name, value);
          else before.delete(name);
        }
        return before;
      },
      { replace: true },
    );
  return {
    filter,
    /** Another list begins at its top. */
    narrow: (name: FilterName, value: string | null) => set({ [name]: value, at: null }),
    clear: () => set({ status: null, q: null, issue: null, file_id: null, task: null, at: null }),
    /** The example that is looked at. */
    at: search.get("at"),
    setAt: (id: string) => set({ at: id }),
    isSingle: search.get("view") === "one",
    setSingle: (isSingle: boolean, id: string | null) => set({ view: isSingle ? "one" : null, ...(id ? { at: id } : {}) }),
  };
}
