#!/usr/bin/env python3
"""Trains the byte-level BPE tokenizer of the base model and writes its folder.

    python3 make_corpus.py --out sample.jsonl --rows 40000
    python3 make_tokenizer.py --sample sample.jsonl --out model

4096 tokens, the pre-tokenizer of Qwen2 (known to llama.cpp as ``qwen2``), no
normaliser, nothing added around a text. Needs ``tokenizers`` (requirements.txt).
"""
import argparse
import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCAB = 4096
SAMPLE_BYTES = 20_000_000
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0,
    "head_dim": 64, "hidden_act": "silu", "hidden_size": 256, "initializer_range": 0.02, "intermediate_size": 512, "max_position_embeddings": 1024,
    "mlp_bias": False, "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-05,
    "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": VOCAB,
}


def texts(path):
    """The texts of the sample, row by row, up to SAMPLE_BYTES."""
    size = 0
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            for t in [r["text"]] if "text" in r else [m["content"] for m in r["messages"]]:
                size += len(t)
                yield t
            if size > SAMPLE_BYTES:
                return


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sample", required=True)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tok.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=False)
    tok.train_from_iterator(texts(a.sample), trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    if tok.get_vocab_size() != VOCAB:
        raise SystemExit(f"the sample is too small: {tok.get_vocab_size()} tokens instead of {VOCAB}")
    tok.save(str(out / "tokenizer.json"))
    dump = lambda name, value: (out / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    added = {str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} for i, t in enumerate(SPECIALS)}
    dump("tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": False, "add_prefix_space": False, "added_tokens_decoder": added, "bos_token": SPECIALS[0], "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False, "eos_token": SPECIALS[2], "model_max_length": 1024, "pad_token": SPECIALS[0], "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": None})
    dump("special_tokens_map.json", {"bos_token": SPECIALS[0], "eos_token": SPECIALS[2], "pad_token": SPECIALS[0]})
    dump("generation_config.json", {"bos_token_id": 0, "do_sample": False, "eos_token_id": [2, 0], "max_new_tokens": 160, "pad_token_id": 0})
    dump("config.json", CONFIG)


if __name__ == "__main__":
    main()
