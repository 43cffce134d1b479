import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { ExampleRow, type RowActions } from "./ExampleRow";
import type { ReviewList } from "./reviewList";

const PHONE = "(max-width: 639px)";
/** Fixed, so that a place in the list is a place on the screen: nothing jumps while rows are read. */
const HEIGHT = { wide: 116, phone: 160 };

function useIsPhone(): boolean {
  const subscribe = (listener: () => void) => {
    const query = window.matchMedia(PHONE);
    query.addEventListener("change", listener);
    return () => query.removeEventListener("change", listener);
  };
  return useSyncExternalStore(subscribe, () => window.matchMedia(PHONE).matches);
}

/** The list as lines, of which only those in sight are drawn and read. */
export function ExampleTable(props: {
  list: ReviewList;
  active: number;
  /** Counts up when the active line shall take the focus. */
  focusRequest: number;
  selected: ReadonlySet<string> | "all";
  actions: RowActions;
}) {
  const { t } = useTranslation();
  const { list, active, selected, focusRequest } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const height = useIsPhone() ? HEIGHT.phone : HEIGHT.wide;
  const virtualizer = useVirtualizer({
    count: list.total,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 5,
    initialOffset: active * height,
    // The first lines are drawn at once, not when the list has been measured.
    initialRect: { width: 0, height: window.innerHeight },
  });
  const rows = virtualizer.getVirtualItems();
  const first = rows[0]?.index ?? 0;
  const last = rows.at(-1)?.index ?? 0;

  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height]);
  useEffect(() => list.ensure(first, last), [list, first, last, list.total]);
  useLayoutEffect(() => virtualizer.scrollToIndex(active, { align: "auto" }), [virtualizer, active, list]);

  // The line may be drawn a frame later, when the list has been scrolled to it.
  const focused = useRef(focusRequest);
  useEffect(() => {
    if (focused.current === focusRequest) return;
    const line = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (!line) return;
    focused.current = focusRequest;
    line.focus({ preventScroll: true });
  });

  return (
    <div
      ref={scroller}
      data-testid="example-list"
      className="overflow-y-auto overscroll-contain rounded-xl border border-line bg-surface"
      style={{ height: `min(${Math.max(1, list.total) * height + 2}px, max(24rem, calc(100dvh - 13rem)))` }}
    >
      <ul aria-label={t("examples.title")} className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {rows.map((row) => {
          const slot = list.at(row.index);
          const isSelected = selected === "all" || (typeof slot === "object" && selected.has(slot.id));
          return (
            <ExampleRow
              key={row.key}
              slot={slot}
              index={row.index}
              total={list.total}
              height={height}
              top={row.start}
              isActive={row.index === active}
              isSelected={isSelected}
              actions={props.actions}
            />
          );
        })}
      </ul>
    </div>
  );
}
