import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import type { StepId } from "../lib/steps";
import { useProject } from "./queries";
import { chosenIn, StepChoices } from "./stepChoices";

const stores = new WeakMap<QueryClient, StepChoices>();

/** The edits of a client, made when they are first asked for. */
function storeOf(client: QueryClient): StepChoices {
  let store = stores.get(client);
  if (!store) {
    store = new StepChoices(client);
    stores.set(client, store);
    window.addEventListener("pagehide", store.sendAll);
  }
  return store;
}

/**
 * What a person chose in a step of a project and has not applied yet: the state of its form. The server keeps it, so that
 * a reload, another page and another browser show the same.
 *
 * - `value` has what was chosen; a field that nobody touched is missing, and the page shows its own default there (so
 *   that better defaults reach those who never chose). It is `{}` until something was chosen, and keeps its identity
 *   while nothing changes. The server does not look inside: treat it as input (another version may have written it).
 * - `update(patch)` changes fields at once on every page that shows them, and sends the whole half a second after the
 *   last edit; a field that is `undefined` is taken out. `replace(value)` sets all fields; `replace({})` forgets them.
 *   Call them from event handlers, with what a person typed, also while it is not valid yet. Edits are also sent when
 *   the page is left or closed.
 * - `isSaved`: the server has everything. `problem`: why the last save failed; the edit stays shown, the next edit or
 *   `retry()` sends it again.
 *
 * `T` describes the fields: `{ task, language, tone }` for "task", those of the train/start request for "train". At most
 * 64 KiB of JSON a step.
 *
 *     const form = useStepChoices<TrainRequest>(project.id, "train");
 *     <NumberField value={String(form.value.epochs ?? defaults.epochs)} onChange={…form.update({ epochs })} />
 */
export function useStepChoices<T extends object>(projectId: string, step: StepId) {
  const store = storeOf(useQueryClient());
  const project = useProject(projectId).data;
  const edit = useSyncExternalStore(store.subscribe, () => store.edit(projectId, step));
  // Going to another page does not wait for the pause.
  useEffect(() => () => void store.send(projectId, step), [store, projectId, step]);
  const update = useCallback(
    (patch: Partial<T>) => {
      const merged = Object.entries({ ...store.current(projectId, step), ...patch });
      store.set(projectId, step, Object.fromEntries(merged.filter(([, value]) => value !== undefined)));
    },
    [store, projectId, step],
  );
  const replace = useCallback((value: Partial<T>) => store.set(projectId, step, { ...value }), [store, projectId, step]);
  const retry = useCallback(() => void store.send(projectId, step), [store, projectId, step]);
  return {
    value: (edit?.value ?? chosenIn(project, step)) as Partial<T>,
    update,
    replace,
    isSaved: edit === null,
    problem: edit?.problem ?? null,
    retry,
  };
}

/** What {@link useStepChoices} gives. */
export type Choosing<T extends object> = ReturnType<typeof useStepChoices<T>>;
