// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeEventSource } from "../../../tests/FakeEventSource";
import { followEvents, pollInterval } from "./events";

beforeEach(() => {
  vi.useFakeTimers();
  FakeEventSource.install();
});
afterEach(() => vi.useRealTimers());

it("goes on behind the last event when the server refused the connection", () => {
  const seen: unknown[] = [];
  const states: string[] = [];
  followEvents("/events?run_id=1", ["step"], (event) => seen.push(event.data), (state) => states.push(state));
  FakeEventSource.all[0]?.onopen?.();
  FakeEventSource.all[0]?.send("step", { step: 1 }, "7");
  FakeEventSource.all[0]?.fail(FakeEventSource.CLOSED);
  expect(FakeEventSource.all).toHaveLength(1);
  vi.runAllTimers();
  expect(FakeEventSource.all[1]?.url).toContain("/events?run_id=1&last_event_id=7");
  FakeEventSource.all[1]?.send("step", { step: 2 }, "8");
  expect(seen).toEqual([{ step: 1 }, { step: 2 }]);
  expect(states).toEqual(["connecting", "open", "lost"]);
});

it("leaves a lost connection to the browser, which tries again by itself", () => {
  followEvents("/events", ["step"], () => {}, () => {});
  FakeEventSource.all[0]?.fail(FakeEventSource.CONNECTING);
  vi.runAllTimers();
  expect(FakeEventSource.all).toHaveLength(1);
});

it("closes at the end, and is silent after it was closed", () => {
  const states: string[] = [];
  followEvents("/events", [], () => {}, (state) => states.push(state));
  FakeEventSource.all[0]?.send("end", {});
  expect(FakeEventSource.all[0]?.readyState).toBe(FakeEventSource.CLOSED);
  FakeEventSource.all[0]?.fail(FakeEventSource.CLOSED);
  vi.runAllTimers();
  expect(states).toEqual(["connecting", "ended"]);
  expect(FakeEventSource.all).toHaveLength(1);
});

it("counts a stream that does not come as lost, until it comes", () => {
  const states: string[] = [];
  const close = followEvents("/events", ["step"], () => {}, (state) => states.push(state));
  vi.advanceTimersByTime(4900);
  expect(states).toEqual(["connecting"]);
  vi.advanceTimersByTime(200);
  expect(states).toEqual(["connecting", "lost"]);
  FakeEventSource.all[0]?.onopen?.();
  expect(states).toEqual(["connecting", "lost", "open"]);
  close();
  vi.runAllTimers();
  expect(states).toHaveLength(3);
});

it("asks often while there is no stream", () => {
  expect(pollInterval("lost")).toBeLessThan(pollInterval("open"));
  expect(pollInterval("connecting")).toBe(pollInterval("lost"));
});
