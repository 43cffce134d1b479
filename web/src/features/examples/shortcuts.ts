import { useEffect, useRef } from "react";

export const ACTIONS = ["next", "previous", "approve", "reject", "reset", "edit", "undo", "open", "select", "close", "help"] as const;

export type ShortcutAction = (typeof ACTIONS)[number];

/** The keys of each action, as `KeyboardEvent.key` has them. */
export const KEYS: Record<ShortcutAction, readonly string[]> = {
  next: ["j", "ArrowDown", "ArrowRight"],
  previous: ["k", "ArrowUp", "ArrowLeft"],
  approve: ["a"],
  reject: ["r"],
  reset: ["z"],
  edit: ["e"],
  undo: ["u"],
  open: ["o", "Enter"],
  select: ["x"],
  close: ["Escape"],
  help: ["?"],
};

const TYPED = "input:not([type=checkbox]):not([type=button]), textarea, select, [contenteditable=true]";
const OWN_USE = "button, a, summary, input, [role=tab], [role=menuitem]";

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "defaultPrevented" | "target">;

/**
 * What a key asks for; null where it is somebody else's: in a field, in a dialog, together with Ctrl, or Enter on a
 * button.
 */
export function actionOf(event: Pressed): ShortcutAction | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(TYPED)) return null;
  if (document.querySelector("[role=dialog], [role=alertdialog]")) return null;
  if (event.key === "Enter" && target?.closest(OWN_USE)) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return ACTIONS.find((action) => KEYS[action].includes(key)) ?? null;
}

/** Runs an action when one of its keys is pressed anywhere on the page; `run` answers whether it was of use. */
export function useShortcuts(run: (action: ShortcutAction) => boolean): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const action = actionOf(event);
      if (action && latest.current(action)) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
