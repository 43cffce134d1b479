#!/usr/bin/env python3
"""transformers loads our merged folder and computes our logits (within 1e-4, f32)."""

import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import product


def main():
    args = product.arguments(__doc__)
    out = pathlib.Path(args.work) / "merged-f32"
    product.run(args.binary, "export", "--model", args.model, "--adapter", args.adapter, "--format", "merged",
                "--quantization", "f32", "--out", out)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    good = product.compare("merged", model, product.logits(args.binary, out))
    rows = product.logits(args.binary, args.model, args.adapter)
    # One product with W + sBA is rounded otherwise than two with W and sBA: a little more room than for the same sums.
    good = product.compare("merged against base + adapter", model, rows, tolerance=5e-4) and good
    tokenizer = AutoTokenizer.from_pretrained(out)
    for row in rows:
        theirs = tokenizer(row["text"])["input_ids"]
        if theirs != row["ids"]:
            print(f"note: transformers tokenises {row['text'][:30]!r} as {theirs}, we as {row['ids']}")
    product.finish("merged", good)


if __name__ == "__main__":
    main()
