//! The tokenizer that a GGUF file carries in its metadata, rebuilt as a `tokenizer.json`.
//!
//! Keys: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer>. Two kinds are known: `gpt2` (byte-level
//! BPE, whose splitting pattern `tokenizer.ggml.pre` names) and `llama` (SentencePiece BPE, whose merges follow from
//! the scores). Any other is refused by name: a guess would tokenise almost right.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::TokenizerError;
use super::encoder::{Library, Roles};
use crate::weights::gguf::{GgufFile, GgufValue};

/// Values of `tokenizer.ggml.token_type`.
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// GPT-2's pattern (<https://github.com/openai/gpt-2/blob/master/src/encoder.py>).
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// Llama 3's pattern, of tiktoken's cl100k family: up to three digits together.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2's pattern: the same with single digits.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SINGLE_DIGITS: &str = r"\p{N}";

/// Reads the tokenizer of a GGUF file.
pub(super) fn read(path: &Path) -> Result<(Library, Roles), TokenizerError> {
    let file = GgufFile::open(path)?;
    let library = Library::from_bytes(tokenizer_json(path, &file)?.to_string())
        .map_err(|error| TokenizerError::Damaged { path: path.into(), problem: error.to_string() })?;
    Ok((library, roles(&file)))
}

/// What a model folder has beside its weights and `config.json`, made of a GGUF file: names and contents of
/// `tokenizer.json`, `tokenizer_config.json` (with the chat template) and `generation_config.json`.
///
/// # Errors
/// The file or its tokenizer cannot be read.
pub fn gguf_companions(path: &Path) -> Result<Vec<(&'static str, String)>, TokenizerError> {
    let file = GgufFile::open(path)?;
    let mut tokenizer = tokenizer_json(path, &file)?;
    let roles = roles(&file);
    let tokens = file.get("tokenizer.ggml.tokens").and_then(GgufValue::as_strings).unwrap_or_default();
    let text = |id: Option<u32>| id.and_then(|id| tokens.get(id as usize));
    if let (true, Some(id), Some(bos)) = (roles.adds_bos, roles.bos, text(roles.bos)) {
        let special = |sequence: u8| json!({"SpecialToken": {"id": bos, "type_id": sequence}});
        let sequence = |name: &str, sequence: u8| json!({"Sequence": {"id": name, "type_id": sequence}});
        tokenizer["post_processor"] = json!({
            "type": "TemplateProcessing", "single": [special(0), sequence("A", 0)],
            "pair": [special(0), sequence("A", 0), special(1), sequence("B", 1)],
            "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}},
        });
    }
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": text(roles.bos), "eos_token": text(roles.eos),
        "pad_token": text(roles.pad), "add_bos_token": roles.adds_bos, "clean_up_tokenization_spaces": false,
        "chat_template": file.get("tokenizer.chat_template").and_then(GgufValue::as_str),
    });
    let generation =
        json!({"bos_token_id": roles.bos, "eos_token_id": roles.stop, "pad_token_id": roles.pad});
    Ok(vec![
        ("tokenizer.json", tokenizer.to_string()),
        ("tokenizer_config.json", config.to_string()),
        ("generation_config.json", generation.to_string()),
    ])
}

fn kind(file: &GgufFile) -> &str {
    file.get("tokenizer.ggml.model").and_then(GgufValue::as_str).unwrap_or_default()
}

fn tokenizer_json(path: &Path, file: &GgufFile) -> Result<Json, TokenizerError> {
    let vocabulary =
        Vocabulary::read(file).map_err(|problem| TokenizerError::Damaged { path: path.into(), problem })?;
    let json = match kind(file) {
        "gpt2" => vocabulary.byte_level(file),
        "llama" => Ok(vocabulary.sentence_piece(file)),
        other => Err(format!("the tokenizer model {other:?} is not supported (gpt2 and llama are)")),
    };
    json.map_err(|problem| TokenizerError::Unsupported { path: path.into(), problem })
}

fn roles(file: &GgufFile) -> Roles {
    let id = |name: &str| {
        let id = file.get(&format!("tokenizer.ggml.{name}_token_id"))?.as_u64()?;
        u32::try_from(id).ok()
    };
    let adds_bos =
        flag(file, "add_bos_token").unwrap_or_else(|| kind(file) == "llama" || pre(file) == "llama-bpe");
    let mut stop: Vec<u32> = [id("eos"), id("eot")].into_iter().flatten().collect();
    stop.sort_unstable();
    stop.dedup();
    let bos = id("bos");
    Roles { bos, eos: id("eos"), pad: id("padding"), stop, adds_bos: adds_bos && bos.is_some() }
}

fn flag(file: &GgufFile, name: &str) -> Option<bool> {
    file.get(&format!("tokenizer.ggml.{name}"))?.as_bool()
}

fn pre(file: &GgufFile) -> &str {
    file.get("tokenizer.ggml.pre").and_then(GgufValue::as_str).unwrap_or("default")
}

