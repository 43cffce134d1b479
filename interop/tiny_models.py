"""Small random models of every family, as Hugging Face folders, with PEFT adapters on them.

Seeded. Weights are larger than usual initial ones, so that logits differ clearly and a swapped row or norm shows.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

VOCABULARY = 512
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

COMMON = dict(num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, vocab_size=VOCABULARY, max_position_embeddings=512,
              bos_token_id=1, eos_token_id=2, pad_token_id=0)
# 256 columns are one super-block; 96 are none, so k-quants fall back there.
WIDE = dict(hidden_size=256, intermediate_size=512)
NARROW = dict(hidden_size=96, intermediate_size=192, head_dim=24)
LONG_FACTORS = [1.0 + 0.1 * i for i in range(12)]
MODELS = {
    "llama": dict(model_type="llama", **WIDE, tie_word_embeddings=True, rope_theta=1e4),
    "llama3-rope": dict(model_type="llama", **NARROW, tie_word_embeddings=False, rope_theta=5e5,
                        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                          original_max_position_embeddings=64)),
    "llama-linear": dict(model_type="llama", **NARROW, tie_word_embeddings=True, rope_theta=1e4,
                         rope_scaling=dict(rope_type="linear", factor=4.0)),
    "llama-biases": dict(model_type="llama", **NARROW, tie_word_embeddings=True, attention_bias=True, mlp_bias=True),
    "mistral": dict(model_type="mistral", **NARROW, tie_word_embeddings=False, sliding_window=None),
    "qwen2": dict(model_type="qwen2", **WIDE, tie_word_embeddings=False, use_sliding_window=False),
    "qwen3": dict(model_type="qwen3", hidden_size=96, intermediate_size=192, head_dim=32, tie_word_embeddings=True),
    "gemma2": dict(model_type="gemma2", hidden_size=96, intermediate_size=192, head_dim=32, query_pre_attn_scalar=32,
                   sliding_window=16),
    "gemma3_text": dict(model_type="gemma3_text", hidden_size=256, intermediate_size=512, head_dim=32, query_pre_attn_scalar=32,
                        sliding_window=16, layer_types=["sliding_attention", "sliding_attention", "full_attention",
                                                        "sliding_attention"]),
    "phi3": dict(model_type="phi3", hidden_size=256, intermediate_size=512, tie_word_embeddings=False, sliding_window=None,
                 original_max_position_embeddings=512),
    "phi3-longrope": dict(model_type="phi3", hidden_size=96, intermediate_size=192, tie_word_embeddings=False, sliding_window=None,
                          max_position_embeddings=2048, original_max_position_embeddings=512,
                          rope_scaling=dict(type="longrope", short_factor=LONG_FACTORS, long_factor=[4.0] * 12)),
}
ADAPTERS = {
    "lora": dict(),
    "rslora": dict(use_rslora=True, alpha_pattern={"down_proj": 9}, rank_pattern={"o_proj": 4}),
    "dora": dict(use_dora=True),
}


def byte_level(pattern, texts):
    tokenizer = Tokenizer(models.BPE(ignore_merges=pattern == LLAMA3))
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 8, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def sentence_piece(gemma, texts):
    """BPE with byte fallback, as Gemma's, Phi-3's and Mistral's folders have it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = replace if gemma else normalizers.Sequence([normalizers.Prepend("▁"), replace])
    strip = [] if gemma else [decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    special = [*SPECIAL, "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 8, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    definition = json.loads(tokenizer.to_str())
    # Bytes are part of the model, not added to it.
    definition["added_tokens"] = [token for token in definition["added_tokens"] if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(definition))


def write_tokenizer(name, folder, texts):
    kind = MODELS[name]["model_type"]
    if kind in ("gemma2", "gemma3_text", "phi3", "mistral"):
        tokenizer = sentence_piece(kind.startswith("gemma"), texts)
    else:
        tokenizer = byte_level(LLAMA3 if name == "llama3-rope" else QWEN2, texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = dict(bos_token=SPECIAL[1], eos_token=SPECIAL[2], pad_token=SPECIAL[0], chat_template=CHATML, add_bos_token=False,
                    clean_up_tokenization_spaces=False, tokenizer_class="PreTrainedTokenizerFast")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf8")


def fill(model, gemma):
    for number, (name, parameter) in enumerate(sorted(model.named_parameters())):
        values = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
        if parameter.dim() == 1:
            center = 0.0 if gemma or name.endswith("bias") else 1.0
            values = center + 0.2 * values
        elif "embed_tokens" not in name:
            values = values * 0.9 / parameter.shape[1] ** 0.5
        else:
            # Gemma multiplies embeddings by the root of their size.
            values = values / parameter.shape[1] ** 0.5 if gemma else 0.25 * values
        parameter.data.copy_(values)


def write_model(name, folder, texts):
    """Writes the folder and returns the model."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    settings = {**COMMON, **MODELS[name]}
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    fill(model, "gemma" in name)
    model.save_pretrained(folder)
    write_tokenizer(name, folder, texts)
    return model


def write_adapter(model, method, folder):
    """A PEFT adapter with nothing at its initial value.

    As large as trained ones, not larger: at twice the size the logits move by 6e-5 when the weights do by half a unit in the last
    place, and nothing could be told from rounding.
    """
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM", **ADAPTERS[method])
    adapted = get_peft_model(model, config)
    for number, (name, parameter) in enumerate(sorted(adapted.named_parameters())):
        random = torch.Generator().manual_seed(1000 + number)
        if "lora_A" in name or "lora_B" in name:
            parameter.data.copy_(0.05 * torch.randn(parameter.shape, generator=random))
        elif "lora_magnitude" in name:
            parameter.data.mul_(1 + 0.1 * torch.randn(parameter.shape, generator=random))
    adapted.save_pretrained(folder)
    return adapted.unload()
