import { useEffect, useRef, useState } from "react";

export type ConnectionState = "connecting" | "open" | "lost" | "ended";

/** How long a stream that the server refused is left alone. The browser itself tries again after lost connections. */
const RETRY_MS = 3000;
/** A stream that is not there after so long is held back on its way (by a proxy that collects answers): it counts as lost. */
const OPEN_MS = 5000;

/** One event of a stream, its data parsed. */
export interface StreamEvent {
  type: string;
  id: number | null;
  data: unknown;
}

/**
 * Follows a stream of server-sent events until its `end`. After a lost connection it goes on behind the last event
 * (`Last-Event-ID`), so that nothing is missed or repeated. While the state is not `open`, whoever shows the data asks
 * for it now and then ({@link pollInterval}).
 */
export function followEvents(
  url: string,
  types: readonly string[],
  onEvent: (event: StreamEvent) => void,
  onState: (state: ConnectionState) => void,
): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastId: string | null = null;
  let closed = false;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let told: ConnectionState | null = null;

  const tell = (state: ConnectionState) => {
    if (state === told) return;
    told = state;
    onState(state);
  };
  const open = () => {
    const from = new URL(url, window.location.origin);
    if (lastId !== null) from.searchParams.set("last_event_id", lastId);
    const current = new EventSource(from);
    source = current;
    clearTimeout(patience);
    patience = setTimeout(() => tell("lost"), OPEN_MS);
    current.onopen = () => {
      clearTimeout(patience);
      tell("open");
    };
    current.onerror = () => {
      if (closed) return;
      clearTimeout(patience);
      tell("lost");
      if (current.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    };
    for (const type of [...types, "end"]) {
      current.addEventListener(type, (message) => {
        if (closed) return;
        clearTimeout(patience);
        if (message.lastEventId !== "") lastId = message.lastEventId;
        const id = message.lastEventId === "" ? null : Number(message.lastEventId);
        onEvent({ type, id, data: JSON.parse(message.data as string) });
        if (type === "end") {
          close();
          tell("ended");
        }
      });
    }
  };

  const close = () => {
    closed = true;
    clearTimeout(timer);
    clearTimeout(patience);
    source?.close();
  };

  tell("connecting");
  open();
  return close;
}

/**
 * How often to ask for what a stream should tell: seldom while it is open, for servers that went away and for proxies
 * that hold events back; often while there is none.
 */
export function pollInterval(state: ConnectionState): number {
  return state === "open" ? 10_000 : 2000;
}

/** `followEvents` while a component is shown. */
export function useEvents(
  url: string | null,
  types: readonly string[],
  onEvent: (event: StreamEvent) => void,
): ConnectionState {
  const [state, setState] = useState<ConnectionState>("connecting");
  const handler = useRef(onEvent);
  const names = types.join(" ");
  useEffect(() => {
    handler.current = onEvent;
  });
  useEffect(() => {
    if (url === null) return;
    return followEvents(url, names.split(" "), (event) => handler.current(event), setState);
  }, [url, names]);
  return state;
}
