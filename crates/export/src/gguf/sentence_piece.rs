//! SentencePiece BPE (`tokenizer.ggml.model` = `llama`).
//!
//! Pieces, scores and types come from `tokenizer.model` where there is one, otherwise from the BPE with byte
//! fallback in `tokenizer.json` (the score of a piece is then minus the rank of the merge that makes it).
//! Format: <https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto>.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use engine::weights::WeightsError;
use serde_json::{Value, json};

use super::tokenizer::{Definition, Vocabulary, added_type, padding_token, token_type};
use crate::ExportError;

/// The score of a token that text never merges into.
const NEVER_MERGED: f32 = -1000.0;
/// The score of a row that no token uses.
const UNUSED_SCORE: f32 = -10_000.0;
/// SentencePiece writes a space as this.
const SPACE: &str = "\u{2581}";

/// One entry of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
struct Piece {
    text: String,
    score: f32,
    kind: i32,
}

pub(super) fn vocabulary(
    definition: &Definition,
    model: &Path,
    rows: usize,
) -> Result<Vocabulary, ExportError> {
    let add_space_prefix = space_prefix(definition)?;
    let path = model.join("tokenizer.model");
    let mut pieces = match fs::read(&path) {
        Ok(bytes) => {
            let pieces = read_model(&path, &bytes)?;
            check_agreement(definition, &path, &pieces)?;
            pieces
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => from_definition(definition, rows)?,
        Err(error) => return Err(ExportError::io(&path, error)),
    };
    if pieces.len() > rows {
        let detail = format!("it has {} pieces, the model's vocab_size is {rows}", pieces.len());
        return definition.refuse("the tokenizer", detail);
    }
    let padding = |row| Piece { text: padding_token(row), score: UNUSED_SCORE, kind: token_type::UNUSED };
    pieces.extend((pieces.len()..rows).map(padding));
    for (id, content, special) in definition.added_tokens() {
        let Some(piece) = pieces.get_mut(id) else {
            return definition
                .refuse(format!("token {content:?}"), format!("its id {id} is no row of the embedding"));
        };
        let named_already =
            piece.text == content && matches!(piece.kind, token_type::CONTROL | token_type::UNKNOWN);
        if !named_already {
            let kind = added_type(content, special);
            let text =
                if kind == token_type::CONTROL { content.to_string() } else { content.replace(SPACE, " ") };
            *piece = Piece { text, score: NEVER_MERGED, kind };
        }
    }
    let unknown = pieces.iter().position(|piece| piece.kind == token_type::UNKNOWN);
    Ok(Vocabulary {
        model: "llama",
        pre: "default",
        types: pieces.iter().map(|piece| piece.kind).collect(),
        scores: Some(pieces.iter().map(|piece| piece.score).collect()),
        tokens: pieces.into_iter().map(|piece| piece.text).collect(),
        merges: None,
        unknown_token_id: unknown.and_then(|id| u32::try_from(id).ok()),
        add_space_prefix: Some(add_space_prefix),
    })
}

/// Whether text gets a space in front. Refuses definitions that do more than SentencePiece does.
fn space_prefix(definition: &Definition) -> Result<bool, ExportError> {
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE});
    let prepend = json!({"type": "Prepend", "prepend": SPACE});
    let metaspace = |step: &Value| {
        (step.get("type") == Some(&json!("Metaspace"))).then(|| {
            let scheme = step.get("prepend_scheme").and_then(Value::as_str);
            let always = step.get("add_prefix_space").and_then(Value::as_bool).unwrap_or(true);
            scheme.map_or(always, |scheme| scheme != "never")
        })
    };
    let normalizer = definition.get("normalizer");
    let steps: Vec<&Value> = match normalizer.and_then(|n| n.get("normalizers")).and_then(Value::as_array) {
        Some(steps) => steps.iter().collect(),
        None => normalizer.into_iter().collect(),
    };
    let found = match (steps.as_slice(), definition.get("pre_tokenizer")) {
        ([first, second], None) if **first == prepend && **second == replace => Some(true),
        ([only], None) if **only == replace => Some(false),
        // Gemma's: after the replacement there is no space to split at.
        ([only], Some(split)) if **only == replace && splits_at_spaces(split) => Some(false),
        ([], Some(step)) => metaspace(step),
        _ => None,
    };
    let detail = "it is not SentencePiece's, which is what llama.cpp would apply";
    found.map_or_else(|| definition.refuse("the normalizer or pre-tokenizer", detail), Ok)
}

fn splits_at_spaces(step: &Value) -> bool {
    step.get("type") == Some(&json!("Split")) && step.get("pattern") == Some(&json!({"String": " "}))
}

/// `tokenizer.json` is what the model was trained with here: `tokenizer.model` must say the same.
fn check_agreement(definition: &Definition, path: &Path, pieces: &[Piece]) -> Result<(), ExportError> {
    let vocab = definition.vocab()?;
    for (id, piece) in pieces.iter().enumerate() {
        if vocab.get(&piece.text).and_then(Value::as_u64) != Some(id as u64) {
            let detail = format!("{} has {:?} as token {id}", path.display(), piece.text);
            return definition.refuse("a vocabulary that differs from tokenizer.model", detail);
        }
    }
    Ok(())
}

