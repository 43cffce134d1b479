#!/usr/bin/env python3
"""LLaMA-Factory SFT LoRA on CPU with the same settings as trl_lora.py; prints JSON.
  (its own venv) llamafactory_lora.py --model DIR --data sft.jsonl [--steps 8] [--dtype f32|bf16] [--packing on|off]
                 [--gradient-checkpointing on|off] [--max-length 1024]
Batches are LLaMA-Factory's own (seeded shuffle; it cannot be told to keep file order without disable_shuffling).
"""
import time; T0 = time.time()
import argparse, json, os, resource, statistics as st, sys
a = argparse.ArgumentParser(); A = a.add_argument
A("--model", required=True); A("--data", required=True); A("--steps", type=int, default=8); A("--batch", type=int, default=4)
A("--max-length", type=int, default=1024); A("--dtype", default="f32"); A("--packing", default="off"); A("--gradient-checkpointing", default="off")
A("--work", default=os.environ.get("PEERS", ".") + "/lf"); A("--max-seconds", type=float, default=0); a = a.parse_args()
os.environ.setdefault("HF_HUB_OFFLINE", "1"); os.environ["CUDA_VISIBLE_DEVICES"] = ""; os.environ["DISABLE_VERSION_CHECK"] = "1"
real = os.dup(1); os.dup2(2, 1)
def jif():
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]; o = os.times()
    return sum(v) - v[3] - v[4], sum(v), (o.user + o.system) * os.sysconf("SC_CLK_TCK")
os.makedirs(a.work + "/data", exist_ok=True)
d = a.work + "/data"; dst = d + "/sft.jsonl"
if os.path.lexists(dst): os.remove(dst)
os.symlink(os.path.abspath(a.data), dst)
json.dump({"sft": {"file_name": "sft.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"},
    "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}, open(d + "/dataset_info.json", "w"))
import torch, transformers, types
try:
    import torchaudio
except Exception:  # llamafactory imports it unconditionally, uses it only for audio samples; its pinned wheel wants another CUDA
    m = types.ModuleType("torchaudio"); import importlib.machinery as im; m.__spec__ = im.ModuleSpec("torchaudio", None); sys.modules["torchaudio"] = m
from transformers import TrainerCallback
import llamafactory
from llamafactory.train.tuner import run_exp
rec = dict(end=[], real=[], padded=[], loss=[], lt=[], noise=[])
from llamafactory.train.sft.trainer import CustomSeq2SeqTrainer as C
old = C.compute_loss
def cl(self, model, inputs, *x, **k):
    ids = inputs["input_ids"]; am = inputs.get("attention_mask")
    rec["cur"][0] += int((am != 0).sum()) if am is not None else ids.numel(); rec["cur"][1] += ids.numel(); rec["cur"][2] += int((inputs["labels"] != -100).sum())
    rec.setdefault("shapes", []).append(list(ids.shape))
    return old(self, model, inputs, *x, **k)
C.compute_loss = cl
class CB(TrainerCallback):
    def on_train_begin(self, *x, **k): rec["t"] = time.perf_counter(); rec["startup"] = time.time() - T0; rec["jif"] = jif()
    def on_step_begin(self, *x, **k): rec["cur"] = [0, 0, 0]
    def on_step_end(self, args, state, control, **k):
        rec["end"].append(time.perf_counter()); rec["real"].append(rec["cur"][0]); rec["padded"].append(rec["cur"][1]); rec["lt"].append(rec["cur"][2])
        j0, j1 = rec["jif"], jif(); rec["jif"] = j1
        rec["noise"].append(round(max(0, ((j1[0] - j0[0]) - (j1[2] - j0[2])) / max(1, j1[1] - j0[1])), 3))
        if a.max_seconds and rec["end"][-1] - rec["t"] > a.max_seconds: control.should_training_stop = True
    def on_log(self, args, state, control, logs=None, **k):
        if logs and "loss" in logs: rec["loss"].append(round(float(logs["loss"]), 5))
cfg = dict(stage="sft", do_train=True, model_name_or_path=a.model, finetuning_type="lora", lora_rank=16, lora_alpha=32, lora_dropout=0.0,
    lora_target="all", dataset="sft", dataset_dir=d, template="chatml", cutoff_len=a.max_length, overwrite_cache=True, preprocessing_num_workers=1,
    output_dir=a.work + "/out", overwrite_output_dir=True, max_steps=a.steps, per_device_train_batch_size=a.batch, gradient_accumulation_steps=1,
    learning_rate=2e-4, lr_scheduler_type="constant", warmup_steps=0, logging_steps=1, save_strategy="no", report_to="none", use_cpu=True,
    bf16=a.dtype == "bf16", fp16=False, packing=a.packing == "on", neat_packing=False, flash_attn="sdpa", disable_gradient_checkpointing=a.gradient_checkpointing == "off",
    disable_shuffling=True, seed=0, plot_loss=False, dataloader_num_workers=0, pure_bf16=False, max_samples=a.steps * a.batch * (6 if a.packing == "on" else 1))
cfg["infer_dtype"] = "auto"
try:
    run_exp(cfg, callbacks=[CB()])
except BaseException as e:
    import traceback; traceback.print_exc()
    if not rec["end"]: raise
e = [rec["t"]] + rec["end"]; dt = [y - x for x, y in zip(e, e[1:])]; w = dt[1:] or dt; k = len(dt) - len(w); S = sum(w)
mm = lambda v: [round(min(v), 3), round(st.median(v), 3), round(max(v), 3)]
q = [(r, x) for r, x, n in zip(rec["real"][k:], w, rec["noise"][k:]) if n < 0.05]
os.write(real, (json.dumps(dict(tool="llamafactory", versions=dict(llamafactory=llamafactory.__version__ if hasattr(llamafactory, "__version__") else "0.9.5", torch=torch.__version__, transformers=transformers.__version__),
    model=os.path.basename(os.path.normpath(a.model)), dtype=a.dtype, packing=a.packing, gradient_checkpointing=a.gradient_checkpointing, batch=a.batch, steps=len(dt), timed_steps=max(0, len(dt) - 1), first_step_only=len(dt) == 1,
    tokens_per_s=round(sum(rec["real"][k:]) / S, 1), tokens_per_s_min_med_max=mm([r / x for r, x in zip(rec["real"][k:], w)]), padded_tokens_per_s=round(sum(rec["padded"][k:]) / S, 1),
    loss_tokens_per_s=round(sum(rec["lt"][k:]) / S, 1), pad_efficiency=round(sum(rec["real"][k:]) / sum(rec["padded"][k:]), 3), step_s=[round(x, 2) for x in dt], other_cpu_share=rec["noise"],
    clean_tokens_per_s=dict(steps=len(q), tokens_per_s=round(sum(r for r, _ in q) / sum(x for _, x in q), 1)) if q else None, losses=rec["loss"], real_tokens=rec["real"], padded_tokens=rec["padded"], shapes=rec["shapes"][:3],
    peak_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), startup_s=round(rec["startup"], 2))) + "\n").encode())
