import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { type Filter, type FilterName, filterOf } from "./filter";

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
