#!/usr/bin/env python3
"""Axolotl LoRA SFT on CPU with the settings of trl_lora.py; writes the YAML, trains in-process, prints JSON.
  (its own venv) axolotl_lora.py --model DIR --data sft.jsonl [--steps 8] [--dtype f32|bf16] [--gradient-checkpointing on|off]
"""
def main():  # guarded: axolotl spawns worker processes that re-import this file
    import time; T0 = time.time()
    import argparse, json, os, resource, statistics as st, sys, traceback
    a = argparse.ArgumentParser(); A = a.add_argument
    A("--model", required=True); A("--data", required=True); A("--steps", type=int, default=8); A("--batch", type=int, default=4)
    A("--max-length", type=int, default=1024); A("--dtype", default="f32"); A("--gradient-checkpointing", default="off")
    A("--packing", default="off"); A("--work", default=os.environ.get("PEERS", ".") + "/axolotl"); a = a.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", AXOLOTL_DO_NOT_TRACK="1", DO_NOT_TRACK="1", ACCELERATE_USE_CPU="true")
    real = os.dup(1); os.dup2(2, 1); os.makedirs(a.work, exist_ok=True)
    import shutil; shutil.rmtree(a.work + "/prep", ignore_errors=True); shutil.rmtree(a.work + "/out", ignore_errors=True)
    def jif():
        v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]; o = os.times()
        return sum(v) - v[3] - v[4], sum(v), (o.user + o.system) * os.sysconf("SC_CLK_TCK")
    cfg = f"""
base_model: {os.path.abspath(a.model)}
datasets:
  - path: {os.path.abspath(a.data)}
    ds_type: json
    type: chat_template
    field_messages: messages
    message_property_mappings: {{role: role, content: content}}
    roles_to_train: [assistant]
chat_template: chatml
dataset_prepared_path: {a.work}/prep
output_dir: {a.work}/out
adapter: lora
lora_r: 16
lora_alpha: 32
lora_dropout: 0.0
lora_target_linear: true
lora_mlp_kernel: false
lora_qkv_kernel: false
lora_o_kernel: false
sequence_len: {a.max_length}
sample_packing: {str(a.packing == 'on').lower()}
pad_to_sequence_len: false
micro_batch_size: {a.batch}
gradient_accumulation_steps: 1
max_steps: {a.steps}
optimizer: adamw_torch
lr_scheduler: constant
learning_rate: 0.0002
warmup_steps: 0
weight_decay: 0.0
bf16: {str(a.dtype == 'bf16').lower()}
fp16: false
tf32: false
gradient_checkpointing: {str(a.gradient_checkpointing == 'on').lower()}
attn_implementation: sdpa
logging_steps: 1
save_strategy: "no"
val_set_size: 0.0
shuffle_merged_datasets: false
seed: 42
device: cpu
use_cpu: true
dataset_num_proc: 1
dataset_processes: 1
special_tokens: {{pad_token: "<|endoftext|>", eos_token: "<|im_end|>"}}
"""
    p = a.work + "/cfg.yml"; open(p, "w").write(cfg)
    rec = dict(end=[], real=[], padded=[], lt=[], loss=[], noise=[], shapes=[])
    import torch, transformers, axolotl
    from transformers import TrainerCallback, Trainer
    class CB(TrainerCallback):
        def on_train_begin(self, *x, **k): rec["t"] = time.perf_counter(); rec["startup"] = time.time() - T0; rec["jif"] = jif()
        def on_step_begin(self, *x, **k): rec["cur"] = [0, 0, 0]
        def on_step_end(self, *x, **k):
            rec["end"].append(time.perf_counter())
            for n, v in zip(("real", "padded", "lt"), rec["cur"]): rec[n].append(v)
            j0, j1 = rec["jif"], jif(); rec["jif"] = j1
            rec["noise"].append(round(max(0, ((j1[0] - j0[0]) - (j1[2] - j0[2])) / max(1, j1[1] - j0[1])), 3))
        def on_log(self, args, state, control, logs=None, **k):
            if logs and "loss" in logs: rec["loss"].append(round(float(logs["loss"]), 5))
    old_init = Trainer.__init__; old_step = Trainer.training_step
    def init(self, *x, **k):
        old_init(self, *x, **k); self.add_callback(CB())
    def step(self, model, inputs, *x, **k):
        ids = inputs["input_ids"]; am = inputs.get("attention_mask")
        rec["cur"][0] += int((am != 0).sum()) if am is not None else ids.numel(); rec["cur"][1] += ids.numel()
        rec["cur"][2] += int((inputs["labels"] != -100).sum()); rec["shapes"].append(list(ids.shape))
        return old_step(self, model, inputs, *x, **k)
    Trainer.__init__ = init; Trainer.training_step = step
    try:
        from axolotl.cli.train import do_cli
        do_cli(config=p)
    except BaseException:
        traceback.print_exc()
        if len(rec["end"]) < 2: sys.exit(1)
    e = [rec["t"]] + rec["end"]; dt = [y - x for x, y in zip(e, e[1:])]; w = dt[1:]; S = sum(w); mm = lambda v: [round(min(v), 3), round(st.median(v), 3), round(max(v), 3)]
    q = [(r, x) for r, x, n in zip(rec["real"][1:], w, rec["noise"][1:]) if n < 0.05]
    from importlib.metadata import version
    os.write(real, (json.dumps(dict(tool="axolotl", versions=dict(axolotl=version("axolotl"), torch=torch.__version__, transformers=transformers.__version__, trl=version("trl")),
        model=os.path.basename(os.path.normpath(a.model)), dtype=a.dtype, packing=a.packing, gradient_checkpointing=a.gradient_checkpointing, batch=a.batch, steps=len(dt), timed_steps=max(0, len(dt) - 1), first_step_only=len(dt) == 1,
        tokens_per_s=round(sum(rec["real"][1:]) / S, 1), tokens_per_s_min_med_max=mm([r / x for r, x in zip(rec["real"][1:], w)]), padded_tokens_per_s=round(sum(rec["padded"][1:]) / S, 1),
        loss_tokens_per_s=round(sum(rec["lt"][1:]) / S, 1), pad_efficiency=round(sum(rec["real"][1:]) / sum(rec["padded"][1:]), 3), step_s=[round(x, 2) for x in dt], other_cpu_share=rec["noise"],
        clean_tokens_per_s=dict(steps=len(q), tokens_per_s=round(sum(r for r, _ in q) / sum(x for _, x in q), 1)) if q else None, losses=rec["loss"], real_tokens=rec["real"], padded_tokens=rec["padded"], shapes=rec["shapes"][:3],
        peak_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), startup_s=round(rec["startup"], 2))) + "\n").encode())

if __name__ == "__main__":
    main()
