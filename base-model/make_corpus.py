#!/usr/bin/env python3
"""Writes the text that the bundled base model is trained on (JSON lines).

Everything comes from the word lists and templates in ``corpus/``; the same
``--seed`` and ``--rows`` give the same bytes. Rows are ``{"text"}`` (prose) or
``{"messages"}`` (chat), each with its ``kind``.

    python3 make_corpus.py --out train.jsonl --eval eval.jsonl
"""
import argparse
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "corpus"))
import chat  # noqa: E402
from render import World  # noqa: E402

# kind: (generator, share of the rows)
KINDS = {
    "prose": (chat.text, 28.0), "pool_prose": (chat.pool_text, 6.0), "passage": (chat.passage, 12.0), "multi": (chat.multi, 7.0), "table": (chat.table, 5.0),
    "closed": (chat.closed, 30.0), "paraphrase": (chat.paraphrase, 7.0), "unknown": (chat.unknown, 2.0), "small": (chat.small, 5.0),
}
FRENCH = 0.15


def make_pool(world, seed, size):
    """The fixed facts that are asked from memory, per language; a (relation, entity) is there once."""
    rng = random.Random(f"pool {seed}")
    pool = {}
    for lang, n in (("en", size - size * 15 // 100), ("fr", size * 15 // 100)):
        facts, seen = [], set()
        while len(facts) < n:
            for f in world.facts(rng, lang, 12):
                key = f.key()
                if key not in seen and len(facts) < n:
                    seen.add(key)
                    facts.append(f)
        pool[lang] = facts
    return pool


def rows(rng, world, pool, count):
    names = list(KINDS)
    weights = [KINDS[k][1] for k in names]
    for _ in range(count):
        kind = rng.choices(names, weights)[0]
        lang = "fr" if rng.random() < FRENCH else "en"
        yield KINDS[kind][0](rng, lang, world, pool)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True, help="training rows (JSON lines)")
    ap.add_argument("--eval", help="evaluation rows: the same number of every kind, another seed")
    ap.add_argument("--rows", type=int, default=600_000, help="training rows (default %(default)s)")
    ap.add_argument("--eval-rows", type=int, default=500, help="evaluation rows of each kind (default %(default)s)")
    ap.add_argument("--pool", type=int, default=3000, help="facts that are asked from memory (default %(default)s)")
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    world = World()
    pool = make_pool(world, a.seed, a.pool)
    t0 = time.time()
    with open(a.out, "w", encoding="utf-8") as out:
        for i, r in enumerate(rows(random.Random(f"train {a.seed}"), world, pool, a.rows), 1):
            out.write(json.dumps(r, ensure_ascii=False) + "\n")
            if i % 100_000 == 0:
                print(f"{i} rows, {out.tell() / 1e6:.0f} MB, {time.time() - t0:.0f} s", file=sys.stderr, flush=True)
    if a.eval:
        rng = random.Random(f"eval {a.seed}")
        out_rows = []
        for make, _ in KINDS.values():
            out_rows += [make(rng, "fr" if rng.random() < FRENCH else "en", world, pool) for _ in range(a.eval_rows)]
        rng.shuffle(out_rows)
        with open(a.eval, "w", encoding="utf-8") as out:
            for r in out_rows:
                out.write(json.dumps(r, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
