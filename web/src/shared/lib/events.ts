import { useEffect, useRef, useState } from "react";

export type ConnectionState = "connecting" | "open" | "lost" | "ended";

/** How long a stream that the server refused is left alone. The browser itself tries again after lost connections. */
const RETRY_MS = 3000;

/** One event of a stream, its data parsed. */
export interface StreamEvent {
  type: string;
  id: number | null;
  data: unknown;
}

/**
 * Follows a stream of server-sent events until its `end`. After a lost connection it goes on behind the last event
 * (`Last-Event-ID`), so that nothing is missed or repeated. `null` follows nothing.
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

  const open = () => {
    const from = new URL(url, window.location.origin);
    if (lastId !== null) from.searchParams.set("last_event_id", lastId);
    const current = new EventSource(from);
    source = current;
    current.onopen = () => onState("open");
    current.onerror = () => {
      if (closed) return;
      onState("lost");
      if (current.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    };
    for (const type of [...types, "end"]) {
      current.addEventListener(type, (message) => {
        if (closed) return;
        if (message.lastEventId !== "") lastId = message.lastEventId;
        const id = message.lastEventId === "" ? null : Number(message.lastEventId);
        onEvent({ type, id, data: JSON.parse(message.data as string) });
        if (type === "end") {
          close();
          onState("ended");
        }
      });
    }
  };

  const close = () => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };

  onState("connecting");
  open();
  return close;
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
