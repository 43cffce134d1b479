import { describe, expect, it } from "vitest";
import type { StreamEvent } from "../../shared/lib/events";
import { afterEvents, NOTHING_YET } from "./runStream";

const event = (type: string, data: object, id = 1): StreamEvent => ({ type, id, data: { time: "2026-01-01T10:00:00Z", ...data } });
const step = (number: number, loss: number) => event("step", { step: number, loss, total_steps: 6, seconds_left: 1 });

describe("afterEvents", () => {
  it("tells the state, the curve and the messages of a run", () => {
    const state = afterEvents(NOTHING_YET, [
      event("status", { status: "queued" }),
      event("status", { status: "running" }),
      event("plan", { total_steps: 6, resumed_steps: 0, rows: 10 }),
      step(1, 3),
      step(2, 2.5),
      event("evaluation", { step: 2, eval_loss: 2.7 }),
      event("log", { level: "warning", message: "3 rows were cut" }),
    ]);
    expect(state.status).toBe("running");
    expect(state.totalSteps).toBe(6);
    expect(state.steps.map((point) => point.loss)).toEqual([3, 2.5]);
    expect(state.evaluations).toEqual([{ step: 2, loss: 2.7 }]);
    expect(state.log.map((entry) => entry.kind)).toEqual(["status", "status", "plan", "evaluation", "log"]);
  });

  it("lets the steps that are done again after a checkpoint replace the lost ones", () => {
    const before = afterEvents(NOTHING_YET, [
      ...[1, 2, 3, 4].map((number) => step(number, 5 - number)),
      event("evaluation", { step: 4, eval_loss: 9 }),
      event("status", { status: "interrupted" }),
    ]);
    const resumed = afterEvents(before, [
      event("status", { status: "running" }),
      event("plan", { total_steps: 6, resumed_steps: 2 }),
    ]);
    expect(resumed.steps.map((point) => point.step)).toEqual([1, 2]);
    expect(resumed.evaluations).toEqual([]);
    const after = afterEvents(resumed, [3, 4, 5, 6].map((number) => step(number, 1)));
    expect(after.steps.map((point) => [point.step, point.loss])).toEqual([[1, 4], [2, 3], [3, 1], [4, 1], [5, 1], [6, 1]]);
  });

  it("keeps each step once, also when the start of an attempt was not told", () => {
    const state = afterEvents(NOTHING_YET, [step(1, 3), step(2, 2), step(3, 2), step(2, 1)]);
    expect(state.steps.map((point) => [point.step, point.loss])).toEqual([[1, 3], [2, 1]]);
  });

  it("does not fall over what it does not know", () => {
    const state = afterEvents(NOTHING_YET, [event("step", {}), event("evaluation", { step: 1 }), event("novelty", {})]);
    expect(state.steps).toEqual([]);
    expect(afterEvents(state, [event("step", { step: 1, loss: null })]).steps[0]?.loss).toBeNull();
  });

  it("tells memory against the plan, warnings by their code, and an early end", () => {
    const state = afterEvents(NOTHING_YET, [
      event("plan", { total_steps: 6, plan: { total_bytes: 1000 } }),
      event("log", { level: "warning", code: "Truncated", message: "3 rows were cut" }),
      event("step", { step: 1, loss: 2, grad_norm: 0.5, seconds: 1.5, memory_bytes: 700, peak_memory_bytes: 900 }),
      event("step", { step: 2, loss: 2, memory_bytes: 600, peak_memory_bytes: 900 }),
      event("stopped_early", { step: 2, best_step: 1 }),
    ]);
    expect([state.plannedBytes, state.peakBytes]).toEqual([1000, 900]);
    expect(state.steps[0]).toMatchObject({ gradNorm: 0.5, seconds: 1.5, memoryBytes: 700 });
    expect(state.log.map((entry) => entry.kind)).toEqual(["plan", "log", "stopped_early"]);
    expect(state.log[1]).toMatchObject({ code: "Truncated" });
  });

  it("gives every message a key of its own, also across batches and after old ones were dropped", () => {
    const many = Array.from({ length: 400 }, (_, index) => event("log", { message: `line ${index}` }));
    const state = afterEvents(afterEvents(NOTHING_YET, many), many);
    expect(state.log).toHaveLength(500);
    expect(new Set(state.log.map((entry) => entry.key)).size).toBe(500);
  });
});
