#!/usr/bin/env python3
"""What a run was planned to take beside what it took: each model × precision × recomputation, as a Markdown table.

  bench/memory.py --data ROWS.jsonl MODEL... [--binary target/release/finetuneflow] [--steps 3]

Models at real shapes and rows come from bench/peers/make_model.py and make_sft.py. Needs no packages. The peak is the trainer process's own
(VmHWM); the plan is of these rows (`plan --data`), and of full micro-batches (`plan` alone). Exits with 1 when a plan of these
rows is off by more than 5 %.
"""
import argparse, json, os, subprocess, sys, tempfile

MIB = 1 << 20
TOLERANCE = 0.05


def last_line(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", required=True)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--steps", default="3")
    parser.add_argument("--micro-batch-size", default="4")
    parser.add_argument("--max-seq-len", default="1024")
    parser.add_argument("--packing", default="on")
    arguments = parser.parse_args()
    print("| model | precision | recompute | planned MiB | full micro-batches MiB | VmHWM MiB | planned / VmHWM | tokens/s |")
    print("|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for model in arguments.models:
        for precision in ("f32", "bf16"):
            for recompute in ("none", "light", "full"):
                shape = ["--json", "--model", model, "--precision", precision, "--recompute", recompute,
                         "--micro-batch-size", arguments.micro_batch_size, "--max-seq-len", arguments.max_seq_len]
                full = last_line([arguments.binary, "plan", *shape])
                rows = [*shape, "--packing", arguments.packing, "--data", arguments.data]
                plan = last_line([arguments.binary, "plan", *rows])
                with tempfile.TemporaryDirectory() as out:
                    run = last_line([arguments.binary, "train", *rows, "--out", os.path.join(out, "run"),
                                     "--max-steps", arguments.steps])
                peak = run["peak_memory_bytes"]
                ratio = plan["total_bytes"] / peak
                worst = max(worst, abs(ratio - 1))
                print(f"| {os.path.basename(os.path.normpath(model))} | {precision} | {recompute} | {plan['total_bytes'] / MIB:.0f} | "
                      f"{full['total_bytes'] / MIB:.0f} | {peak / MIB:.0f} | {ratio:.3f} | {run['tokens_per_second']:.0f} |", flush=True)
    print(f"largest difference: {100 * worst:.1f} %")
    sys.exit(worst > TOLERANCE)


main()
