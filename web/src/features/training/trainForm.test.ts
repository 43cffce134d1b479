import { describe, expect, it } from "vitest";
import type { TrainConfig } from "../../shared/api/types";
import { check, choicesOf, chosenModules, type FormValues, formValues, kept, matters, modulesOf, modulesText, request, stepsOf, wayOf } from "./trainForm";

const USUAL: TrainConfig = {
  method: "lora",
  rank: 16,
  alpha: 32,
  use_rslora: false,
  target_modules: "all-linear",
  layers: "all",
  lora_plus_ratio: 1,
  dropout: 0,
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
  base_precision: null,
  packing: true,
  seed: 42,
  eval_fraction: 0.1,
  held_out_fraction: 0,
  eval_steps: 0,
  patience: 0,
  checkpoint_steps: 20,
  keep_checkpoints: 2,
};

const usual = (change: Partial<FormValues> = {}) => ({ ...formValues({}, USUAL), ...change });

describe("the form of a training", () => {
  it("begins with the usual settings", () => {
    expect(usual()).toMatchObject({ micro_batch_size: "4", max_seq_len: "512", precision: "bf16", length: "epochs" });
  });

  it("asks for the usual settings of the way that is chosen", () => {
    expect(wayOf({ method: "full", base_precision: "nf4", rank: 3 })).toEqual({ method: "full", base_precision: undefined });
    expect(wayOf({ method: "telepathy", base_precision: "q8" } as never)).toEqual({ method: undefined, base_precision: "q8" });
  });

  it("tells how many steps a training takes, where it can be told", () => {
    expect(stepsOf(usual(), 62_000)).toEqual({ steps: 82, tokens: 2048 });
    expect(stepsOf(usual({ length: "steps", max_steps: "7" }), null)).toEqual({ steps: 7, tokens: 2048 });
    expect(stepsOf(usual({ epochs: "" }), 62_000)).toBeNull();
    expect(stepsOf(usual({ packing: false }), 62_000)).toBeNull();
    expect(stepsOf(usual(), null)).toBeNull();
  });

  it("shows what was chosen, by this page or another one, and nothing that does not fit its field", () => {
    const chosen = { rank: 64, learning_rate: "0,00", use_rslora: true, max_steps: 50, method: "telepathy", packing: "on", seed: [1] };
    expect(formValues(chosen as never, USUAL)).toMatchObject({
      rank: "64",
      learning_rate: "0,00",
      use_rslora: true,
      length: "steps",
      max_steps: "50",
      method: "lora",
      packing: true,
      seed: "42",
      base_precision: "",
    });
  });

  it("keeps numbers as numbers, and what is still being typed as it stands", () => {
    expect(["16", "0.0002", "0,5", "1.", "", "1e-5"].map(kept)).toEqual([16, 0.0002, "0,5", "1.", "", "1e-5"]);
  });

  it("names every field that is wrong", () => {
    const values = usual({ epochs: "0", rank: "2,5", learning_rate: "fast", max_seq_len: "513", eval_fraction: "0,5", dropout: "1" });
    expect(check(values, 512)).toEqual({
      epochs: expect.objectContaining({ key: "outOfRange" }),
      rank: { key: "wholeNumber" },
      learning_rate: { key: "numberNeeded" },
      max_seq_len: { key: "outOfRange", min: 16, max: 512 },
      dropout: { key: "outOfRange", min: 0, max: 0.9 },
    });
  });

  it("does not mind what has no meaning here", () => {
    const full = usual({ method: "full", rank: "none", epochs: "x", length: "steps", max_steps: "10" });
    expect(check(full, 512)).toEqual({});
    expect(matters(full, "rank")).toBe(false);
    expect(request(full)).not.toHaveProperty("rank");
    expect(request(full)).not.toHaveProperty("target_modules");
    expect(request(full)).toMatchObject({ method: "full", max_steps: 10 });
    expect(request(full)).not.toHaveProperty("epochs");
  });

  it("asks for what stands in it, and for nothing that the server does not know", () => {
    const body = request(usual({ learning_rate: "0,001", name: "  ", base_precision: "nf4", use_rslora: true }));
    expect(body).toMatchObject({ learning_rate: 0.001, epochs: 3, rank: 16, method: "lora", base_precision: "nf4", use_rslora: true });
    expect(body).not.toHaveProperty("name");
    expect(body).not.toHaveProperty("max_steps");
    for (const field of Object.keys(body)) expect(Object.keys(USUAL)).toContain(field);
    expect(request(usual())).not.toHaveProperty("base_precision");
  });

  it("does not wait for improvement where nothing is measured", () => {
    expect(request(usual({ patience: "3" })).patience).toBe(3);
    expect(request(usual({ patience: "3", eval_fraction: "0" })).patience).toBe(0);
  });

  it("takes the settings of a training over", () => {
    const config = { ...USUAL, rank: 64, epochs: null, max_steps: 12 };
    const choices = choicesOf(config, USUAL);
    expect(choices).toEqual({ rank: 64, max_steps: 12 });
    expect(request(formValues(choices, USUAL))).toMatchObject({ rank: 64, max_steps: 12, alpha: 32 });
  });
});

describe("the choice of modules", () => {
  const all = ["q_proj", "k_proj", "v_proj"];
  it("offers what a model has", () => {
    const known = ["all-linear", "q_proj", "o_proj", "up_proj", "qkv_proj", "gate_up_proj"].map((id) => ({ id }));
    expect(modulesOf("llama", known)).toEqual(["q_proj", "o_proj", "up_proj"]);
    expect(modulesOf("phi3", known)).toEqual(["o_proj", "qkv_proj", "gate_up_proj"]);
  });

  it("is a list or everything", () => {
    expect(chosenModules("all-linear")).toBeNull();
    expect(chosenModules("v_proj, q_proj")).toEqual(["v_proj", "q_proj"]);
    expect(modulesText(["v_proj", "q_proj"], all)).toBe("q_proj,v_proj");
    expect(modulesText([], all)).toBe("all-linear");
    expect(modulesText(all, all)).toBe("all-linear");
  });
});