fn from_definition(definition: &Definition, rows: usize) -> Result<Vec<Piece>, ExportError> {
    let mut ranks = HashMap::new();
    for (rank, (left, right)) in definition.merges()?.into_iter().enumerate() {
        ranks.entry(format!("{left}{right}")).or_insert(rank);
    }
    let unknown = definition.model("unk_token").and_then(Value::as_str);
    let mut pieces: Vec<Piece> = Vec::new();
    for (text, id) in definition.vocab()? {
        let Some(id) = id.as_u64().and_then(|id| usize::try_from(id).ok()).filter(|id| *id < rows) else {
            return definition
                .refuse(format!("token {text:?}"), format!("its id {id} is no row of the embedding"));
        };
        while pieces.len() <= id {
            let row = pieces.len();
            pieces.push(Piece { text: padding_token(row), score: UNUSED_SCORE, kind: token_type::UNUSED });
        }
        let kind = match text {
            text if Some(text.as_str()) == unknown => token_type::UNKNOWN,
            text if is_byte(text) => token_type::BYTE,
            _ => token_type::NORMAL,
        };
        let rank = ranks.get(text.as_str()).map(|rank| -(*rank as f32));
        let score = if kind == token_type::NORMAL { rank.unwrap_or(-(ranks.len() as f32)) } else { 0.0 };
        pieces[id] = Piece { text: text.clone(), score, kind };
    }
    Ok(pieces)
}

/// `<0x00>` … `<0xFF>`.
fn is_byte(text: &str) -> bool {
    text.strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'))
        .is_some_and(|hex| hex.len() == 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Reads the pieces of a SentencePiece model: field 1 of the message, each with text, score and type.
fn read_model(path: &Path, bytes: &[u8]) -> Result<Vec<Piece>, ExportError> {
    let damaged = || -> ExportError {
        let detail = "it is no SentencePiece model".to_string();
        WeightsError::Header { path: path.to_path_buf(), detail }.into()
    };
    let mut pieces = Vec::new();
    for field in Fields(bytes) {
        if let (1, Content::Bytes(message)) = field.ok_or_else(damaged)? {
            pieces.push(read_piece(message).ok_or_else(damaged)?);
        }
    }
    if pieces.is_empty() { Err(damaged()) } else { Ok(pieces) }
}

fn read_piece(message: &[u8]) -> Option<Piece> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: token_type::NORMAL };
    for field in Fields(message) {
        match field? {
            (1, Content::Bytes(text)) => piece.text = String::from_utf8(text.to_vec()).ok()?,
            (2, Content::Four(bytes)) => piece.score = f32::from_le_bytes(bytes),
            (3, Content::Number(kind @ 1..=6)) => piece.kind = kind as i32,
            (3, _) => return None,
            _ => {}
        }
    }
    Some(piece)
}

/// The fields of a protobuf message (<https://protobuf.dev/programming-guides/encoding/>); `None` ends a damaged one.
struct Fields<'a>(&'a [u8]);

enum Content<'a> {
    Number(u64),
    Four([u8; 4]),
    Eight,
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Content<'a>)> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Content::Number(self.varint()?),
            1 => self.take(8).map(|_| Content::Eight)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Content::Bytes(self.take(length)?)
            }
            5 => Content::Four(self.take(4)?.try_into().ok()?),
            _ => return None,
        };
        Some((tag >> 3, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Content<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Definition {
        let value = json!({
            "added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": SPACE},
                {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]},
            "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
                "vocab": {"<unk>": 0, "<s>": 1, "<0x0A>": 2, "\u{2581}": 3, "t": 4, "\u{2581}t": 5},
                "merges": ["\u{2581} t"]},
        });
        Definition { path: "tokenizer.json".into(), value }
    }

    #[test]
    fn scores_follow_the_merges_where_there_is_no_model_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let found = vocabulary(&definition(), folder.path(), 7).expect("a vocabulary");
        assert_eq!(found.types, [2, 3, 6, 1, 1, 1, 5]);
        assert_eq!(found.scores.unwrap_or_default(), [0.0, NEVER_MERGED, 0.0, -1.0, -1.0, 0.0, UNUSED_SCORE]);
        assert_eq!((found.unknown_token_id, found.add_space_prefix), (Some(0), Some(true)));
    }

    #[test]
    fn damaged_model_files_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let long = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let cases: [&[u8]; 6] =
            [b"", b"\x0a", b"\x0a\x7fxx", &long, b"version https://git-lfs.github.com/spec/v1", &[0xff; 64]];
        for bytes in cases {
            fs::write(folder.path().join("tokenizer.model"), bytes).expect("written");
            assert!(vocabulary(&definition(), folder.path(), 7).is_err(), "{bytes:?}");
        }
        fs::write(folder.path().join("tokenizer.model"), b"\x0a\x03\x0a\x01x").expect("written");
        let Err(error) = vocabulary(&definition(), folder.path(), 7) else { panic!("another vocabulary") };
        assert!(error.to_string().contains("differs"), "{error}");
    }
}