struct Vocabulary<'a> {
    tokens: &'a [String],
    types: &'a [i32],
    scores: &'a [f32],
    merges: &'a [String],
}

impl<'a> Vocabulary<'a> {
    fn read(file: &'a GgufFile) -> Result<Self, String> {
        let get = |name: &str| file.get(&format!("tokenizer.ggml.{name}"));
        let tokens = get("tokens").and_then(GgufValue::as_strings).ok_or("has no tokenizer.ggml.tokens")?;
        let types = get("token_type").and_then(GgufValue::as_i32s).unwrap_or_default();
        let scores = get("scores").and_then(GgufValue::as_f32s).unwrap_or_default();
        for (name, length) in [("token_type", types.len()), ("scores", scores.len())] {
            if length != 0 && length != tokens.len() {
                return Err(format!(
                    "tokenizer.ggml.{name} has {length} entries for {} tokens",
                    tokens.len()
                ));
            }
        }
        let merges = get("merges").and_then(GgufValue::as_strings).unwrap_or_default();
        Ok(Self { tokens, types, scores, merges })
    }

    /// Byte-level BPE.
    fn byte_level(&self, file: &GgufFile) -> Result<Json, String> {
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        // Names and patterns: llama.cpp's src/llama-vocab.cpp.
        let (patterns, ignore_merges) = match pre(file) {
            "gpt-2" | "phi-2" | "jina-es" | "jina-de" | "mpt" | "olmo" | "jais" | "default" => {
                (vec![GPT2], false)
            }
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" => (vec![LLAMA3], true),
            "dbrx" | "smaug-bpe" => (vec![LLAMA3], false),
            "qwen2" | "stablelm2" | "deepseek-r1-qwen" => (vec![QWEN2], false),
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" => {
                (vec![SINGLE_DIGITS, GPT2], false)
            }
            other => {
                return Err(format!(
                    "the pre-tokenizer {other:?} is not supported; use the model's folder instead"
                ));
            }
        };
        let mut steps: Vec<Json> = patterns.into_iter().map(split).collect();
        steps.push(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}));
        Ok(json!({
            "version": "1.0", "added_tokens": self.added_tokens(false), "normalizer": null,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}, "post_processor": null,
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
            "model": {"type": "BPE", "vocab": self.ids(), "merges": self.merges, "ignore_merges": ignore_merges,
                      "fuse_unk": false, "byte_fallback": false}
        }))
    }

    /// SentencePiece BPE.
    fn sentence_piece(&self, file: &GgufFile) -> Json {
        let prefix = flag(file, "add_space_prefix").unwrap_or(true);
        let mut normalizers = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})];
        let mut decoders = vec![
            json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if prefix {
            normalizers.insert(0, json!({"type": "Prepend", "prepend": "▁"}));
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let unknown = file.get("tokenizer.ggml.unknown_token_id").and_then(GgufValue::as_u64).unwrap_or(0);
        // llama.cpp lets Phi-3's special tokens take the white space after them.
        let name = file.get("general.name").and_then(GgufValue::as_str).unwrap_or_default().to_lowercase();
        json!({
            "version": "1.0", "added_tokens": self.added_tokens(name.contains("phi-3") || name.contains("phi3")),
            "normalizer": {"type": "Sequence", "normalizers": normalizers},
            "pre_tokenizer": null, "post_processor": null,
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {"type": "BPE", "vocab": self.ids(), "merges": self.merges_by_score(), "fuse_unk": true,
                      "unk_token": self.tokens.get(unknown as usize), "byte_fallback": true}
        })
    }

    fn ids(&self) -> HashMap<&str, usize> {
        self.tokens.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect()
    }

    fn added_tokens(&self, phi3: bool) -> Vec<Json> {
        let strip_not = ["<unk>", "<s>", "<|endoftext|>"];
        self.types
            .iter()
            .enumerate()
            .filter(|(id, kind)| matches!(**kind, CONTROL | USER_DEFINED) && !self.tokens[*id].is_empty())
            .map(|(id, kind)| {
                let content = &self.tokens[id];
                json!({"id": id, "content": content, "special": *kind == CONTROL, "normalized": false, "lstrip": false,
                       "rstrip": phi3 && !strip_not.contains(&content.as_str()), "single_word": false})
            })
            .collect()
    }

    /// SentencePiece joins the neighbours whose piece has the best score; as BPE merges: all ways to split each piece
    /// into two others, the best pieces first.
    fn merges_by_score(&self) -> Vec<(&str, &str)> {
        let ids = self.ids();
        let mut merges: Vec<(f32, usize, usize, (&str, &str))> = Vec::new();
        for (piece, score) in self.tokens.iter().zip(self.scores) {
            for (at, _) in piece.char_indices().skip(1) {
                let (left, right) = piece.split_at(at);
                if let (Some(&l), Some(&r)) = (ids.get(left), ids.get(right)) {
                    merges.push((*score, l, r, (left, right)));
                }
            }
        }
        merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        merges.into_iter().map(|(_, _, _, pair)| pair).collect()
    }
}
