#!/usr/bin/env python3
"""torchtune 0.6.1 lora_finetune_single_device on CPU, settings of trl_lora.py; prints JSON. Qwen2.5-0.5B shape only
(torchtune has no SmolLM2 builder).   (its own venv) torchtune_lora.py --model DIR --data sft.jsonl [--steps 6] [--dtype f32|bf16]
   [--packing on|off] [--gradient-checkpointing on|off]
"""
import time; T0 = time.time()
import argparse, json, os, resource, statistics as st, sys
def jif():
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]; o = os.times()
    return sum(v) - v[3] - v[4], sum(v), (o.user + o.system) * os.sysconf("SC_CLK_TCK")
def main():
    a = argparse.ArgumentParser(); A = a.add_argument
    A("--model", required=True); A("--data", required=True); A("--steps", type=int, default=6); A("--batch", type=int, default=4)
    A("--max-length", type=int, default=1024); A("--dtype", default="f32"); A("--packing", default="off"); A("--gradient-checkpointing", default="off")
    A("--threads", type=int, default=0); A("--work", default=os.environ.get("PEERS", ".") + "/torchtune"); a = a.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES=""); real = os.dup(1); os.dup2(2, 1); os.makedirs(a.work, exist_ok=True)
    t = json.load(open(a.model + "/tokenizer.json"))["model"]
    json.dump(t["vocab"], open(a.work + "/vocab.json", "w"), ensure_ascii=False)
    open(a.work + "/merges.txt", "w").write("#version: 0.2\n" + "\n".join(m if isinstance(m, str) else " ".join(m) for m in t["merges"]) + "\n")
    import torch, torchtune
    if a.threads: torch.set_num_threads(a.threads)
    from omegaconf import OmegaConf
    sp = os.path.join(os.path.dirname(os.path.dirname(torchtune.__file__)), "recipes"); sys.path.insert(0, sp)
    import lora_finetune_single_device as R
    cfg = OmegaConf.create(dict(output_dir=a.work + "/out",
        model=dict(_component_="torchtune.models.qwen2_5.lora_qwen2_5_0_5b", lora_attn_modules=["q_proj", "k_proj", "v_proj", "output_proj"], apply_lora_to_mlp=True,
                   lora_rank=16, lora_alpha=32, lora_dropout=0.0),
        tokenizer=dict(_component_="torchtune.models.qwen2_5.qwen2_5_tokenizer", path=a.work + "/vocab.json", merges_file=a.work + "/merges.txt", max_seq_len=a.max_length),
        checkpointer=dict(_component_="torchtune.training.FullModelHFCheckpointer", checkpoint_dir=os.path.abspath(a.model), checkpoint_files=["model.safetensors"],
                          recipe_checkpoint=None, output_dir=a.work + "/out", model_type="QWEN2"),
        resume_from_checkpoint=False, save_adapter_weights_only=True,
        dataset=dict(_component_="torchtune.datasets.chat_dataset", source="json", data_files=os.path.abspath(a.data), conversation_column="messages", conversation_style="openai",
                     train_on_input=False, packed=a.packing == "on", split="train"),
        seed=0, shuffle=False, epochs=1, max_steps_per_epoch=a.steps, batch_size=a.batch, gradient_accumulation_steps=1,
        optimizer=dict(_component_="torch.optim.AdamW", weight_decay=0.0, lr=2e-4), lr_scheduler=dict(_component_="torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup", num_warmup_steps=0),
        loss=dict(_component_="torchtune.modules.loss.CEWithChunkedOutputLoss"), device="cpu", enable_activation_checkpointing=a.gradient_checkpointing == "on",
        enable_activation_offloading=False, dtype="fp32" if a.dtype == "f32" else "bf16", clip_grad_norm=1.0, compile=False,
        metric_logger=dict(_component_="torchtune.training.metric_logging.DiskLogger", log_dir=a.work + "/logs"), log_every_n_steps=1, log_peak_memory_stats=False))
    rec = dict(end=[], real=[], padded=[], lt=[], loss=[], noise=[], shapes=[])
    r = R.LoRAFinetuneRecipeSingleDevice(cfg=cfg); r.setup(cfg=cfg)
    ls = r._loss_step
    def loss_step(b):
        if "cur" not in rec: rec["t"] = time.perf_counter(); rec["startup"] = time.time() - T0; rec["jif"] = jif()
        ids = b["tokens"]; lb = b["labels"]
        pad = r._tokenizer.pad_id
        rec["cur"] = [int((ids != pad).sum()), ids.numel(), int((lb != -100).sum())]; rec["shapes"].append(list(ids.shape))
        return ls(b)
    r._loss_step = loss_step; r.save_checkpoint = lambda *x, **k: None
    def log_dict(d, step):
        rec["end"].append(time.perf_counter()); rec["loss"].append(round(float(d["loss"]), 5))
        for n, v in zip(("real", "padded", "lt"), rec["cur"]): rec[n].append(v)
        j0, j1 = rec["jif"], jif(); rec["jif"] = j1
        rec["noise"].append(round(max(0, ((j1[0] - j0[0]) - (j1[2] - j0[2])) / max(1, j1[1] - j0[1])), 3))
    r._metric_logger.log_dict = log_dict
    r.train()
    e = [rec["t"]] + rec["end"]; dt = [y - x for x, y in zip(e, e[1:])]; w = dt[1:] or dt; k = len(dt) - len(w); S = sum(w); mm = lambda v: [round(min(v), 3), round(st.median(v), 3), round(max(v), 3)]
    q = [(x, y) for x, y, n in zip(rec["real"][k:], w, rec["noise"][k:]) if n < 0.05]
    import torchao
    os.write(real, (json.dumps(dict(tool="torchtune", versions=dict(torchtune=torchtune.__version__, torch=torch.__version__, torchao=torchao.__version__), threads=torch.get_num_threads(),
        model=os.path.basename(os.path.normpath(a.model)), dtype=a.dtype, packing=a.packing, gradient_checkpointing=a.gradient_checkpointing, batch=a.batch, steps=len(dt), timed_steps=max(0, len(dt) - 1), first_step_only=len(dt) == 1,
        tokens_per_s=round(sum(rec["real"][k:]) / S, 1), tokens_per_s_min_med_max=mm([x / y for x, y in zip(rec["real"][k:], w)]), padded_tokens_per_s=round(sum(rec["padded"][k:]) / S, 1),
        loss_tokens_per_s=round(sum(rec["lt"][k:]) / S, 1), pad_efficiency=round(sum(rec["real"][k:]) / sum(rec["padded"][k:]), 3), step_s=[round(x, 2) for x in dt], other_cpu_share=rec["noise"],
        clean_tokens_per_s=dict(steps=len(q), tokens_per_s=round(sum(x for x, _ in q) / sum(y for _, y in q), 1)) if q else None, losses=rec["loss"], real_tokens=rec["real"], padded_tokens=rec["padded"], shapes=rec["shapes"][:3],
        peak_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), startup_s=round(rec["startup"], 2))) + "\n").encode())
if __name__ == "__main__":
    main()
