#!/usr/bin/env python3
"""Hugging Face PEFT loads our adapter and computes our logits (within 1e-4, f32)."""

import pathlib

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

import product


def main():
    args = product.arguments(__doc__)
    out = pathlib.Path(args.work) / "peft"
    product.run(args.binary, "export", "--model", args.model, "--adapter", args.adapter, "--format", "peft", "--out", out)
    rows = product.logits(args.binary, args.model, args.adapter)
    base = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    plain = [logits for logits, _ in product.reference(base, rows)]
    tuned = PeftModel.from_pretrained(base, out)
    moved = max((logits - before).abs().max().item() for before, (logits, _) in zip(plain, product.reference(tuned, rows)))
    good = product.compare("peft", tuned, rows)
    if moved < 1e-3:
        print(f"FAIL the adapter moves no logit by more than {moved:.1e}: this compares nothing")
        good = False
    product.finish("peft", good)


if __name__ == "__main__":
    main()
