//! Byte-level BPE (`tokenizer.ggml.model` = `gpt2`).
//!
//! llama.cpp splits text by rules that it knows by name, so the definition in `tokenizer.json` must be one of
//! those, in every part that matters.

use serde_json::{Value, json};

use super::tokenizer::{Definition, Vocabulary, added_type, padding_token, token_type};
use crate::ExportError;

/// The split of Qwen2 and its successors.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The split of Llama 3.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The split of GPT-2, which `ByteLevel` also does by itself.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// A way of splitting that llama.cpp has a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pre {
    name: &'static str,
    /// Whether llama.cpp looks words up whole before merging.
    ignores_merges: bool,
    /// Whether its models normalise to NFC first (llama.cpp does not; texts are nearly always NFC already).
    nfc: bool,
}

const GPT2_PRE: Pre = Pre { name: "gpt-2", ignores_merges: false, nfc: false };
const SMOLLM_PRE: Pre = Pre { name: "smollm", ignores_merges: false, nfc: false };
const QWEN2_PRE: Pre = Pre { name: "qwen2", ignores_merges: false, nfc: true };
const LLAMA3_PRE: Pre = Pre { name: "llama-bpe", ignores_merges: true, nfc: false };

pub(super) fn vocabulary(definition: &Definition, rows: usize) -> Result<Vocabulary, ExportError> {
    let pre = pre_tokenizer(definition)?;
    check_model(definition, pre)?;
    let mut tokens: Vec<String> = (0..rows).map(padding_token).collect();
    let mut types = vec![token_type::UNUSED; rows];
    for (token, id) in definition.vocab()? {
        let Some(id) = id.as_u64().and_then(|id| usize::try_from(id).ok()).filter(|id| *id < rows) else {
            return definition
                .refuse(format!("token {token:?}"), format!("its id {id} is no row of the embedding"));
        };
        tokens[id] = token.clone();
        types[id] = token_type::NORMAL;
    }
    for (id, content, special) in definition.added_tokens() {
        if id >= rows {
            return definition
                .refuse(format!("token {content:?}"), format!("its id {id} is no row of the embedding"));
        }
        tokens[id] = content.to_string();
        types[id] = added_type(content, special);
    }
    // A space inside a part would be read as the separator; its byte-level letter is meant.
    let word = |part: &str| part.replace(' ', "\u{120}");
    let merges =
        definition.merges()?.into_iter().map(|(left, right)| format!("{} {}", word(left), word(right)));
    Ok(Vocabulary {
        model: "gpt2",
        pre: pre.name,
        tokens,
        types,
        scores: None,
        merges: Some(merges.collect()),
        unknown_token_id: None,
        add_space_prefix: None,
    })
}

/// The name of the pre-tokenizer, read off its definition.
fn pre_tokenizer(definition: &Definition) -> Result<Pre, ExportError> {
    let Some(found) = definition.get("pre_tokenizer") else {
        return definition.refuse("a tokenizer without a pre-tokenizer", "llama.cpp has no name for it");
    };
    let parts = match found.get("pretokenizers").and_then(Value::as_array) {
        Some(parts) => parts.iter().collect(),
        None => vec![found],
    };
    let pre = match parts.as_slice() {
        [bytes] if byte_level(bytes) == Some(true) => Some(GPT2_PRE),
        [digits, bytes] if single_digits(digits) && byte_level(bytes) == Some(true) => Some(SMOLLM_PRE),
        [split, bytes] if byte_level(bytes) == Some(false) => match isolating_pattern(split) {
            Some(QWEN2) => Some(QWEN2_PRE),
            Some(LLAMA3) => Some(LLAMA3_PRE),
            Some(GPT2) => Some(GPT2_PRE),
            _ => None,
        },
        _ => None,
    };
    let known = "llama.cpp has no name for it, and would split text into other tokens";
    pre.map_or_else(|| definition.refuse("this pre-tokenizer", known), Ok)
}

/// Whether a `ByteLevel` step splits by GPT-2's pattern too; `None` for another step, or one that adds a space.
fn byte_level(step: &Value) -> Option<bool> {
    let flag = |name: &str, default: bool| step.get(name).and_then(Value::as_bool).unwrap_or(default);
    let plain = step.get("type") == Some(&json!("ByteLevel")) && !flag("add_prefix_space", true);
    plain.then(|| flag("use_regex", true))
}

