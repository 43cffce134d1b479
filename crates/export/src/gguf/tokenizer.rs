//! A model's tokenizer as GGUF metadata.
//!
//! What llama.cpp would tokenise otherwise than the model's own tokenizer is refused: a model that reads
//! other tokens than it was trained on is silently wrong.

use std::path::{Path, PathBuf};

use engine::tokenizer::Tokenizer;
use engine::weights::{WeightsError, read_json_file};
use serde_json::{Map, Value};

use super::{Metadata, byte_level, sentence_piece};
use crate::ExportError;

/// llama.cpp's token types (`llama_token_type`), those of SentencePiece too.
pub(super) mod token_type {
    pub const NORMAL: i32 = 1;
    pub const UNKNOWN: i32 = 2;
    pub const CONTROL: i32 = 3;
    pub const USER_DEFINED: i32 = 4;
    pub const UNUSED: i32 = 5;
    pub const BYTE: i32 = 6;
}

/// A vocabulary in the form that GGUF wants.
pub(super) struct Vocabulary {
    /// `gpt2` (byte-level BPE) or `llama` (SentencePiece).
    pub model: &'static str,
    /// The name of the pre-tokenizer.
    pub pre: &'static str,
    /// One entry a row of the embedding.
    pub tokens: Vec<String>,
    pub types: Vec<i32>,
    pub scores: Option<Vec<f32>>,
    pub merges: Option<Vec<String>>,
    pub unknown_token_id: Option<u32>,
    pub add_space_prefix: Option<bool>,
}

/// `tokenizer.json`, with its path for messages.
pub(super) struct Definition {
    pub path: PathBuf,
    pub value: Value,
}

impl Definition {
    pub fn refuse<T>(&self, what: impl Into<String>, detail: impl Into<String>) -> Result<T, ExportError> {
        Err(ExportError::not_in_gguf(&self.path, what, detail))
    }

    /// A field that is there and not null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    pub fn model(&self, name: &str) -> Option<&Value> {
        self.value.get("model")?.get(name).filter(|value| !value.is_null())
    }

    pub fn vocab(&self) -> Result<&Map<String, Value>, ExportError> {
        let damaged =
            || WeightsError::Json { path: self.path.clone(), detail: "model.vocab is missing".to_string() };
        Ok(self.model("vocab").and_then(Value::as_object).ok_or_else(damaged)?)
    }

    /// `(id, content, special)` of the added tokens.
    pub fn added_tokens(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.get("added_tokens").and_then(Value::as_array).into_iter().flatten().filter_map(|token| {
            let id = usize::try_from(token.get("id")?.as_u64()?).ok()?;
            let special = token.get("special").and_then(Value::as_bool).unwrap_or(false);
            Some((id, token.get("content")?.as_str()?, special))
        })
    }

    /// Merges as pairs; the file has them as `"a b"` or, since tokenizers 0.20, as `["a", "b"]`.
    pub fn merges(&self) -> Result<Vec<(&str, &str)>, ExportError> {
        let list = self.model("merges").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .map(|merge| match merge {
                Value::String(text) => text.split_once(' '),
                Value::Array(parts) => match parts.as_slice() {
                    [left, right] => left.as_str().zip(right.as_str()),
                    _ => None,
                },
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map_or_else(|| self.refuse("model.merges", "an entry is no pair of strings"), Ok)
    }
}

/// The keys `tokenizer.ggml.*` for a model with `rows` rows in its embedding.
pub(super) fn metadata(model: &Path, rows: usize) -> Result<Metadata, ExportError> {
    let tokenizer = Tokenizer::open(model)?;
    let path = model.join("tokenizer.json");
    let definition = Definition { value: read_json_file(&path)?, path };
    if tokenizer.vocab_size() > rows {
        let detail = format!("it has {} tokens, the model's vocab_size is {rows}", tokenizer.vocab_size());
        return definition.refuse("the tokenizer", detail);
    }
    let vocabulary = vocabulary(&definition, model, rows)?;
    let mut metadata = Metadata::new();
    let mut push = |key: &str, value| metadata.push((format!("tokenizer.ggml.{key}"), value));
    push("model", vocabulary.model.into());
    push("pre", vocabulary.pre.into());
    push("tokens", vocabulary.tokens.into());
    push("token_type", vocabulary.types.into());
    if let Some(scores) = vocabulary.scores {
        push("scores", scores.into());
    }
    if let Some(merges) = vocabulary.merges {
        push("merges", merges.into());
    }
    let eot = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>"]
        .into_iter()
        .find_map(|token| tokenizer.token_id(token));
    let ids = [
        ("bos_token_id", tokenizer.bos_id()),
        ("eos_token_id", tokenizer.eos_id()),
        ("eot_token_id", eot),
        ("unknown_token_id", vocabulary.unknown_token_id),
        ("padding_token_id", tokenizer.pad_id()),
    ];
    ids.into_iter().filter_map(|(key, id)| Some((key, id?))).for_each(|(key, id)| push(key, id.into()));
    push("add_bos_token", tokenizer.adds_bos().into());
    push("add_eos_token", adds_eos(model, &definition, tokenizer.eos_id())?.into());
    if let Some(prefix) = vocabulary.add_space_prefix {
        push("add_space_prefix", prefix.into());
    }
    Ok(metadata)
}

fn vocabulary(definition: &Definition, model: &Path, rows: usize) -> Result<Vocabulary, ExportError> {
    let kind = definition.model("type").and_then(Value::as_str).unwrap_or("BPE");
    if kind != "BPE" {
        return definition.refuse(format!("a tokenizer of type {kind}"), "only BPE tokenizers can be");
    }
    if definition.model("byte_fallback") == Some(&Value::Bool(true)) {
        return sentence_piece::vocabulary(definition, model, rows);
    }
    byte_level::vocabulary(definition, rows)
}

/// `add_eos_token`, or a post-processor that ends with EOS.
fn adds_eos(model: &Path, definition: &Definition, eos: Option<u32>) -> Result<bool, ExportError> {
    let path = model.join("tokenizer_config.json");
    let said = if path.is_file() {
        read_json_file(&path)?.get("add_eos_token").and_then(Value::as_bool)
    } else {
        None
    };
    if let Some(said) = said {
        return Ok(said);
    }
    let single = definition.get("post_processor").and_then(|processor| processor.get("single"));
    let last = single.and_then(Value::as_array).and_then(|parts| parts.last());
    let token = last.and_then(|part| part.get("SpecialToken")?.get("id")?.as_str());
    let ids = definition.added_tokens().find(|(_, content, _)| Some(*content) == token).map(|(id, ..)| id);
    Ok(eos.is_some() && ids == eos.map(|id| id as usize))
}

/// The type of an added token. One that looks like markup is control even where the file forgot to say so.
pub(super) fn added_type(content: &str, special: bool) -> i32 {
    let looks_special = content.starts_with("<|") && content.ends_with("|>");
    if special || looks_special { token_type::CONTROL } else { token_type::USER_DEFINED }
}

/// The name of a row that no token uses.
pub(super) fn padding_token(row: usize) -> String {
    format!("[PAD{row}]")
}
