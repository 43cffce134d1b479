#!/usr/bin/env python3
"""FineTuneFlow on the same rows in the same order as the peers; prints one JSON object on stdout, shaped like trl_lora.py's.

  ours.py --binary finetuneflow --model DIR --data sft.jsonl [--steps 10] [--dtype f32|bf16] [--batch 4] [--accum 1]
     [--max-length 1024] [--r 16 --alpha 32 --lr 2e-4] [--threads N] [-- more flags of `finetuneflow train`]

tokens_per_s counts real tokens (there is no padding) over steps 2..N, as for the peers. peak_rss_mib is the process's own
peak as the kernel gives it to its parent; startup_s is the time from the start of the process to the end of step 1, less step 1.
"""
import argparse, json, os, resource, statistics as st, subprocess, sys, tempfile, time


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--binary", default="target/release/finetuneflow"); a.add_argument("--model", required=True); a.add_argument("--data", required=True)
    a.add_argument("--steps", type=int, default=10); a.add_argument("--dtype", default="bf16", choices=["f32", "bf16"])
    a.add_argument("--batch", type=int, default=4); a.add_argument("--accum", type=int, default=1); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--r", type=int, default=16); a.add_argument("--alpha", type=int, default=32); a.add_argument("--lr", type=float, default=2e-4)
    a.add_argument("--threads", type=int, default=0); a.add_argument("more", nargs="*")
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as out:
        command = [a.binary, "train", "--json", "--model", a.model, "--data", a.data, "--out", out, "--max-steps", str(a.steps), "--precision", a.dtype,
                   "--order", "file", "--packing", "off", "--micro-batch-size", str(a.batch), "--gradient-accumulation-steps", str(a.accum), "--max-seq-len", str(a.max_length),
                   "--rank", str(a.r), "--alpha", str(a.alpha), "--learning-rate", str(a.lr), "--schedule", "constant", "--warmup-steps", "0", "--threads", str(a.threads)] + a.more
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        steps = []
        for line in child.stdout:
            row = json.loads(line)
            if "step" in row and "loss" in row:
                steps.append((time.perf_counter() - start, row))
        errors = child.stderr.read()
        if child.wait() or len(steps) < 2:
            sys.exit(errors)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    ends = [t for t, _ in steps]
    seconds = [b - a for a, b in zip(ends, ends[1:])]
    tokens = [row["tokens"] for _, row in steps]
    rates = [n / s for n, s in zip(tokens[1:], seconds)]
    first = tokens[0] / steps[0][1]["tokens_per_second"]
    print(json.dumps(dict(
        tool="finetuneflow", model=os.path.basename(os.path.normpath(a.model)), method="lora", dtype=a.dtype, packing="off", batch=a.batch, accum=a.accum, max_length=a.max_length,
        steps=len(steps), tokens_per_s=round(sum(tokens[1:]) / sum(seconds), 1), tokens_per_s_min_med_max=[round(f(rates), 1) for f in (min, st.median, max)],
        peak_rss_mib=round(peak), first_step_s=round(first, 3), startup_s=round(ends[0] - first, 3), first_step_end_s=round(ends[0], 3),
        losses=[round(row["loss"], 5) for _, row in steps], real_tokens=tokens, step_s=[round(first, 3)] + [round(s, 3) for s in seconds])))


if __name__ == "__main__":
    main()
