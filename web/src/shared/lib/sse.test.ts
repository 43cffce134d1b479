import { expect, it } from "vitest";
import { eventParser, type ServerEvent } from "./sse";

const STREAM =
  ': keep alive\n\nevent: token\ndata: {"text":"été"}\n\nid: 4\r\nevent: done\r\ndata: {}\r\n\r\ndata: a\ndata:b\n\nevent: lonely\n\n';

function parse(pieces: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const push = eventParser((event) => events.push(event));
  for (const piece of pieces) push(piece);
  return events;
}

it("reads events however the text is cut", () => {
  const whole = parse([STREAM]);
  expect(whole).toEqual([
    { event: "token", data: '{"text":"été"}', id: null },
    { event: "done", data: "{}", id: "4" },
    { event: "message", data: "a\nb", id: "4" },
  ]);
  for (let cut = 1; cut < STREAM.length; cut += 1) {
    expect(parse([STREAM.slice(0, cut), STREAM.slice(cut)]), `cut at ${cut}`).toEqual(whole);
  }
  expect(parse([...STREAM])).toEqual(whole);
});
