"""What the checks share: our program, its answers, and how a verdict is printed."""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def arguments(description, more=lambda parser: None):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--adapter", required=True, help="our adapter folder")
    parser.add_argument("--work", required=True, help="folder for the files that are exported")
    more(parser)
    return parser.parse_args()


def prompts():
    return json.loads((HERE / "prompts.json").read_text(encoding="utf8"))


def run(binary, *args, stdin=""):
    """Our program's JSON lines."""
    done = subprocess.run([binary, "--json", *map(str, args)], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{binary} {' '.join(map(str, args))}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def logits(binary, model, adapter=None):
    """One row {text, ids, mean_nll, last_logits} a prompt, in f32."""
    stdin = "".join(json.dumps({"text": text}) + "\n" for text in prompts())
    extra = ["--adapter", adapter] if adapter else []
    return run(binary, "inspect", "logits", "--model", model, *extra, "--precision", "f32", stdin=stdin)


def reference(model, rows):
    """Last logits and mean negative log-likelihood of a transformers model for the ids in our rows."""
    import torch

    model.eval()
    for row in rows:
        ids = torch.tensor([row["ids"]])
        with torch.no_grad():
            all_logits = model(input_ids=ids).logits[0].float()
        picked = all_logits[:-1].log_softmax(-1).gather(1, ids[0, 1:, None])
        yield all_logits[-1], -picked.mean().item() if len(row["ids"]) > 1 else None


def compare(name, model, rows, tolerance=1e-4):
    """Prints one line a prompt; true where every logit is within the tolerance."""
    import torch

    good = True
    for row, (theirs, nll) in zip(rows, reference(model, rows), strict=True):
        worst = (torch.tensor(row["last_logits"]) - theirs).abs().max().item()
        nll_off = abs(row["mean_nll"] - nll) if nll is not None and row["mean_nll"] is not None else 0.0
        fits = worst <= tolerance and nll_off <= tolerance
        good = good and fits
        print(f"{'ok  ' if fits else 'FAIL'} {name} {row['text'][:30]!r}: logits off by {worst:.2e}, nll by {nll_off:.2e}")
    return good


def finish(name, good):
    print(f"{name}: {'passed' if good else 'FAILED'}")
    sys.exit(0 if good else 1)
