#!/usr/bin/env python3
"""llama.cpp loads our f16 GGUF, tokenises as we do, and writes the same 64 greedy tokens on every prompt.

Our engine runs on the same weights: the merged model exported in f16.
"""

import pathlib

import numpy
from llama_cpp import Llama

import product

COUNT = 64


def greedy(llama, ids):
    """Up to COUNT tokens, and for each the gap between the two highest logits."""
    llama.reset()
    llama.eval(ids)
    for _ in range(COUNT):
        scores = numpy.asarray(llama.scores[llama.n_tokens - 1])
        first, second = scores.argsort()[::-1][:2]
        yield int(first), float(scores[first] - scores[second])
        llama.eval([int(first)])


def check(args, llama, merged, row):
    text = row["text"]
    tokens = llama.tokenize(text.encode(), add_bos=True, special=True)
    if tokens != row["ids"]:
        print(f"FAIL {text[:30]!r}: llama.cpp tokenises as {tokens}, we as {row['ids']}")
        return False
    ours = product.run(args.binary, "generate", "--model", merged, "--prompt", text, "--raw", "--temperature", 0,
                       "--max-tokens", COUNT, "--precision", "f32")[-1]["ids"]
    theirs = list(greedy(llama, row["ids"]))
    for place, (mine, (token, gap)) in enumerate(zip(ours, theirs)):
        if mine != token:
            print(f"FAIL {text[:30]!r}: token {place + 1} is {mine}, llama.cpp has {token} (ahead by {gap:.2e})")
            return False
    ended = len(ours) < COUNT
    if ended and not (theirs[len(ours)][0] == llama.token_eos() or ours and ours[-1] == llama.token_eos()):
        print(f"FAIL {text[:30]!r}: we stop after {len(ours)} tokens, llama.cpp goes on with {theirs[len(ours)][0]}")
        return False
    closest = min(gap for _, gap in theirs[: len(ours)]) if ours else 0.0
    print(f"ok   {text[:30]!r}: {len(ours)} tokens equal{', then the end' if ended else ''}; closest decision {closest:.2e}")
    return True


def main():
    args = product.arguments(__doc__)
    work = pathlib.Path(args.work)
    gguf, merged = work / "model-f16.gguf", work / "merged-f16"
    common = ["export", "--model", args.model, "--adapter", args.adapter, "--quantization", "f16"]
    product.run(args.binary, *common, "--format", "gguf", "--out", gguf)
    product.run(args.binary, *common, "--format", "merged", "--out", merged)
    # Keys and values in f32 (ggml type 0), as our cache holds them.
    llama = Llama(str(gguf), n_ctx=256, logits_all=True, n_gpu_layers=0, type_k=0, type_v=0, verbose=False)
    results = [check(args, llama, merged, row) for row in product.logits(args.binary, merged)]
    product.finish(f"gguf {sum(results)}/{len(results)}", all(results))


if __name__ == "__main__":
    main()
