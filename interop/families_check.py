#!/usr/bin/env python3
"""Every family in every format, in the programs that read them.

For a small random model of each family: transformers loads the merged folder and PEFT our adapters (LoRA, rsLoRA, DoRA) with our
logits (1e-4, f32); llama.cpp loads the GGUF of each quantization and the GGUF adapter. In f32 it writes our first 64 greedy
ids, in f16 too but for decisions that its rounding of activations moves (see gguf_check.py). Every tensor has the type that
llama.cpp's own quantizer gives it. Of the model given (a trained one), our quantised files are at most 2 % worse in perplexity
than those that llama.cpp's quantizer makes from our f16 file, on text that the model wrote itself.
"""

import argparse
import ctypes
import json
import math
import pathlib
import shutil
import subprocess

import gguf
import llama_cpp
import numpy
import safetensors
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

import gguf_check
import product
import tiny_models

QUANTIZATIONS = {"q8_0": 7, "q6_k": 18, "q5_k_m": 17, "q4_k_m": 15, "q4_0": 2}
PROMPTS = 4
LIMIT = 1.02
# Correlation with the logits in f32. Random weights bear rounding badly, so a few bits are held against llama.cpp's own: as
# close to f32 as its file, but for chance. A file that is not read as it was meant correlates by 0.
ALIKE_BF16, LESS_ALIKE = 0.99, 0.05


def verdict(good, text):
    print(f"{'ok  ' if good else 'FAIL'} {text}")
    return good


def export(args, model, kind, out, quantization=None, adapter=None):
    flags = ["--quantization", quantization] if quantization else []
    flags += ["--adapter", adapter] if adapter else []
    return product.run(args.binary, "export", "--model", model, "--format", kind, *flags, "--out", out)[-1]


def quantize(source, target, kind):
    """llama.cpp's own quantizer."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = kind
    params.nthread = 2
    failed = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))
    if failed:
        raise RuntimeError(f"llama.cpp could not quantize {source}")


def types(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


def alike(path, ids, exact):
    return float(numpy.corrcoef(gguf_check.logits_after(gguf_check.load(path), ids), exact)[0, 1])


def quantized_as_theirs(name, ours, half, ids, exact, work):
    """Types of tensors, and closeness to the logits after `ids` in f32, beside llama.cpp's file of the same kind."""
    theirs = work / "theirs.gguf"
    good = True
    for quantization, number in QUANTIZATIONS.items():
        quantize(half, theirs, number)
        want, have = types(theirs), types(ours[quantization])
        differing = {tensor: (have.get(tensor), kind) for tensor, kind in want.items() if have.get(tensor) != kind}
        good = verdict(not differing and len(want) == len(have), f"{name} {quantization}: types of {len(want)} tensors "
                       f"{differing or 'equal'}") and good
        a, b = alike(ours[quantization], ids, exact), alike(theirs, ids, exact)
        good = verdict(a > b - LESS_ALIKE, f"{name} {quantization}: logits correlate with f32's by {a:.4f}, llama.cpp's by {b:.4f}") and good
    theirs.unlink()
    return good


def merged_and_peft(args, name, model, adapters, work):
    good = True
    for method, adapter in adapters.items():
        out, copy = work / f"merged-{method}", work / f"peft-{method}"
        export(args, model, "merged", out, "f32", adapter)
        rows = product.logits(args.binary, out)[:PROMPTS]
        loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
        good = product.compare(f"{name} merged {method}", loaded, rows) and good
        with safetensors.safe_open(out / "model.safetensors", "pt") as file:
            good = good and bool(list(file.keys()))
        export(args, model, "peft", copy, adapter=adapter)
        rows = product.logits(args.binary, model, copy)[:PROMPTS]
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        good = product.compare(f"{name} peft {method}", PeftModel.from_pretrained(base, copy), rows) and good
    return good


def greedy_equal(args, name, llama, merged, rows):
    good = True
    for row in rows:
        ours = product.run(args.binary, "generate", "--model", merged, "--prompt", row["text"], "--raw", "--temperature", 0,
                           "--max-tokens", gguf_check.COUNT, "--precision", "f32")[-1]["ids"]
        theirs = [token for token, _ in gguf_check.greedy(llama, row["ids"])][: len(ours)]
        off = numpy.abs(gguf_check.logits_after(llama, row["ids"]) - numpy.array(row["last_logits"], dtype=numpy.float32)).max()
        good = verdict(ours == theirs, f"{name} f32 {row['text'][:20]!r}: {len(ours)} greedy ids, logits off by {off:.1e}") and good
    return good


