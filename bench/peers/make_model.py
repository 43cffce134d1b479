#!/usr/bin/env python3
"""Random-init HF checkpoint factory (no downloads).

  make_model.py --shape smollm2-135m --out DIR [--seed 0] [--dtype bf16|f32|f16] [--tok-vocab N]
                [--config-style hub|v5] [--shards N] [--std S]
  make_model.py --list

Writes config.json, model.safetensors (or shards + index), tokenizer.json, tokenizer_config.json
(ChatML chat_template), special_tokens_map.json, generation_config.json.

config.json is written by hand in the style real hub checkpoints use today (rope_theta,
rope_scaling, torch_dtype); --config-style v5 re-saves it as transformers 5 would (rope_parameters, dtype).
Weights are N(0, std) from a torch.Generator seeded per tensor by crc32(name)^seed, norms = 1
(Gemma norms = 0), biases = N(0, std): the same seed gives the same bytes whatever the tensor order.
Tied models do not store lm_head.weight, like the originals.

The tokenizer is a byte-level BPE trained on prose found on this machine (corpus.py), cached in
--tok-cache; its vocabulary is min(tok-vocab, model vocab); model rows beyond it are just unused.
ids: 0 <|endoftext|>, 1 <|im_start|>, 2 <|im_end|>; eos = <|im_end|>, pad = <|endoftext|>.
"""
import argparse, json, os, sys, time, zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

def llama(h, i, L, nh, nkv, V, theta, maxpos, eps=1e-5, tie=True, **kw):
    d = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=h, intermediate_size=i,
             num_hidden_layers=L, num_attention_heads=nh, num_key_value_heads=nkv, vocab_size=V,
             rope_theta=theta, rope_scaling=None, max_position_embeddings=maxpos, rms_norm_eps=eps,
             tie_word_embeddings=tie, hidden_act="silu", attention_bias=False, mlp_bias=False,
             attention_dropout=0.0, initializer_range=0.02, pretraining_tp=1, use_cache=True)
    d.update(kw); return d

def qwen2(h, i, L, nh, nkv, V, theta=1e6, maxpos=32768, tie=True, **kw):
    d = dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_size=h, intermediate_size=i,
             num_hidden_layers=L, num_attention_heads=nh, num_key_value_heads=nkv, vocab_size=V,
             rope_theta=theta, max_position_embeddings=maxpos, rms_norm_eps=1e-6, tie_word_embeddings=tie,
             hidden_act="silu", attention_dropout=0.0, initializer_range=0.02, use_cache=True,
             use_sliding_window=False, sliding_window=maxpos, max_window_layers=L)
    d.update(kw); return d

def qwen3(h, i, L, nh, nkv, hd, V, theta=1e6, maxpos=40960, tie=True, **kw):
    d = dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", hidden_size=h, intermediate_size=i,
             num_hidden_layers=L, num_attention_heads=nh, num_key_value_heads=nkv, head_dim=hd, vocab_size=V,
             rope_theta=theta, rope_scaling=None, max_position_embeddings=maxpos, rms_norm_eps=1e-6,
             tie_word_embeddings=tie, hidden_act="silu", attention_bias=False, attention_dropout=0.0,
             initializer_range=0.02, use_cache=True, use_sliding_window=False, sliding_window=None,
             max_window_layers=L)
    d.update(kw); return d

def gemma3(h, i, L, nh, nkv, hd, V, window=512, pattern=6, maxpos=32768, qpas=None, **kw):
    d = dict(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", hidden_size=h, intermediate_size=i,
             num_hidden_layers=L, num_attention_heads=nh, num_key_value_heads=nkv, head_dim=hd, vocab_size=V,
             rope_theta=1e6, rope_local_base_freq=1e4, rope_scaling=None, max_position_embeddings=maxpos,
             rms_norm_eps=1e-6, hidden_activation="gelu_pytorch_tanh", attention_bias=False,
             attention_dropout=0.0, attn_logit_softcapping=None, final_logit_softcapping=None,
             query_pre_attn_scalar=qpas or hd, sliding_window=window, use_bidirectional_attention=False,
             layer_types=["full_attention" if (j + 1) % pattern == 0 else "sliding_attention" for j in range(L)],
             initializer_range=0.02, use_cache=True)
    d.update(kw); return d

SHAPES = {
    # published shapes
    "smollm2-135m": llama(576, 1536, 30, 9, 3, 49152, 1e5, 8192, rope_interleaved=False),
    "smollm2-360m": llama(960, 2560, 32, 15, 5, 49152, 1e5, 8192, rope_interleaved=False),
    "qwen2.5-0.5b": qwen2(896, 4864, 24, 14, 2, 151936),
    "qwen3-0.6b": qwen3(1024, 3072, 28, 16, 8, 128, 151936),
    "llama-3.2-1b": llama(2048, 8192, 16, 32, 8, 128256, 5e5, 131072, head_dim=64,
                          rope_scaling=dict(factor=32.0, high_freq_factor=4.0, low_freq_factor=1.0,
                                            original_max_position_embeddings=8192, rope_type="llama3")),
    "gemma-3-270m": gemma3(640, 2048, 18, 4, 1, 256, 262144),
}

