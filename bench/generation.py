#!/usr/bin/env python3
"""Speed of generation beside llama.cpp's, at the same precision, taking turns in one run: a Markdown table.

  bench/generation.py MODEL [--binary target/release/finetuneflow] [--prompt 128] [--tokens 128] [--rounds 5] [--threads 0]

MODEL is a folder at a real shape (bench/peers/make_model.py). Needs llama-cpp-python and numpy. The GGUF files are our own
exports of it; both programs read the same ids, write the same number of tokens greedily, and measure themselves without loading.
Each figure is the median of the rounds. Exits with 1 when decoding in any precision is below 0.8 of llama.cpp's speed.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

import numpy
from llama_cpp import Llama

LEAST = 0.8
# Name, our flags, GGUF type.
PRECISIONS = [("bf16", ["--precision", "bf16"], "bf16"), ("f16", ["--precision", "f16"], "f16"),
              ("q8_0", ["--precision", "f16", "--base-precision", "q8"], "q8_0")]
TEXT = "The harbour lay quiet while the keeper of the light counted ships, and wrote each name into a book of grey paper. "


def run(*command, stdin=""):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def prompt(binary, model, tokens):
    """A text of about so many tokens, and its ids."""
    text = TEXT * (1 + tokens // 20)
    while True:
        ids = run(binary, "--json", "inspect", "tokens", "--tokenizer", model, stdin=json.dumps({"text": text}) + "\n")["ids"]
        if len(ids) <= tokens:
            return text, ids
        text = text[: max(1, len(text) * tokens // len(ids) - 1)]


def ours(arguments, flags, text):
    answer = run(arguments.binary, "--json", "generate", "--model", arguments.model, "--raw", "--prompt", text, "--threads",
                 str(arguments.threads), "--max-tokens", str(arguments.tokens + 1), *flags)
    return answer["prompt_tokens"] / answer["prompt_seconds"], answer["decode_steps"] / answer["decode_seconds"]


def theirs(llama, ids, tokens):
    llama.reset()
    start = time.perf_counter()
    llama.eval(ids)
    read = time.perf_counter()
    for _ in range(tokens):
        logits = numpy.ctypeslib.as_array(llama._ctx.get_logits(), shape=(llama.n_vocab(),))
        llama.eval([int(logits.argmax())])
    return len(ids) / (read - start), tokens / (time.perf_counter() - read)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    threads = arguments.threads or os.cpu_count()
    text, ids = prompt(arguments.binary, arguments.model, arguments.prompt)
    print(f"prompt of {len(ids)} tokens, {arguments.tokens} new ones, {threads} threads, medians of {arguments.rounds}; "
          f"load of the machine before: {os.getloadavg()[0]:.1f}\n")
    print("| precision | decode, ours | llama.cpp | ratio | prompt, ours | llama.cpp | ratio |\n|---|---|---|---|---|---|---|")
    worst = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        for name, flags, kind in PRECISIONS:
            path = os.path.join(folder, f"{name}.gguf")
            run(arguments.binary, "--json", "export", "--model", arguments.model, "--format", "gguf", "--quantization", kind, "--out", path)
            llama = Llama(path, n_ctx=len(ids) + arguments.tokens + 8, n_threads=threads, n_threads_batch=threads, n_batch=512,
                          n_gpu_layers=0, verbose=False)
            theirs(llama, ids, 8)
            measured = [(ours(arguments, flags, text), theirs(llama, ids, arguments.tokens)) for _ in range(arguments.rounds)]
            del llama
            os.remove(path)
            medians = [[statistics.median(round[who][what] for round in measured) for who in (0, 1)] for what in (0, 1)]
            (prompt_ours, prompt_theirs), (decode_ours, decode_theirs) = medians
            worst = min(worst, decode_ours / decode_theirs)
            print(f"| {name} | {decode_ours:.1f} | {decode_theirs:.1f} | {decode_ours / decode_theirs:.2f} | "
                  f"{prompt_ours:.0f} | {prompt_theirs:.0f} | {prompt_ours / prompt_theirs:.2f} |", flush=True)
    print(f"\nslowest decoding beside llama.cpp's: {worst:.2f}")
    sys.exit(worst < LEAST)


main()
