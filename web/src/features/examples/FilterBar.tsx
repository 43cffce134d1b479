import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { ExampleStatus, FacetCount } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Input, Select } from "../../shared/ui/Field";
import type { Counts } from "./reviewList";
import { type Filter, type FilterName, STATUSES } from "./filter";
import { useIssueText } from "./useIssueText";
import { useTaskText } from "./useTaskText";

/** A search begins when the typing rests for this long. */
const TYPING_MS = 120;

/** How the examples divide by document, task and finding. */
export function useFacets(projectId: string) {
  return useQuery({
    queryKey: [...keys.project(projectId), "facets"],
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/dataset/facets", { params: { path: { project_id: projectId } }, signal })),
  });
}

/** What the list is narrowed by. */
export function FilterBar(props: {
  projectId: string;
  filter: Filter;
  counts: Counts;
  onNarrow: (name: FilterName, value: string | null) => void;
  onClear: () => void;
}) {
  const { t } = useTranslation();
  const { filter, onNarrow } = props;
  const issueText = useIssueText();
  const taskText = useTaskText();
  const facets = useFacets(props.projectId);
  return (
    <div role="search" aria-label={t("triage.filters")} className="mb-3 space-y-2">
      <div className="flex flex-wrap items-center gap-2">
        <StatusTabs counts={props.counts} status={filter.status ?? null} onChoose={(status) => onNarrow("status", status)} />
        <SearchBox value={filter.q ?? ""} onSearch={(text) => onNarrow("q", text)} />
      </div>
      <div className="flex flex-wrap items-center gap-2 max-sm:grid max-sm:grid-cols-2">
        <FacetFilter
          label={t("triage.document")}
          all={t("triage.allDocuments")}
          value={filter.file_id ?? ""}
          facets={facets.data?.files ?? []}
          nameOf={(facet) => facet.name ?? t("triage.fileGone")}
          onChoose={(id) => onNarrow("file_id", id)}
        />
        <FacetFilter
          label={t("triage.task")}
          all={t("triage.allTasks")}
          value={filter.task ?? ""}
          facets={facets.data?.tasks ?? []}
          nameOf={(facet) => taskText(facet.id)}
          onChoose={(id) => onNarrow("task", id)}
        />
        <FacetFilter
          label={t("review.finding")}
          all={t("review.allFindings")}
          value={filter.issue ?? ""}
          facets={facets.data?.findings ?? []}
          nameOf={(facet) => issueText(facet.id)}
          onChoose={(id) => onNarrow("issue", id)}
        />
        {Object.keys(filter).length > 0 && (
          <Button look="quiet" size="small" onClick={props.onClear}>
            <X aria-hidden />
            {t("triage.clearFilters")}
          </Button>
        )}
      </div>
    </div>
  );
}

function StatusTabs(props: { counts: Counts; status: ExampleStatus | null; onChoose: (status: ExampleStatus | null) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { pending, approved, rejected } = props.counts;
  const tab = (id: ExampleStatus | null) => (
    <button
      key={id ?? "all"}
      type="button"
      aria-pressed={props.status === id}
      onClick={() => props.onChoose(id)}
      className={cn(
        "h-8 rounded-md px-2.5 text-sm font-medium whitespace-nowrap",
        props.status === id ? "bg-surface text-ink shadow-sm" : "text-soft hover:text-ink",
      )}
    >
      {id ? t(`examples.status.${id}`) : t("examples.total")}{" "}
      <span className="text-xs text-soft tabular-nums">{format.number(id ? props.counts[id] : pending + approved + rejected)}</span>
    </button>
  );
  return (
    <div role="group" aria-label={t("examples.filter")} className="flex max-w-full gap-0.5 overflow-x-auto rounded-lg bg-sunken p-1">
      {tab(null)}
      {STATUSES.map(tab)}
    </div>
  );
}

/** Shows only one document, task or finding; nothing while there is none to choose. */
function FacetFilter(props: {
  label: string;
  all: string;
  value: string;
  facets: FacetCount[];
  nameOf: (facet: FacetCount) => string;
  onChoose: (id: string | null) => void;
}) {
  const format = useFormat();
  const { value, facets } = props;
  if (facets.length === 0 && value === "") return null;
  const isListed = value === "" || facets.some((facet) => facet.id === value);
  const count = ({ counts }: FacetCount) => counts.pending + counts.approved + counts.rejected;
  return (
    <Select
      aria-label={props.label}
      className="h-9 w-auto max-w-56 max-sm:w-full max-sm:max-w-full"
      value={value}
      onChange={(event) => props.onChoose(event.target.value || null)}
    >
      <option value="">{props.all}</option>
      {!isListed && <option value={value}>{props.nameOf({ id: value, counts: { pending: 0, approved: 0, rejected: 0 } })}</option>}
      {facets.map((facet) => (
        <option key={facet.id} value={facet.id}>
          {props.nameOf(facet)} ({format.number(count(facet))})
        </option>
      ))}
    </Select>
  );
}

/** Searches as one types. */
function SearchBox({ value, onSearch }: { value: string; onSearch: (text: string | null) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asked = useRef(value);
  const search = (wanted: string) => {
    clearTimeout(timer.current);
    if (wanted === asked.current) return;
    asked.current = wanted;
    onSearch(wanted || null);
  };
  // Filters that are taken away elsewhere are taken away here.
  useEffect(() => {
    if (value === asked.current) return;
    asked.current = value;
    setText(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <Input
      type="search"
      className="min-w-0 flex-1 basis-56"
      aria-label={t("examples.search")}
      placeholder={t("examples.search")}
      value={text}
      onChange={(event) => {
        const typed = event.target.value;
        setText(typed);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => search(typed.trim()), typed === "" ? 0 : TYPING_MS);
      }}
      onKeyDown={(event) => event.key === "Enter" && search(text.trim())}
    />
  );
}