def in_llama_cpp(args, name, model, adapters, work):
    """Merged with LoRA, in every type; and the adapter beside its base."""
    adapter, good = adapters["lora"], True
    files = {q: work / f"{q}.gguf" for q in ("f32", "f16", "bf16", *QUANTIZATIONS)}
    for quantization, path in files.items():
        found = export(args, model, "gguf", path, quantization, adapter)
        for warning in found["warnings"]:
            print(f"note: {name}: {warning['message']}")
    half_folder, merged = work / "merged-f16", work / "merged-lora"
    export(args, model, "merged", half_folder, "f16", adapter)
    rows = product.logits(args.binary, merged)[:PROMPTS]
    full = gguf_check.load(files["f32"])
    good = gguf_check.tokenizers_agree(args.binary, full, model) and good
    good = greedy_equal(args, name, full, merged, rows) and good
    rounded = work / "rounded.gguf"
    export(args, half_folder, "gguf", rounded, "f32")
    half_rows = product.logits(args.binary, half_folder)[:PROMPTS]
    half, exact = gguf_check.load(files["f16"]), gguf_check.load(rounded)
    results = [gguf_check.check(args, half, exact, half_folder, row) for row in half_rows]
    good = verdict("wrong" not in results, f"{name} f16: {results.count('equal')} equal, {results.count('tie')} ties") and good
    ids = rows[0]["ids"]
    exact = gguf_check.logits_after(full, ids)
    found = alike(files["bf16"], ids, exact)
    good = verdict(found > ALIKE_BF16, f"{name} bf16: logits correlate with f32's by {found:.4f}") and good
    good = quantized_as_theirs(name, files, files["f16"], ids, exact, work) and good
    return adapters_in_llama_cpp(args, name, model, adapters, work) and good


def adapters_in_llama_cpp(args, name, model, adapters, work):
    good, base = True, work / "base.gguf"
    export(args, model, "gguf", base, "f32")
    for method in ("lora", "rslora"):
        path = work / f"{method}-adapter.gguf"
        export(args, model, "gguf-adapter", path, adapter=adapters[method])
        llama = llama_cpp.Llama(str(base), lora_path=str(path), n_ctx=512, logits_all=True, n_gpu_layers=0, type_k=0, type_v=0,
                                verbose=False)
        row = product.logits(args.binary, work / f"merged-{method}")[0]
        off = numpy.abs(gguf_check.logits_after(llama, row["ids"]) - numpy.array(row["last_logits"], dtype=numpy.float32)).max()
        largest = numpy.abs(row["last_logits"]).max()
        good = verdict(off < 1e-3 * largest, f"{name} gguf-adapter {method}: logits off by {off:.1e} of {largest:.1f}") and good
    refused = subprocess.run([args.binary, "export", "--model", model, "--adapter", adapters["dora"], "--format", "gguf-adapter",
                              "--out", work / "dora.gguf"], capture_output=True, text=True)
    return verdict(refused.returncode != 0 and "DoRA" in refused.stderr, f"{name} gguf-adapter dora: refused by name") and good


def perplexity(path, texts):
    """Of texts as ids, under a file in llama.cpp."""
    llama = gguf_check.load(path)
    total, count = 0.0, 0
    for ids in texts:
        llama.reset()
        llama.eval(ids)
        logits = torch.tensor(numpy.array(llama.scores[: len(ids) - 1])).double().log_softmax(-1)
        total -= logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].sum().item()
        count += len(ids) - 1
    return math.exp(total / count)


def own_text(args):
    """What the model writes by itself at temperature 1."""
    rows = product.logits(args.binary, args.model)
    texts = []
    for seed, row in enumerate(rows * 3):
        ids = product.run(args.binary, "generate", "--model", args.model, "--prompt", row["text"], "--raw", "--temperature", 1,
                          "--seed", seed, "--max-tokens", 200, "--precision", "f32")[-1]["ids"]
        texts.append(row["ids"] + ids)
    return texts


def perplexities(args, work):
    good, texts = True, own_text(args)
    half, ours, theirs = work / "f16.gguf", work / "ours.gguf", work / "theirs.gguf"
    export(args, args.model, "gguf", half, "f16")
    reference = perplexity(half, texts)
    print(f"note: {sum(map(len, texts))} tokens, perplexity in f16 {reference:.4f}")
    for quantization, number in QUANTIZATIONS.items():
        export(args, args.model, "gguf", ours, quantization)
        quantize(half, theirs, number)
        a, b = perplexity(ours, texts), perplexity(theirs, texts)
        good = verdict(a <= LIMIT * b, f"perplexity in {quantization}: ours {a:.4f}, llama.cpp's {b:.4f}, ratio {a / b:.4f}") and good
        good = verdict(types(ours) == types(theirs), f"trained model in {quantization}: types equal") and good
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--model", required=True, help="a trained model folder, for perplexities")
    parser.add_argument("--work", required=True, help="folder for what is written")
    parser.add_argument("--only", nargs="*", default=list(tiny_models.MODELS), help="some of the small models")
    args = parser.parse_args()
    work, good = pathlib.Path(args.work), True
    # Enough text for a vocabulary; what the prompts are made of is in it.
    texts = [*product.prompts(), *gguf_check.TEXTS, (product.HERE / "rows.jsonl").read_text(encoding="utf8"),
             (product.HERE.parent / "README.md").read_text(encoding="utf8")]
    for name in args.only:
        print(f"== {name}")
        folder = work / name
        model = tiny_models.write_model(name, folder / "model", texts)
        adapters = {method: folder / f"adapter-{method}" for method in tiny_models.ADAPTERS}
        for method, path in adapters.items():
            model = tiny_models.write_adapter(model, method, path)
        good = merged_and_peft(args, name, folder / "model", adapters, folder) and good
        good = in_llama_cpp(args, name, folder / "model", adapters, folder) and good
        shutil.rmtree(folder)
    good = perplexities(args, work) and good
    product.finish("families", good)


if __name__ == "__main__":
    main()
