import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Example, ExampleStatus } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { BulkBar } from "./BulkBar";
import { BulkDialog, type BulkTarget } from "./BulkDialog";
import { EditExample } from "./EditExample";
import type { RowActions } from "./ExampleRow";
import { ExampleTable } from "./ExampleTable";
import type { ReviewList } from "./reviewList";
import { ShortcutHelp } from "./ShortcutHelp";
import { type ShortcutAction, useShortcuts } from "./shortcuts";
import { SingleView } from "./SingleView";
import type { BulkUndo } from "./useBulkUndo";
import type { useFilter } from "./useFilter";

/** The place stands in the address once it has rested for this long. */
const REST_MS = 250;

const STATUS_OF = { approve: "approved", reject: "rejected", reset: "pending" } as const;

/** Deciding about a list: as a table or one at a time, by mouse or by keyboard. */
export function Triage(props: { projectId: string; list: ReviewList; filter: ReturnType<typeof useFilter>; bulk: BulkUndo }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { projectId, list, filter } = props;
  const place = usePlace(list, filter);
  const { active } = place;
  const [selected, setSelected] = useState<ReadonlySet<string> | "all">(new Set());
  const [anchor, setAnchor] = useState(0);
  const [edited, setEdited] = useState<Example | null>(null);
  const [target, setTarget] = useState<BulkTarget | null>(null);
  const [isHelp, setHelp] = useState(false);
  const [said, say] = useState("");

  // Another list is another selection.
  const [selectedOf, setSelectedOf] = useState(list);
  if (selectedOf !== list) {
    setSelectedOf(list);
    setSelected(new Set());
  }

  const current = () => {
    const slot = list.at(active);
    return typeof slot === "object" ? slot : null;
  };
  const { number } = format;
  const whereabouts = (index: number) => t("triage.position", { number: number(index + 1), total: number(list.total) });
  const move = (by: 1 | -1) => {
    let next = active + by;
    while (next >= 0 && next < list.total && list.at(next) === "gone") next += by;
    if (next < 0 || next >= list.total) return active;
    place.go(next, true);
    return next;
  };
  const decide = (ids: string[], status: ExampleStatus) => {
    list.decide(ids, status);
    say(`${t(`triage.said.${status}`, { count: ids.length, shown: number(ids.length) })} ${t("triage.left", { count: list.counts.pending, shown: number(list.counts.pending) })}`);
  };
  const decideSelected = (status: ExampleStatus) => {
    if (selected === "all") return setTarget({ action: status, ids: null, count: list.total, filter: filter.filter });
    const ids = [...selected];
    // Those of far away parts of the list are not at hand here: the server decides about them.
    if (ids.some((id) => list.find(id) === null)) return setTarget({ action: status, ids, count: ids.length, filter: {} });
    decide(ids, status);
    setSelected(new Set());
  };
  const canUndo = list.undoable > 0 || props.bulk.isNewest;
  const undo = () => {
    if (props.bulk.isNewest) return props.bulk.undo();
    const ids = list.undo();
    const [first] = ids;
    if (first === undefined) return;
    say(t("triage.said.undone", { count: ids.length, shown: number(ids.length) }));
    void list.place(first).then((index) => place.go(index, true));
  };
  const run = (action: ShortcutAction): boolean => {
    const example = current();
    switch (action) {
      case "next":
      case "previous":
        move(action === "next" ? 1 : -1);
        return true;
      case "approve":
      case "reject":
      case "reset":
        if (selected === "all" || selected.size > 0) {
          decideSelected(STATUS_OF[action]);
          return true;
        }
        if (!example) return false;
        decide([example.id], STATUS_OF[action]);
        move(1);
        return true;
      case "edit":
        setEdited(example);
        return true;
      case "undo":
        undo();
        return true;
      case "open":
        if (filter.isSingle) return false;
        filter.setSingle(true, example?.id ?? null);
        return true;
      case "close":
        if (!filter.isSingle) return false;
        filter.setSingle(false, example?.id ?? null);
        return true;
      case "select":
        if (!example || filter.isSingle) return false;
        toggle(active, false);
        return true;
      case "help":
        setHelp(true);
        return true;
    }
  };
  useShortcuts(run);

  const toggle = (index: number, isRange: boolean) => {
    const chosen = new Set(selected === "all" ? [] : selected);
    const [from, to] = isRange ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index];
    for (let at = from; at <= to; at++) {
      const slot = list.at(at);
      if (typeof slot !== "object") continue;
      if (isRange) chosen.add(slot.id);
      else if (!chosen.delete(slot.id)) chosen.add(slot.id);
    }
    setAnchor(index);
    setSelected(chosen);
  };
  const handlers: RowActions = {
    onPoint: (index) => place.go(index, false),
    onOpen: (index) => {
      const slot = list.at(index);
      place.go(index, false);
      filter.setSingle(true, typeof slot === "object" ? slot.id : null);
    },
    onSelect: toggle,
    onDecide: (example, status) => decide([example.id], status),
    onEdit: setEdited,
  };
  const actions = useLatest(handlers);

  return (
    <>
      <p role="status" aria-live="polite" className="sr-only">
        {said}
      </p>
      {list.refused && (
        <div className="mb-3">
          <p className="mb-1 text-sm font-medium text-bad">{t("triage.refused", { count: list.refused.count, shown: number(list.refused.count) })}</p>
          <ProblemNote problem={list.refused.problem} />
        </div>
      )}
      {list.problem != null && <ProblemNote problem={list.problem} className="mb-3" onRetry={() => list.retry()} />}
      {filter.isSingle ? (
        <SingleView
          projectId={projectId}
          list={list}
          active={active}
          onMove={move}
          onDecide={(status) => {
            const example = current();
            if (!example) return;
            decide([example.id], status);
            if (status !== "pending") move(1);
          }}
          onEdit={setEdited}
          onDelete={(ids) => setTarget({ action: "delete", ids, count: ids.length, filter: {} })}
          canUndo={canUndo}
          onUndo={undo}
          onClose={() => filter.setSingle(false, current()?.id ?? null)}
        />
      ) : (
        <>
          <BulkBar
            total={list.total}
            pending={list.counts.pending}
            selected={selected}
            position={whereabouts(active)}
            onSelectAll={(all) => setSelected(all ? "all" : new Set())}
            onDecide={decideSelected}
            onDelete={() =>
              setTarget(
                selected === "all"
                  ? { action: "delete", ids: null, count: list.total, filter: filter.filter }
                  : { action: "delete", ids: [...selected], count: selected.size, filter: {} },
              )
            }
            onApproveAll={() => setTarget({ action: "approved", ids: null, count: list.counts.pending, filter: { ...filter.filter, status: "pending" } })}
            onSingle={() => filter.setSingle(true, current()?.id ?? null)}
            onHelp={() => setHelp(true)}
          />
          <ExampleTable list={list} active={active} focusRequest={place.focusRequest} selected={selected} actions={actions} />
          <p className="mt-2 flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1 text-xs text-soft">
            <span className="max-sm:hidden">{t("triage.hint")}</span>
            {canUndo && (
              <Button look="quiet" size="small" className="ml-auto" onClick={undo}>
                {t("triage.undoLast")}
              </Button>
            )}
          </p>
        </>
      )}
      {edited && <EditExample projectId={projectId} example={edited} onSaved={(saved) => list.replace({ ...saved, status: list.find(saved.id)?.status ?? saved.status })} onClose={() => setEdited(null)} />}
      {target && (
        <BulkDialog
          projectId={projectId}
          target={target}
          settled={() => list.settled()}
          onClose={() => setTarget(null)}
          onDone={(changed, batches) => {
            setTarget(null);
            setSelected(new Set());
            if (target.action === "delete") say(t("examples.changed", { count: changed }));
            else props.bulk.report({ status: target.action, changed, batches });
          }}
        />
      )}
      {isHelp && <ShortcutHelp onClose={() => setHelp(false)} />}
    </>
  );
}

