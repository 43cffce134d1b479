//! `config.json` of a Hugging Face model folder.
//!
//! Field names and defaults as in transformers' configuration classes. What only one family knows stays
//! in [`ModelConfig::raw`] for that family to read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::WeightsError;
use super::gguf::{self, GgufFile};

/// Larger than any real `config.json`, index or tokenizer file; guards against reading a weight file as JSON.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// Beyond any model: memory is set aside for these before a tensor has shown that the configuration is true.
const MAX_LAYERS: u64 = 1 << 12;
const MAX_HEAD_DIM: u64 = 1 << 14;
const MAX_POSITIONS: u64 = 1 << 24;

/// Rotary positions, as a configuration describes them.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeConfig {
    pub theta: f64,
    /// The scaling (`rope_type`, `factor`, …); `None` for plain positions.
    pub scaling: Option<Value>,
    /// The part of each head that is rotated.
    pub partial_rotary_factor: f64,
}

/// The shape of a decoder, as its folder describes it.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The file it came from, for messages.
    pub path: PathBuf,
    pub model_type: String,
    pub architectures: Vec<String>,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub rms_norm_eps: f64,
    pub rope: RopeConfig,
    /// Rotary positions of each kind of layer (`full_attention`, …), where they differ; empty otherwise.
    pub layer_ropes: BTreeMap<String, RopeConfig>,
    pub tie_word_embeddings: bool,
    pub attention_bias: bool,
    pub mlp_bias: bool,
    pub hidden_act: String,
    pub bos_token_id: Option<u32>,
    /// From `config.json`, then those that `generation_config.json` adds.
    pub eos_token_ids: Vec<u32>,
    /// `float32`, `float16`, `bfloat16`, …, from `torch_dtype` or `dtype`.
    pub torch_dtype: Option<String>,
    /// The whole file.
    pub raw: Value,
}

impl ModelConfig {
    /// Reads `config.json` of a model folder, or what the metadata of a GGUF file says in its stead.
    ///
    /// # Errors
    /// The file is missing, is not JSON, is a Git LFS pointer, or a field (which is named) is missing or impossible. A GGUF
    /// file is damaged, or of an architecture or with a key that is not known.
    pub fn open(dir: &Path) -> Result<Self, WeightsError> {
        if gguf::is_gguf(dir) {
            return Self::from_json(dir, gguf::config_json(&GgufFile::open(dir)?)?);
        }
        if !dir.exists() {
            return Err(WeightsError::NotFound { path: dir.to_path_buf() });
        }
        let path = dir.join("config.json");
        let raw = read_json_file(&path)?;
        let mut config = Self::from_json(&path, raw)?;
        let generation = dir.join("generation_config.json");
        if generation.is_file() {
            let more = read_json_file(&generation)?;
            let fields = Fields { path: &generation, map: more.as_object() };
            for id in fields.token_ids("eos_token_id")? {
                if !config.eos_token_ids.contains(&id) {
                    config.eos_token_ids.push(id);
                }
            }
        }
        Ok(config)
    }

    /// Reads a parsed `config.json`; `path` is for messages.
    ///
    /// # Errors
    /// A field (which is named) is missing or impossible.
    pub fn from_json(path: &Path, raw: Value) -> Result<Self, WeightsError> {
        let fields = Fields { path, map: raw.as_object() };
        let hidden_size = fields.size("hidden_size")?;
        let num_attention_heads = fields.size("num_attention_heads")?;
        let head_dim = match fields.size_up_to("head_dim", MAX_HEAD_DIM)? {
            Some(head_dim) => head_dim,
            None if hidden_size % num_attention_heads == 0 => hidden_size / num_attention_heads,
            None => {
                let detail = format!("{num_attention_heads} does not divide hidden_size {hidden_size}");
                return Err(WeightsError::field(path, "num_attention_heads", detail));
            }
        };
        let num_key_value_heads = fields.optional_size("num_key_value_heads")?.unwrap_or(num_attention_heads);
        if num_attention_heads % num_key_value_heads != 0 {
            let detail =
                format!("{num_key_value_heads} does not divide the {num_attention_heads} attention heads");
            return Err(WeightsError::field(path, "num_key_value_heads", detail));
        }
        let model_type = fields.text("model_type")?.ok_or_else(|| fields.missing("model_type"))?;
        let (rope, layer_ropes) = ropes(&fields)?;
        let hidden_act = match fields.text("hidden_act")? {
            Some(name) => name,
            None => fields.text("hidden_activation")?.unwrap_or_else(|| "silu".to_string()),
        };
        let torch_dtype = match fields.text("torch_dtype")? {
            Some(name) => Some(name),
            None => fields.text("dtype")?,
        };
        Ok(Self {
            path: path.to_path_buf(),
            architectures: fields.texts("architectures"),
            hidden_size,
            intermediate_size: fields.size("intermediate_size")?,
            num_hidden_layers: fields
                .size_up_to("num_hidden_layers", MAX_LAYERS)?
                .ok_or_else(|| fields.missing("num_hidden_layers"))?,
            num_attention_heads,
            num_key_value_heads,
            head_dim,
            vocab_size: fields.size("vocab_size")?,
            max_position_embeddings: fields
                .size_up_to("max_position_embeddings", MAX_POSITIONS)?
                .unwrap_or(2048),
            rms_norm_eps: fields.positive("rms_norm_eps")?.unwrap_or(1e-6),
            rope,
            layer_ropes,
            tie_word_embeddings: fields.flag("tie_word_embeddings")?.unwrap_or(ties_by_default(&model_type)),
            attention_bias: fields.flag("attention_bias")?.unwrap_or(false),
            mlp_bias: fields.flag("mlp_bias")?.unwrap_or(false),
            hidden_act,
            bos_token_id: fields.token_ids("bos_token_id")?.first().copied(),
            eos_token_ids: fields.token_ids("eos_token_id")?,
            torch_dtype: torch_dtype.map(|name| name.trim_start_matches("torch.").to_string()),
            model_type,
            raw,
        })
    }
}