fn single_digits(step: &Value) -> bool {
    step.get("type") == Some(&json!("Digits")) && step.get("individual_digits") == Some(&json!(true))
}

fn isolating_pattern(step: &Value) -> Option<&str> {
    let isolates = step.get("type") == Some(&json!("Split"))
        && step.get("behavior") == Some(&json!("Isolated"))
        && step.get("invert") != Some(&json!(true));
    if isolates { step.get("pattern")?.get("Regex")?.as_str() } else { None }
}

/// Refuses settings of the BPE model and a normaliser that llama.cpp would not follow.
fn check_model(definition: &Definition, pre: Pre) -> Result<(), ExportError> {
    let ignores_merges = definition.model("ignore_merges") == Some(&Value::Bool(true));
    if ignores_merges != pre.ignores_merges {
        let detail = format!("llama.cpp reads {} tokenizers with {}", pre.name, pre.ignores_merges);
        return definition.refuse(format!("ignore_merges = {ignores_merges}"), detail);
    }
    for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if definition.model(affix).and_then(Value::as_str).is_some_and(|text| !text.is_empty()) {
            return definition.refuse(affix, "llama.cpp knows none");
        }
    }
    match definition.get("normalizer") {
        None => Ok(()),
        Some(normalizer) if pre.nfc && normalizer.get("type") == Some(&json!("NFC")) => Ok(()),
        Some(normalizer) => {
            let kind = normalizer.get("type").and_then(Value::as_str).unwrap_or("unknown");
            definition.refuse(format!("the normalizer {kind}"), "llama.cpp would not apply it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(pre_tokenizer: Value, normalizer: Value, ignore_merges: bool) -> Definition {
        let value = json!({
            "added_tokens": [{"id": 4, "content": "<|im_end|>", "special": true}, {"id": 5, "content": "note"}],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "model": {"type": "BPE", "ignore_merges": ignore_merges, "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3},
                      "merges": [["a", "b"], "Ġ a"]},
        });
        Definition { path: "tokenizer.json".into(), value }
    }

    fn split(pattern: &str) -> Value {
        let split =
            json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
        json!({"type": "Sequence", "pretokenizers": [split, bytes]})
    }

    #[test]
    fn pre_tokenizers_are_known_by_their_definition() {
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true});
        let digits = json!({"type": "Digits", "individual_digits": true});
        let cases = [
            ("gpt-2", bytes.clone(), json!(null), false),
            ("gpt-2", split(GPT2), json!(null), false),
            ("qwen2", split(QWEN2), json!({"type": "NFC"}), false),
            ("llama-bpe", split(LLAMA3), json!(null), true),
            ("smollm", json!({"type": "Sequence", "pretokenizers": [digits, bytes]}), json!(null), false),
        ];
        for (name, pre, normalizer, ignore_merges) in cases {
            let found = vocabulary(&definition(pre, normalizer, ignore_merges), 8).expect(name);
            assert_eq!((found.model, found.pre), ("gpt2", name));
        }
    }

    #[test]
    fn what_llama_cpp_would_split_otherwise_is_refused() {
        let prefix = json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true});
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true});
        let cases = [
            ("pre-tokenizer", json!(null), json!(null), false),
            ("pre-tokenizer", prefix, json!(null), false),
            ("pre-tokenizer", split(r"\w+"), json!(null), false),
            ("ignore_merges", split(QWEN2), json!(null), true),
            ("ignore_merges", split(LLAMA3), json!(null), false),
            ("normalizer Lowercase", bytes.clone(), json!({"type": "Lowercase"}), false),
            ("normalizer NFC", bytes, json!({"type": "NFC"}), false),
        ];
        for (wanted, pre, normalizer, ignore_merges) in cases {
            let Err(error) = vocabulary(&definition(pre, normalizer, ignore_merges), 8) else {
                panic!("{wanted}")
            };
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }

    #[test]
    fn rows_merges_and_types_are_complete() {
        let found = vocabulary(&definition(split(QWEN2), json!(null), false), 7).expect("a vocabulary");
        assert_eq!(found.tokens, ["a", "b", "ab", "Ġ", "<|im_end|>", "note", "[PAD6]"]);
        assert_eq!(found.types, [1, 1, 1, 1, 3, 4, 5]);
        assert_eq!(found.merges.unwrap_or_default(), ["a b", "Ġ a"]);
        assert!(vocabulary(&definition(split(QWEN2), json!(null), false), 5).is_err());
    }
}
