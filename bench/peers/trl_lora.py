#!/usr/bin/env python3
"""TRL SFTTrainer + PEFT LoRA on a local model directory; prints one JSON object on stdout.

  trl_lora.py --model DIR --data sft.jsonl [--steps 10] [--dtype f32|bf16|bf16-noac] [--packing on|off]
     [--gradient-checkpointing on|off] [--method lora|dora|qlora|full] [--batch 4] [--accum 1] [--max-length 1024]
     [--r 16 --alpha 32 --lr 2e-4] [--assistant-only on|off] [--attn sdpa|eager|flex_attention] [--threads N]
     [--group-by-length] [--profile] [--out adapter_dir]

dtype: f32        f32 weights, no autocast
       bf16       bf16 base weights, f32 LoRA weights, CPU autocast bf16 (= TRL's default bf16=True)
       bf16-noac  bf16 base weights, no autocast (PEFT casts activations to f32 around the adapters)
Data order is the file order (sequential sampler) so that another program can replay the same batches.
Step 1 is reported but left out of the speed figures (lazy initialisation).

other_cpu_share   = per step, share of the machine's CPU time used by other processes; clean_tokens_per_s
                    uses only steps where it is below 5 %
tokens_per_cpu_s  = real tokens / this process's CPU seconds: with --threads 1 nearly immune to preemption by neighbours
                    (with more threads it also counts OpenMP spinning)
tokens_per_s      = real (non-padding) tokens / wall seconds, over steps 2..N
loss_tokens_per_s = tokens that carry loss / wall seconds
padded_tokens_per_s counts the padding too (what the hardware really processed)
"""
import time; T0 = time.time()
import argparse, json, os, resource, statistics as st, sys, contextlib

def parse():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--model", required=True); a.add_argument("--data", required=True)
    a.add_argument("--steps", type=int, default=10); a.add_argument("--batch", type=int, default=4)
    a.add_argument("--accum", type=int, default=1); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--dtype", default="f32", choices=["f32", "bf16", "bf16-noac"])
    a.add_argument("--packing", default="off", choices=["on", "off"])
    a.add_argument("--gradient-checkpointing", default="off", choices=["on", "off"])
    a.add_argument("--method", default="lora", choices=["lora", "dora", "qlora", "full"])
    a.add_argument("--assistant-only", default="on", choices=["on", "off"])
    a.add_argument("--r", type=int, default=16); a.add_argument("--alpha", type=int, default=32)
    a.add_argument("--lr", type=float, default=2e-4); a.add_argument("--seed", type=int, default=0)
    a.add_argument("--attn", default="sdpa"); a.add_argument("--threads", type=int, default=0)
    a.add_argument("--group-by-length", action="store_true"); a.add_argument("--profile", action="store_true")
    a.add_argument("--out", default=""); a.add_argument("--max-seconds", type=float, default=0, help="stop training after this long")
    a.add_argument("--loss", default="trl", choices=["trl", "hf"], help="hf: control, the model's own full-logits loss instead of TRL's fused head")
    a.add_argument("--verbose", action="store_true")
    return a.parse_args()

def rss(): return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
def hwm(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def cpu_jiffies():
    """(busy, total, own) seconds*HZ: machine-wide busy/total and this process's own, to tell apart noisy neighbours."""
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    o = os.times()
    return sum(v) - v[3] - v[4], sum(v), (o.user + o.system) * os.sysconf("SC_CLK_TCK")

# ChatML with {% generation %} markers: renders the same text as the model's own template
TRAIN_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ '<|im_start|>assistant\n' }}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