/// Gemma's configuration classes tie by default, the others that have `rms_norm_eps` do not.
fn ties_by_default(model_type: &str) -> bool {
    model_type.starts_with("gemma")
}

/// transformers 5 writes `rope_parameters` with everything in it, or one such object a kind of layer; before,
/// `rope_theta` stood alone and `rope_scaling` held the rest (with `type` in its oldest form).
fn ropes(fields: &Fields) -> Result<(RopeConfig, BTreeMap<String, RopeConfig>), WeightsError> {
    let outer = RopeConfig {
        theta: fields.positive("rope_theta")?.unwrap_or(10_000.0),
        scaling: fields.get("rope_scaling").cloned().filter(is_scaled),
        partial_rotary_factor: fields.positive("partial_rotary_factor")?.unwrap_or(1.0),
    };
    let Some(parameters) = fields.get("rope_parameters") else { return Ok((outer, BTreeMap::new())) };
    let map = parameters
        .as_object()
        .ok_or_else(|| WeightsError::field(fields.path, "rope_parameters", "not an object"))?;
    if map.is_empty() || !map.values().all(Value::is_object) {
        return Ok((rope_parameters(fields.path, parameters, &outer)?, BTreeMap::new()));
    }
    let of_layers = map
        .iter()
        .map(|(kind, parameters)| Ok((kind.clone(), rope_parameters(fields.path, parameters, &outer)?)));
    let of_layers = of_layers.collect::<Result<_, WeightsError>>()?;
    Ok((outer, of_layers))
}

/// `rope_parameters`; what it leaves out stands in `outer`.
fn rope_parameters(path: &Path, parameters: &Value, outer: &RopeConfig) -> Result<RopeConfig, WeightsError> {
    let fields = Fields { path, map: parameters.as_object() };
    Ok(RopeConfig {
        theta: fields.positive("rope_theta")?.unwrap_or(outer.theta),
        scaling: Some(parameters.clone()).filter(is_scaled),
        partial_rotary_factor: fields
            .positive("partial_rotary_factor")?
            .unwrap_or(outer.partial_rotary_factor),
    })
}

/// Whether this describes more than plain positions: another type, or anything besides base and rotated part.
fn is_scaled(parameters: &Value) -> bool {
    let kind = parameters.get("rope_type").or_else(|| parameters.get("type")).and_then(Value::as_str);
    let plain = |key: &String| ["rope_theta", "partial_rotary_factor"].contains(&key.as_str());
    kind != Some("default") && parameters.as_object().is_some_and(|map| !map.keys().all(plain))
}

struct Fields<'a> {
    path: &'a Path,
    map: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    fn missing(&self, name: &str) -> WeightsError {
        WeightsError::field(self.path, name, "missing")
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> WeightsError {
        let shown: String = value.to_string().chars().take(60).collect();
        WeightsError::field(self.path, name, format!("expected {wanted}, found {shown}"))
    }

    fn size(&self, name: &str) -> Result<usize, WeightsError> {
        self.optional_size(name)?.ok_or_else(|| self.missing(name))
    }

    /// A dimension: 1 … 2³⁰, so that products of two of them cannot overflow.
    fn optional_size(&self, name: &str) -> Result<Option<usize>, WeightsError> {
        self.size_up_to(name, 1 << 30)
    }

    fn size_up_to(&self, name: &str, most: u64) -> Result<Option<usize>, WeightsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if (1..=most).contains(&number) => Ok(Some(number as usize)),
            _ => Err(self.wrong(name, &format!("a whole number from 1 to {most}"), value)),
        }
    }

    fn positive(&self, name: &str) -> Result<Option<f64>, WeightsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number > 0.0 && number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(name, "a number above 0", value)),
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, WeightsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "true or false", value))
    }

    fn text(&self, name: &str) -> Result<Option<String>, WeightsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(|text| Some(text.to_string())).ok_or_else(|| self.wrong(name, "a string", value))
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let list = self.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    }

    /// A token id or a list of them.
    fn token_ids(&self, name: &str) -> Result<Vec<u32>, WeightsError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let id = |v: &Value| {
            let number = v.as_u64().and_then(|n| u32::try_from(n).ok());
            number.ok_or_else(|| self.wrong(name, "a token id or a list of token ids", value))
        };
        match value {
            Value::Array(list) => list.iter().map(id).collect(),
            one => Ok(vec![id(one)?]),
        }
    }
}

/// Reads a JSON file of a model folder whole.
///
/// # Errors
/// Missing, too large to be JSON, a Git LFS pointer, or not JSON.
pub fn read_json_file(path: &Path) -> Result<Value, WeightsError> {
    let file = File::open(path).map_err(|error| WeightsError::io(path, error))?;
    let mut text = Vec::new();
    let limit = MAX_JSON_BYTES + 1;
    file.take(limit).read_to_end(&mut text).map_err(|error| WeightsError::io(path, error))?;
    if text.len() as u64 == limit {
        let detail = format!("larger than {} MiB", MAX_JSON_BYTES >> 20);
        return Err(WeightsError::Json { path: path.to_path_buf(), detail });
    }
    if text.starts_with(b"version https://git-lfs.github.com/spec") {
        return Err(WeightsError::LfsPointer { path: path.to_path_buf() });
    }
    serde_json::from_slice(&text)
        .map_err(|error| WeightsError::Json { path: path.to_path_buf(), detail: error.to_string() })
}
