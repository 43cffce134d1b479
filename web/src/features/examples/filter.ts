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