def main():
    a = parse()
    os.environ.setdefault("HF_HUB_OFFLINE", "1"); os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", ""); os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    real_out = os.dup(1)
    if not a.verbose: os.dup2(2, 1)
    import torch, transformers, peft, trl, accelerate, datasets
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
    from trl import SFTConfig, SFTTrainer
    from peft import LoraConfig
    if a.threads: torch.set_num_threads(a.threads)
    t_import = time.time() - T0; rss_import = rss()
    set_seed(a.seed)
    tok = AutoTokenizer.from_pretrained(a.model)
    if a.assistant_only == "on": tok.chat_template = TRAIN_TEMPLATE
    t = time.time()
    wdt = torch.float32 if a.dtype == "f32" else torch.bfloat16
    kw = dict(dtype=wdt, attn_implementation=a.attn)
    if a.method == "qlora":
        from transformers import BitsAndBytesConfig
        kw["quantization_config"] = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=wdt)
        kw["device_map"] = {"": "cpu"}
    model = AutoModelForCausalLM.from_pretrained(a.model, **kw)
    model.config.use_cache = False
    t_load = time.time() - t; rss_load = rss()
    ds = datasets.load_dataset("json", data_files=a.data, split="train", cache_dir=os.environ.get("PEERS", ".") + f"/hfcache/{os.getpid()}")
    datasets.disable_caching()
    need = a.steps * a.batch * a.accum
    if a.packing == "off": ds = ds.select(range(min(len(ds), need)))
    else: ds = ds.select(range(min(len(ds), need * 6)))
    pc = None
    if a.method != "full":
        pc = LoraConfig(r=a.r, lora_alpha=a.alpha, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
                        target_modules="all-linear", use_dora=a.method == "dora")
    args = dict(output_dir=a.out or os.environ.get("PEERS", ".") + "/out", max_steps=a.steps, per_device_train_batch_size=a.batch,
        gradient_accumulation_steps=a.accum, learning_rate=a.lr, lr_scheduler_type="constant", warmup_steps=0,
        max_length=a.max_length, packing=a.packing == "on", gradient_checkpointing=a.gradient_checkpointing == "on",
        bf16=a.dtype == "bf16", fp16=False, use_cpu=True, report_to="none", logging_steps=1, save_strategy="no",
        seed=a.seed, data_seed=a.seed, assistant_only_loss=a.assistant_only == "on", optim="adamw_torch",
        weight_decay=0.0, max_grad_norm=1.0, dataloader_num_workers=0, disable_tqdm=True,
        train_sampling_strategy="group_by_length" if a.group_by_length else "sequential")
    import inspect
    known = inspect.signature(SFTConfig).parameters
    dropped = sorted(k for k in args if k not in known)
    cfg = SFTConfig(**{k: v for k, v in args.items() if k in known})

    rec = dict(end=[], begin=[], real=[], padded=[], loss_tok=[], shapes=[], loss=[], fwd=[], bwd=[], opt=[], noise=[], cpu=[])
    class T(SFTTrainer):
        def compute_loss(self, model, inputs, *x, **k):
            ids = inputs["input_ids"]
            am = inputs.get("attention_mask")
            r = int(am.sum()) if am is not None else ids.numel()
            rec["cur"][0] += r; rec["cur"][1] += ids.numel()
            rec["cur"][2] += int((inputs["labels"] != -100).sum()); rec["shapes"].append(list(ids.shape))
            t = time.perf_counter()
            if a.loss == "hf": y = model(**{**inputs, "use_cache": False}).loss
            else: y = super().compute_loss(model, inputs, *x, **k)
            rec["cur"][3] += time.perf_counter() - t
            return y
        def training_step(self, *x, **k):
            t = time.perf_counter(); f0 = rec["cur"][3]
            y = super().training_step(*x, **k)
            rec["cur"][4] += time.perf_counter() - t - (rec["cur"][3] - f0)
            return y
    class CB(TrainerCallback):
        def on_train_begin(self, *x, **k): rec["t_begin"] = time.perf_counter(); rec["startup"] = time.time() - T0; rec["jif"] = cpu_jiffies()
        def on_step_begin(self, *x, **k): rec["cur"] = [0, 0, 0, 0.0, 0.0]; rec["begin"].append(time.perf_counter())
        def on_pre_optimizer_step(self, *x, **k): rec["t_opt"] = time.perf_counter()
        def on_optimizer_step(self, *x, **k): rec["opt"].append(time.perf_counter() - rec["t_opt"])
        def on_step_end(self, args, state, control, **k):
            rec["end"].append(time.perf_counter()); c = rec["cur"]
            j0, j1 = rec["jif"], cpu_jiffies(); rec["jif"] = j1
            rec["cpu"].append((j1[2] - j0[2]) / os.sysconf("SC_CLK_TCK"))
            rec["noise"].append(round(max(0.0, ((j1[0] - j0[0]) - (j1[2] - j0[2])) / max(1, j1[1] - j0[1])), 3))
            rec["real"].append(c[0]); rec["padded"].append(c[1]); rec["loss_tok"].append(c[2]); rec["fwd"].append(c[3]); rec["bwd"].append(c[4])
            if a.max_seconds and rec["end"][-1] - rec["t_begin"] > a.max_seconds: control.should_training_stop = True
        def on_log(self, args, state, control, logs=None, **k):
            if "loss" in logs: rec["loss"].append(logs["loss"])
    t = time.time()
    tr = T(model=model, args=cfg, train_dataset=ds, processing_class=tok, peft_config=pc, callbacks=[CB()])
    t_prep = time.time() - t; rss_prep = rss()
    ntrain = sum(p.numel() for p in tr.model.parameters() if p.requires_grad)
    prof = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) if a.profile else contextlib.nullcontext()
    with prof: tr.train()
    if a.profile:
        print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=22, max_name_column_width=40), file=sys.stderr)
        print(prof.key_averages(group_by_input_shape=True).table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=40, max_shapes_column_width=70), file=sys.stderr)
    if a.out: tr.save_model(a.out)
    e = [rec["t_begin"]] + rec["end"]; dt = [y - x for x, y in zip(e, e[1:])]
    w = dt[1:] or dt; k = len(dt) - len(w)
    tps = [r / d for r, d in zip(rec["real"][k:], w)]
    S = sum(w); mm = lambda v: [round(min(v), 3), round(st.median(v), 3), round(max(v), 3)]
    q = [(r, d) for r, d, n in zip(rec["real"][k:], w, rec["noise"][k:]) if n < 0.05]
    clean = dict(steps=len(q), tokens_per_s=round(sum(r for r, _ in q) / sum(d for _, d in q), 1)) if q else None
    out = dict(tool="trl", versions=dict(torch=torch.__version__, transformers=transformers.__version__, trl=trl.__version__,
                 peft=peft.__version__, accelerate=accelerate.__version__, datasets=datasets.__version__), threads=torch.get_num_threads(),
        model=os.path.basename(os.path.normpath(a.model)), method=a.method, dtype=a.dtype, packing=a.packing,
        gradient_checkpointing=a.gradient_checkpointing, batch=a.batch, accum=a.accum, max_length=a.max_length, attn=a.attn,
        assistant_only=a.assistant_only, loss_impl=a.loss, group_by_length=a.group_by_length, trainable_params=ntrain, steps=len(dt), timed_steps=max(0, len(dt) - 1), first_step_only=len(dt) == 1, dropped_args=dropped,
        tokens_per_s=round(sum(rec["real"][k:]) / S, 1), tokens_per_s_min_med_max=mm(tps),
        padded_tokens_per_s=round(sum(rec["padded"][k:]) / S, 1), loss_tokens_per_s=round(sum(rec["loss_tok"][k:]) / S, 1),
        pad_efficiency=round(sum(rec["real"][k:]) / sum(rec["padded"][k:]), 3), steps_per_s=round(len(w) / S, 4),
        step_s_min_med_max=mm(w), first_step_s=round(dt[0], 2),
        share=dict(forward=round(sum(rec["fwd"][k:]) / S, 3), backward=round(sum(rec["bwd"][k:]) / S, 3),
                   optimizer=round(sum(rec["opt"][k:]) / S, 3),
                   other=round(1 - (sum(rec["fwd"][k:]) + sum(rec["bwd"][k:]) + sum(rec["opt"][k:])) / S, 3)),
        other_cpu_share=rec["noise"], cpu_s=[round(x, 2) for x in rec["cpu"]],
        tokens_per_cpu_s=round(sum(rec["real"][k:]) / sum(rec["cpu"][k:]), 1), padded_tokens_per_cpu_s=round(sum(rec["padded"][k:]) / sum(rec["cpu"][k:]), 1), clean_tokens_per_s=clean,
        losses=[round(float(x), 5) for x in rec["loss"]], real_tokens=rec["real"], padded_tokens=rec["padded"], loss_tokens=rec["loss_tok"],
        step_s=[round(x, 3) for x in dt], shapes=rec["shapes"][:4],
        peak_rss_mib=round(hwm()), rss_mib=dict(after_import=round(rss_import), after_load=round(rss_load), after_prep=round(rss_prep)),
        startup_s=round(rec["startup"], 2), import_s=round(t_import, 2), load_s=round(t_load, 2), prep_s=round(t_prep, 2))
    os.write(real_out, (json.dumps(out) + "\n").encode())

if __name__ == "__main__":
    main()