def train_tokenizer(vocab, family, cache):
    from tokenizers import Tokenizer, Regex, models, pre_tokenizers, decoders, trainers, normalizers, processors
    os.makedirs(cache, exist_ok=True)
    p = os.path.join(cache, f"bpe-{family}-{vocab}.json")
    if os.path.exists(p): return Tokenizer.from_file(p)
    import corpus
    t = Tokenizer(models.BPE())
    if family in ("qwen2", "qwen3"):
        t.normalizer = normalizers.NFC()
        rx = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(rx), "isolated", invert=False),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:  # SmolLM2 style
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    tr = trainers.BpeTrainer(vocab_size=vocab, min_frequency=2, show_progress=False,
                             special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    docs = corpus.load(4_000_000 if vocab <= 2048 else 40_000_000)
    t.train_from_iterator((q for _, ps in docs for q in ps), tr)
    t.save(p); return t

def write_tokenizer(out, vocab, family, cache, maxlen):
    t = train_tokenizer(vocab, family, cache)
    t.save(os.path.join(out, "tokenizer.json"))
    sp = {str(i): dict(content=s, lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
          for i, s in enumerate(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])}
    json.dump(dict(add_prefix_space=False, added_tokens_decoder=sp, bos_token="<|im_start|>", eos_token="<|im_end|>",
                   pad_token="<|endoftext|>", unk_token="<|endoftext|>", chat_template=CHATML,
                   additional_special_tokens=["<|im_start|>", "<|im_end|>"], clean_up_tokenization_spaces=False,
                   model_max_length=maxlen, tokenizer_class="PreTrainedTokenizerFast"),
              open(os.path.join(out, "tokenizer_config.json"), "w"), indent=2)
    json.dump(dict(bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
                   unk_token="<|endoftext|>"), open(os.path.join(out, "special_tokens_map.json"), "w"), indent=2)
    return t.get_vocab_size()

def make(shape, out, seed=0, dtype="bf16", tok_vocab=49152, cache=os.environ.get("PEERS", ".") + "/tok", style="hub", shards=1, std=0.02):
    import torch
    from safetensors.torch import save_file
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from transformers import AutoConfig, AutoModelForCausalLM
    os.makedirs(out, exist_ok=True)
    cfg = dict(SHAPES[shape])
    td = dict(bf16=torch.bfloat16, f32=torch.float32, f16=torch.float16)[dtype]
    cfg.update(bos_token_id=1, eos_token_id=2, pad_token_id=0, torch_dtype=str(td).split(".")[1],
               transformers_version="4.49.0")
    json.dump(cfg, open(os.path.join(out, "config.json"), "w"), indent=2, sort_keys=True)
    c = AutoConfig.from_pretrained(out)
    with torch.device("meta"):
        m = AutoModelForCausalLM.from_config(c)
    fam = cfg["model_type"]
    tied = c.tie_word_embeddings
    sd, n = {}, 0
    for name, p in m.state_dict().items():
        if tied and name == "lm_head.weight": continue
        g = torch.Generator().manual_seed((zlib.crc32(name.encode()) ^ (seed * 0x9E3779B1)) & 0xFFFFFFFF)
        if name.endswith("norm.weight") or "layernorm" in name:
            # not exactly 1, so that a wrong norm shows
            w = torch.randn(p.shape, generator=g) * 0.02 + (0.0 if "gemma" in fam else 1.0)
        else:
            w = torch.randn(p.shape, generator=g) * std
        sd[name] = w.to(td).contiguous(); n += w.numel()
    if shards <= 1:
        save_file(sd, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    else:
        names = list(sd); per = -(-len(names) // shards); wm = {}; tot = 0
        for k in range(shards):
            f = f"model-{k+1:05d}-of-{shards:05d}.safetensors"
            part = {x: sd[x] for x in names[k * per:(k + 1) * per]}
            save_file(part, os.path.join(out, f), metadata={"format": "pt"})
            for x, v in part.items(): wm[x] = f; tot += v.numel() * v.element_size()
        json.dump(dict(metadata=dict(total_size=tot), weight_map=wm),
                  open(os.path.join(out, "model.safetensors.index.json"), "w"), indent=2)
    json.dump(dict(bos_token_id=1, eos_token_id=[2, 0], pad_token_id=0, do_sample=True, temperature=0.7, top_p=0.9,
                   transformers_version="4.49.0"), open(os.path.join(out, "generation_config.json"), "w"), indent=2)
    tv = write_tokenizer(out, min(tok_vocab, cfg["vocab_size"]), fam, cache, cfg["max_position_embeddings"])
    if style == "v5":
        c.dtype = td; c.save_pretrained(out)
    return n, tv

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--shape"); a.add_argument("--out"); a.add_argument("--seed", type=int, default=0)
    a.add_argument("--dtype", default="bf16", choices=["bf16", "f32", "f16"])
    a.add_argument("--tok-vocab", type=int, default=49152); a.add_argument("--tok-cache", default=os.environ.get("PEERS", ".") + "/tok")
    a.add_argument("--config-style", default="hub", choices=["hub", "v5"]); a.add_argument("--shards", type=int, default=1)
    a.add_argument("--std", type=float, default=0.02); a.add_argument("--list", action="store_true")
    a = a.parse_args()
    if a.list: print("\n".join(SHAPES)); return
    t = time.time()
    n, tv = make(a.shape, a.out, a.seed, a.dtype, a.tok_vocab, a.tok_cache, a.config_style, a.shards, a.std)
    print(json.dumps(dict(shape=a.shape, out=a.out, params=n, tok_vocab=tv, dtype=a.dtype, seconds=round(time.time() - t, 1))))

if __name__ == "__main__":
    main()
