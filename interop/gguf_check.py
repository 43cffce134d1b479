#!/usr/bin/env python3
"""llama.cpp loads our f16 GGUF, tokenises as we do, and writes the same 64 greedy tokens.

Our engine runs on the same weights: the merged model exported in f16. llama.cpp rounds activations to f16 before it
multiplies by f16 weights, we do not; so a decision between two tokens that are closer than this rounding moves them
may fall either way. The same weights as an f32 GGUF, in llama.cpp, at the same place, tell: there it has to decide as we do, and
its rounding must not have moved any logit further than f16 explains. Every prompt must be equal or differ at such a place
only, and at least five must be equal to the end.
"""

import json
import pathlib

import numpy
from llama_cpp import Llama

import product

COUNT = 64
# A number of f16 is off by 2^-11 of itself; through the layers of a model such roundings add up to some of them.
ROUNDING = 2e-3
# Where tokenizers part: spaces, line ends, digits, apostrophes, scripts, marks, emoji, code.
TEXTS = [
    "Hello world", " leading", "trailing ", "two  spaces", "tabs\t\tand\n\nlines\r\n \n", "   ", "\n", "I'll we've DON'T it's",
    "1234567890 3.14 1,000", "x=foo(bar[0])!=\"baz\";//ok", "naïve café œuvre", "Größe Straße", "Ελληνικά Привет",
    "你好，世界", "こんにちは カタカナ", "العربية हिन्दी", "e\u0301 vs \u00e9", "🙂👍🏽👩‍👩‍👧", "a\u00a0b\u200bc", "CamelCaseWords snake_case",
    "https://example.org/a?b=c&d=%20", "....!!!???", "- item\n  - nested\n\n1. one", "\u2581 already", "<0x41> [PAD7]",
]


def load(path):
    """Keys and values in f32 (ggml type 0), as our cache holds them."""
    return Llama(str(path), n_ctx=512, logits_all=True, n_gpu_layers=0, type_k=0, type_v=0, verbose=False)


def logits_after(llama, ids):
    llama.reset()
    llama.eval(ids)
    return numpy.array(llama.scores[llama.n_tokens - 1])


def tokenizers_agree(binary, llama, model):
    stdin = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    rows = product.run(binary, "inspect", "tokens", "--tokenizer", model, stdin=stdin)
    good = 0
    for text, row in zip(TEXTS, rows, strict=True):
        theirs = llama.tokenize(text.encode(), add_bos=False, special=False)
        if theirs == row["ids"]:
            good += 1
        else:
            print(f"FAIL tokens of {text!r}: llama.cpp {theirs}, we {row['ids']}")
    print(f"{'ok  ' if good == len(TEXTS) else 'FAIL'} tokens of {good} of {len(TEXTS)} texts equal")
    return good == len(TEXTS)


def greedy(llama, ids):
    """COUNT tokens, and for each the logits that it was chosen by."""
    llama.reset()
    llama.eval(ids)
    for _ in range(COUNT):
        scores = numpy.array(llama.scores[llama.n_tokens - 1])
        token = int(scores.argmax())
        yield token, scores
        llama.eval([token])


def check(args, half, full, merged, row):
    """`equal`, `tie` or `wrong`, after a line that says why."""
    text = repr(row["text"][:30])
    tokens = half.tokenize(row["text"].encode(), add_bos=True, special=True)
    if tokens != row["ids"]:
        print(f"FAIL {text}: llama.cpp tokenises as {tokens}, we as {row['ids']}")
        return "wrong"
    off = numpy.abs(logits_after(full, tokens) - numpy.array(row["last_logits"], dtype=numpy.float32)).max()
    if off > 1e-2:
        print(f"FAIL {text}: logits of the same weights in f32 are off by {off:.2e}")
        return "wrong"
    ours = product.run(args.binary, "generate", "--model", merged, "--prompt", row["text"], "--raw", "--temperature", 0,
                       "--max-tokens", COUNT, "--precision", "f32")[-1]["ids"]
    theirs = list(greedy(half, tokens))
    for place, (mine, (token, rounded)) in enumerate(zip(ours, theirs)):
        if mine == token:
            continue
        exact = logits_after(full, tokens + ours[:place])
        moved = float(numpy.abs(rounded - exact).max() / numpy.abs(exact).max())
        tie = int(exact.argmax()) == mine and moved <= ROUNDING
        print(f"{'tie ' if tie else 'FAIL'} {text}: token {place + 1} is {mine}, llama.cpp has {token}, in f32 {int(exact.argmax())}; its "
              f"rounding moved logits by {moved:.1e} of the largest; logits before off by {off:.1e}")
        return "tie" if tie else "wrong"
    ended = len(ours) < COUNT
    if ended and not (theirs[len(ours)][0] == half.token_eos() or ours and ours[-1] == half.token_eos()):
        print(f"FAIL {text}: we stop after {len(ours)} tokens, llama.cpp goes on with {theirs[len(ours)][0]}")
        return "wrong"
    print(f"ok   {text}: {len(ours)} tokens equal{', then the end' if ended else ''}; logits in f32 off by {off:.1e}")
    return "equal"


def main():
    args = product.arguments(__doc__)
    work = pathlib.Path(args.work)
    half, full, merged = work / "model-f16.gguf", work / "model-f32.gguf", work / "merged-f16"
    common = ["export", "--model", args.model, "--adapter", args.adapter, "--quantization", "f16"]
    product.run(args.binary, *common, "--format", "gguf", "--out", half)
    product.run(args.binary, *common, "--format", "merged", "--out", merged)
    product.run(args.binary, "export", "--model", merged, "--format", "gguf", "--quantization", "f32", "--out", full)
    half, full = load(half), load(full)
    tokens = tokenizers_agree(args.binary, half, args.model)
    results = [check(args, half, full, merged, row) for row in product.logits(args.binary, merged)]
    equal, ties = results.count("equal"), results.count("tie")
    product.finish(f"gguf: {equal} of {len(results)} equal, {ties} ties", tokens and "wrong" not in results and equal >= 5)


if __name__ == "__main__":
    main()
