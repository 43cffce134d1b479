import { describe, expect, it } from "vitest";
import type { Hardware, TrainConfig } from "../../shared/api/types";
import { check, request, startValues } from "./trainForm";

const USUAL: TrainConfig = {
  method: "lora",
  rank: 16,
  alpha: 32,
  target_modules: "all-linear",
  epochs: 3,
  max_steps: null,
  learning_rate: 0.0002,
  schedule: "cosine",
  warmup_steps: 0,
  weight_decay: 0,
  max_grad_norm: 1,
  micro_batch_size: 4,
  gradient_accumulation_steps: 1,
  max_seq_len: 512,
  precision: "bf16",
  seed: 42,
  eval_fraction: 0.1,
  held_out_fraction: 0,
  checkpoint_steps: 20,
};

const plan = (fits: boolean): Hardware["plan"] => ({
  model_id: "base",
  fits,
  method: "lora",
  precision: "f32",
  micro_batch_size: 2,
  max_seq_len: 256,
  required_bytes: 1,
  available_bytes: 2,
  tokens_per_second: null,
  advice: [],
});

describe("the form of a training", () => {
  it("begins with the usual settings, or with those that fit the memory", () => {
    expect(startValues(USUAL, null)).toMatchObject({ micro_batch_size: "4", max_seq_len: "512", precision: "bf16" });
    expect(startValues(USUAL, plan(true))).toMatchObject({ micro_batch_size: "2", max_seq_len: "256", precision: "f32" });
    expect(startValues(USUAL, plan(false))).toMatchObject({ micro_batch_size: "4" });
  });

  it("names every field that is wrong", () => {
    const values = { ...startValues(USUAL, null), epochs: "0", rank: "2,5", learning_rate: "fast", max_seq_len: "513", eval_fraction: "0,5" };
    expect(check(values, 512)).toEqual({
      epochs: expect.objectContaining({ key: "outOfRange" }),
      rank: { key: "wholeNumber" },
      learning_rate: { key: "numberNeeded" },
      max_seq_len: { key: "outOfRange", min: 16, max: 512 },
    });
  });

  it("asks for what stands in it, and for nothing that the server does not know", () => {
    const body = request({ ...startValues(USUAL, null), learning_rate: "0,001", name: "  " });
    expect(body).toMatchObject({ learning_rate: 0.001, epochs: 3, rank: 16, method: "lora" });
    expect(body).not.toHaveProperty("name");
    for (const field of Object.keys(body)) expect(Object.keys(USUAL)).toContain(field);
  });
});
