//! The JSON files beside the weights that say which tokens begin, end and pad a text.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use super::TokenizerError;

/// First line of a Git LFS pointer file (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// The bytes of a file, or `None` where it does not exist. LFS pointers are refused by name.
pub(super) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, TokenizerError> {
    match std::fs::read(path) {
        Ok(bytes) if bytes.starts_with(LFS_POINTER) => Err(TokenizerError::LfsPointer { path: path.into() }),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TokenizerError::Read { path: path.into(), source }),
    }
}

/// A JSON object, or `None` where the file does not exist.
pub(super) fn read_json(path: &Path) -> Result<Option<Value>, TokenizerError> {
    let Some(bytes) = read_optional(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| TokenizerError::Damaged { path: path.into(), problem: error.to_string() })
}

/// What the companions of `tokenizer.json` say.
#[derive(Default)]
pub(super) struct Companions {
    tokenizer_config: Option<Value>,
    special_tokens_map: Option<Value>,
    config: Option<Value>,
    generation_config: Option<Value>,
}

impl Companions {
    pub(super) fn read(model_dir: &Path) -> Result<Self, TokenizerError> {
        Ok(Self {
            tokenizer_config: read_json(&model_dir.join("tokenizer_config.json"))?,
            special_tokens_map: read_json(&model_dir.join("special_tokens_map.json"))?,
            config: read_json(&model_dir.join("config.json"))?,
            generation_config: read_json(&model_dir.join("generation_config.json"))?,
        })
    }

    /// `add_bos_token` of `tokenizer_config.json`, where it is said.
    pub(super) fn add_bos_token(&self) -> Option<bool> {
        self.tokenizer_config.as_ref()?.get("add_bos_token")?.as_bool()
    }

    /// `(id, content, special)` of `added_tokens_decoder`, ascending by id.
    pub(super) fn added_tokens(&self) -> Vec<(u32, &Value)> {
        let decoder = self.tokenizer_config.as_ref().and_then(|config| config.get("added_tokens_decoder"));
        let Some(Value::Object(decoder)) = decoder else { return Vec::new() };
        let mut tokens: Vec<(u32, &Value)> =
            decoder.iter().filter_map(|(id, token)| Some((id.parse().ok()?, token))).collect();
        tokens.sort_by_key(|(id, _)| *id);
        tokens
    }

    /// The id of `bos`, `eos` or `pad`. `tokenizer_config.json` decides where it names the token (an explicit
    /// null means none), then `special_tokens_map.json`, then the ids of `config.json` and `generation_config.json`.
    pub(super) fn special_id(&self, name: &str, lookup: impl Fn(&str) -> Option<u32>) -> Option<u32> {
        let key = format!("{name}_token");
        for file in [&self.tokenizer_config, &self.special_tokens_map] {
            if let Some(token) = file.as_ref().and_then(|file| file.get(&key)) {
                return token_content(token).and_then(&lookup);
            }
        }
        [&self.config, &self.generation_config]
            .into_iter()
            .find_map(|file| ids_at(file.as_ref(), &format!("{name}_token_id")).first().copied())
    }

    /// All ids that end an answer: `eos_token_id` of `generation_config.json` and `config.json` may be lists.
    pub(super) fn end_ids(&self) -> Vec<u32> {
        let mut ids = ids_at(self.generation_config.as_ref(), "eos_token_id");
        if ids.is_empty() {
            ids = ids_at(self.config.as_ref(), "eos_token_id");
        }
        ids
    }
}

/// A token is written as a string or as an object with `content`.
pub(super) fn token_content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

fn ids_at(file: Option<&Value>, key: &str) -> Vec<u32> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match file.and_then(|file| file.get(key)) {
        Some(Value::Array(list)) => list.iter().filter_map(id).collect(),
        Some(value) => id(value).into_iter().collect(),
        None => Vec::new(),
    }
}