/** The line that is looked at. It is found again by its id when the list was read anew, and after a reload by the address. */
function usePlace(list: ReviewList, filter: ReturnType<typeof useFilter>) {
  const [place, setPlace] = useState({ list, index: 0 });
  const [focusRequest, setFocusRequest] = useState(0);
  const index = place.list === list ? Math.min(place.index, Math.max(0, list.total - 1)) : 0;
  const slot = list.at(index);
  const id = typeof slot === "object" ? slot.id : null;

  const wanted = useRef({ list, id: filter.at });
  const { generation } = list;
  useEffect(() => {
    // Another filter begins at its top.
    if (wanted.current.list !== list) wanted.current = { list, id: null };
    const looked = wanted.current.id;
    if (looked) void list.place(looked).then((found) => setPlace({ list, index: found }));
  }, [list, generation]);

  const isMoved = useRef(false);
  const { at, setAt } = filter;
  useEffect(() => {
    if (!isMoved.current || id === null) return;
    wanted.current = { list, id };
    if (id === at) return;
    const timer = setTimeout(() => setAt(id), REST_MS);
    return () => clearTimeout(timer);
  }, [id, at, setAt]);
  return {
    active: index,
    focusRequest,
    go: (next: number, withFocus: boolean) => {
      isMoved.current = true;
      setPlace({ list, index: next });
      if (withFocus) setFocusRequest((before) => before + 1);
    },
  };
}

/** Functions that stay the same for lines that are drawn once, and do what the newest ones do. */
function useLatest(handlers: RowActions): RowActions {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  return useMemo(
    () => ({
      onPoint: (...given) => latest.current.onPoint(...given),
      onOpen: (...given) => latest.current.onOpen(...given),
      onSelect: (...given) => latest.current.onSelect(...given),
      onDecide: (...given) => latest.current.onDecide(...given),
      onEdit: (...given) => latest.current.onEdit(...given),
    }),
    [],
  );
}
