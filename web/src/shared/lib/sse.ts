/**
 * Reads server-sent events from the body of a fetch answer: for streams that answer a POST, where the browser's
 * EventSource cannot be used. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export interface ServerEvent {
  event: string;
  data: string;
  id: string | null;
}

/** Takes text in pieces of any size, hands out whole events. */
export function eventParser(onEvent: (event: ServerEvent) => void): (text: string) => void {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id: string | null = null;

  const line = (text: string) => {
    if (text === "") {
      if (data.length > 0) onEvent({ event: event || "message", data: data.join("\n"), id });
      event = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  };

  return (text) => {
    rest += text;
    for (;;) {
      const end = rest.search(/\r\n|\n|\r/);
      // A carriage return at the very end may be the first half of a line end.
      if (end < 0 || (end === rest.length - 1 && rest[end] === "\r")) return;
      const width = rest.startsWith("\r\n", end) ? 2 : 1;
      line(rest.slice(0, end));
      rest = rest.slice(end + width);
    }
  };
}

/** Reads a stream to its end. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const push = eventParser(onEvent);
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    push(decoder.decode(value, { stream: true }));
  }
  push(`${decoder.decode()}\n\n`);
}
