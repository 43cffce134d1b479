import { expect, it } from "vitest";
import type { WayPlan } from "../../shared/api/types";
import { planRequest, settingsOf, smallerSettings } from "./planRequest";

it("asks with what decides about memory, and leaves out what is half typed", () => {
  const chosen = { method: "lora", base_precision: "nf4", rank: 8, micro_batch_size: "1,", max_seq_len: 0, learning_rate: "0,1", name: "x" };
  expect(planRequest(chosen)).toEqual({ method: "lora", base_precision: "nf4", rank: 8 });
  expect(planRequest({})).toEqual({});
});

it("turns a way into settings of the training", () => {
  expect(settingsOf("qlora")).toEqual({ method: "lora", base_precision: "nf4" });
  expect(settingsOf("dora")).toEqual({ method: "dora", base_precision: undefined });
  const smaller = { micro_batch_size: 1, gradient_accumulation_steps: 4, max_seq_len: 256, required_bytes: 7 };
  expect(smallerSettings({ id: "full", smaller } as WayPlan)).toEqual({
    method: "full",
    base_precision: undefined,
    micro_batch_size: 1,
    gradient_accumulation_steps: 4,
    max_seq_len: 256,
  });
  expect(smallerSettings({ id: "full", smaller: null } as WayPlan)).toEqual({});
});
