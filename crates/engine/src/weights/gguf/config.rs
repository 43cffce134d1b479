//! `config.json` as a GGUF file would have it: its metadata under Hugging Face's names.
//!
//! Keys and their defaults as llama.cpp reads them
//! (<https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp>). A key of the architecture that is not read
//! here is refused by name: it may change what is computed.

use serde_json::{Map, Value, json};

use super::architecture::{self, Architecture, ROPE_FREQUENCIES, ROPE_LONG, ROPE_SHORT};
use super::{GgufArray, GgufFile, GgufValue};
use crate::quantization::ggml_blocks::GgmlType;
use crate::weights::{DType, WeightsError};

/// Keys that every architecture may have, without its name. The last four do not change the result.
const COMMON: &[&str] = &[
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.attn_factor",
    "rope.scaling.original_context_length",
    "rope.scale_linear",
    "vocab_size",
    "rope.scaling.finetuned",
    "tensor_data_layout",
    "attention.causal",
];
const SLIDING: &str = "attention.sliding_window";
const PATTERN: &str = "attention.sliding_window_pattern";
/// llama.cpp's and Ollama's names for the base of layers that slide.
const LOCAL_BASE: [&str; 2] = ["rope.freq_base_swa", "rope.local.freq_base"];
const ATTENTION_CAP: &str = "attn_logit_softcapping";
const FINAL_CAP: &str = "final_logit_softcapping";

/// Layers of the models for which llama.cpp scales scores by the size of the residual stream instead of the heads'
/// (Gemma 2 27B and Gemma 3 27B): no key says so.
const GEMMA2_27B_LAYERS: u64 = 46;
const GEMMA3_27B_LAYERS: u64 = 62;

/// # Errors
/// The architecture is not known, a key (which is named) is missing, impossible or not known.
pub(in crate::weights) fn config_json(file: &GgufFile) -> Result<Value, WeightsError> {
    let architecture = architecture::of(file)?;
    let keys = Keys { file, architecture };
    let mut config = common(&keys)?;
    match architecture.name {
        "llama" => llama(&keys, &mut config)?,
        "qwen2" => keys.refuse_others(&[])?,
        "qwen3" => keys.refuse_others(&[])?,
        "gemma2" => gemma2(&keys, &mut config)?,
        "gemma3" => gemma3(&keys, &mut config)?,
        _ => phi3(&keys, &mut config)?,
    }
    if architecture.name != "phi3" {
        keys.only_whole_heads()?;
        keys.only_magnitude_1()?;
    }
    // Qwen 2 always has biases on query, key and value, and no field that says so.
    if architecture.name != "qwen2" {
        config.insert("attention_bias".into(), keys.has_tensor("blk.0.attn_q.bias").into());
    }
    Ok(Value::Object(config))
}

fn common(keys: &Keys) -> Result<Map<String, Value>, WeightsError> {
    let architecture = keys.architecture;
    let heads = keys.size("attention.head_count")?;
    let (vocab_size, dtype) = keys.embedding()?;
    let mut config = Map::new();
    let mut put = |name: &str, value: Value| config.insert(name.to_owned(), value);
    put("model_type", architecture.model_type.into());
    put("architectures", json!([architecture.class]));
    put("hidden_size", keys.size("embedding_length")?.into());
    put("intermediate_size", keys.size("feed_forward_length")?.into());
    put("num_hidden_layers", keys.size("block_count")?.into());
    put("num_attention_heads", heads.into());
    put("num_key_value_heads", keys.optional_size("attention.head_count_kv")?.unwrap_or(heads).into());
    put("head_dim", keys.head_dim()?.into());
    put("vocab_size", vocab_size.into());
    put("max_position_embeddings", keys.size("context_length")?.into());
    put("rms_norm_eps", keys.number("attention.layer_norm_rms_epsilon")?.into());
    put("rope_theta", keys.optional_number("rope.freq_base")?.unwrap_or(10_000.0).into());
    put("tie_word_embeddings", (!keys.has_tensor("output.weight")).into());
    put("torch_dtype", dtype.torch_name().into());
    if let Some(scaling) = keys.rope_scaling()? {
        put("rope_scaling", scaling);
    }
    let token = |name: &str| keys.file.get(&format!("tokenizer.ggml.{name}_token_id"))?.as_u64();
    if let Some(bos) = token("bos") {
        put("bos_token_id", bos.into());
    }
    let mut ends: Vec<u64> = [token("eos"), token("eot")].into_iter().flatten().collect();
    ends.dedup();
    if !ends.is_empty() {
        put("eos_token_id", ends.into());
    }
    if let Some(name) = hub_name(keys.file) {
        put("_name_or_path", name.into());
    }
    Ok(config)
}

/// The Hugging Face model that the file was made from, where it says so.
fn hub_name(file: &GgufFile) -> Option<String> {
    let text = |key: &str| file.get(key).and_then(GgufValue::as_str);
    let name = text("general.source.huggingface.repository").or_else(|| {
        let url = text("general.source.repo_url").or_else(|| text("general.repo_url"))?;
        url.strip_prefix("https://huggingface.co/")
    })?;
    (name.split('/').filter(|part| !part.is_empty()).count() == 2).then(|| name.to_owned())
}

fn llama(keys: &Keys, config: &mut Map<String, Value>) -> Result<(), WeightsError> {
    keys.refuse_others(&[])?;
    config.insert("mlp_bias".into(), keys.has_tensor("blk.0.ffn_up.bias").into());
    let Some(factors) = keys.factors(ROPE_FREQUENCIES)? else { return Ok(()) };
    let theta = keys.optional_number("rope.freq_base")?.unwrap_or(10_000.0);
    if 2 * factors.len() as u64 != keys.head_dim()? {
        let detail = format!("{} factors, half the size of a head was expected", factors.len());
        return Err(WeightsError::tensor(keys.file.path(), ROPE_FREQUENCIES, detail));
    }
    if config.contains_key("rope_scaling") {
        return Err(keys.wrong("rope.scaling.type", "no scaling beside the tensor rope_freqs.weight"));
    }
    config.insert("rope_scaling".into(), rope_of_factors(theta, &factors));
    Ok(())
}

/// Which scaling divides frequencies by these factors: Llama 3's with the constants of the published models, which are
/// not in the file, where it gives these very numbers; the factors themselves otherwise.
fn rope_of_factors(theta: f64, factors: &[f32]) -> Value {
    let largest = factors.iter().fold(1f32, |a, b| a.max(*b));
    let llama3 = |position: usize, context: f64| {
        let wavelength =
            std::f64::consts::TAU * theta.powf(2.0 * position as f64 / (2 * factors.len()) as f64);
        let smooth = (context / wavelength - 1.0) / 3.0;
        match context / wavelength {
            waves if waves < 1.0 => f64::from(largest),
            waves if waves > 4.0 => 1.0,
            _ => 1.0 / ((1.0 - smooth) / f64::from(largest) + smooth),
        }
    };
    // What converters make of the configuration is f32 all the way.
    let close = |wanted: f64, found: f32| (wanted / f64::from(found) - 1.0).abs() < 1e-5;
    let contexts = (5..=20).map(|power| f64::from(1 << power));
    let mut fits =
        contexts.filter(|context| factors.iter().enumerate().all(|(i, f)| close(llama3(i, *context), *f)));
    match fits.next().filter(|_| largest > 1.0) {
        Some(context) => json!({
            "rope_type": "llama3", "factor": decimal(largest), "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": context as u64,
        }),
        None => {
            let factors: Vec<f64> = factors.iter().map(|factor| decimal(*factor)).collect();
            json!({"rope_type": "longrope", "short_factor": factors, "long_factor": factors, "attention_factor": 1.0})
        }
    }
}

fn gemma2(keys: &Keys, config: &mut Map<String, Value>) -> Result<(), WeightsError> {
    keys.refuse_others(&[SLIDING, ATTENTION_CAP, FINAL_CAP])?;
    config.insert("hidden_activation".into(), "gelu_pytorch_tanh".into());
    config.insert("query_pre_attn_scalar".into(), keys.score_size(GEMMA2_27B_LAYERS)?.into());
    config.insert("sliding_window".into(), keys.optional_size(SLIDING)?.unwrap_or(4096).into());
    for (key, default) in [(ATTENTION_CAP, 50.0), (FINAL_CAP, 30.0)] {
        config.insert(key.into(), keys.optional_number(key)?.unwrap_or(default).into());
    }
    Ok(())
}

fn gemma3(keys: &Keys, config: &mut Map<String, Value>) -> Result<(), WeightsError> {
    keys.refuse_others(&[SLIDING, PATTERN, LOCAL_BASE[0], LOCAL_BASE[1], FINAL_CAP])?;
    config.insert("hidden_activation".into(), "gelu_pytorch_tanh".into());
    config.insert("query_pre_attn_scalar".into(), keys.score_size(GEMMA3_27B_LAYERS)?.into());
    config.insert("sliding_window".into(), keys.size(SLIDING)?.into());
    let local = match keys.optional_number(LOCAL_BASE[0])? {
        Some(base) => Some(base),
        None => keys.optional_number(LOCAL_BASE[1])?,
    };
    config.insert("rope_local_base_freq".into(), local.unwrap_or(10_000.0).into());
    config.insert("final_logit_softcapping".into(), keys.optional_number(FINAL_CAP)?.into());
    match keys.get(PATTERN) {
        Some(GgufValue::Array(GgufArray::Bool(slides))) => {
            let kind = |slides: &bool| if *slides { "sliding_attention" } else { "full_attention" };
            config.insert("layer_types".into(), slides.iter().map(kind).collect());
        }
        _ => {
            let pattern = keys.optional_size(PATTERN)?.unwrap_or(6);
            config.insert("sliding_window_pattern".into(), pattern.into());
        }
    }
    Ok(())
}

fn phi3(keys: &Keys, config: &mut Map<String, Value>) -> Result<(), WeightsError> {
    keys.refuse_others(&[SLIDING])?;
    // llama.cpp has 0 where there is no window.
    let window = match keys.get(SLIDING) {
        Some(value) if value.as_u64() == Some(0) => None,
        _ => keys.optional_size(SLIDING)?,
    };
    config.insert("sliding_window".into(), window.into());
    let head_dim = keys.head_dim()?;
    if let Some(rotated) = keys.optional_size("rope.dimension_count")? {
        let exact = rotated as f64 / head_dim as f64;
        let whole = (head_dim as f64 * exact) as u64 == rotated;
        config.insert("partial_rotary_factor".into(), if whole { exact } else { exact.next_up() }.into());
    }
    let (Some(short), Some(long)) = (keys.factors(ROPE_SHORT)?, keys.factors(ROPE_LONG)?) else {
        return keys.only_magnitude_1();
    };
    let decimals = |factors: Vec<f32>| factors.into_iter().map(decimal).collect::<Vec<f64>>();
    let mut scaling =
        json!({"type": "longrope", "short_factor": decimals(short), "long_factor": decimals(long)});
    let original = keys.size("rope.scaling.original_context_length")?;
    let magnitude = keys.optional_number("rope.scaling.attn_factor")?.unwrap_or(1.0);
    let stretched = keys.size("context_length")? as f64 / original as f64;
    let usual = if stretched <= 1.0 { 1.0 } else { (1.0 + stretched.ln() / (original as f64).ln()).sqrt() };
    // Left out where it follows from the contexts: what the file has of it is rounded.
    if (magnitude - usual).abs() > 1e-6 {
        scaling["attention_factor"] = magnitude.into();
    }
    config.insert("rope_scaling".into(), scaling);
    config.insert("original_max_position_embeddings".into(), original.into());
    Ok(())
}

/// The number that a person wrote: the shortest decimal that is this f32. A configuration's 1e-5 or 1.08 comes back as it
/// was, not as the f32 beside it.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// Metadata under the architecture's name.
struct Keys<'a> {
    file: &'a GgufFile,
    architecture: &'static Architecture,
}

impl<'a> Keys<'a> {
    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture.name)
    }

    fn get(&self, key: &str) -> Option<&'a GgufValue> {
        self.file.get(&self.full(key))
    }

    fn wrong(&self, key: &str, wanted: &str) -> WeightsError {
        let found = match self.get(key) {
            None => "nothing".to_owned(),
            Some(GgufValue::Array(_)) => "an array".to_owned(),
            Some(value) => format!("{value:?}"),
        };
        WeightsError::field(self.file.path(), self.full(key), format!("expected {wanted}, found {found}"))
    }

    fn size(&self, key: &str) -> Result<u64, WeightsError> {
        self.optional_size(key)?.ok_or_else(|| self.wrong(key, "a whole number above 0"))
    }

    fn optional_size(&self, key: &str) -> Result<Option<u64>, WeightsError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let size = value.as_u64().filter(|size| *size > 0);
        size.map(Some).ok_or_else(|| self.wrong(key, "a whole number above 0"))
    }

    fn number(&self, key: &str) -> Result<f64, WeightsError> {
        self.optional_number(key)?.ok_or_else(|| self.wrong(key, "a number above 0"))
    }

    fn optional_number(&self, key: &str) -> Result<Option<f64>, WeightsError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            GgufValue::F32(number) => Some(decimal(*number)),
            other => other.as_f64(),
        };
        let number = number.filter(|number| *number > 0.0 && number.is_finite());
        number.map(Some).ok_or_else(|| self.wrong(key, "a number above 0"))
    }

    fn has_tensor(&self, name: &str) -> bool {
        self.file.tensors().iter().any(|tensor| tensor.name == name)
    }

    /// Rows of the embedding, and the type of a Hugging Face folder that holds about what this file does.
    fn embedding(&self) -> Result<(u64, DType), WeightsError> {
        let name = "token_embd.weight";
        let table = self.file.tensors().iter().find(|tensor| tensor.name == name);
        let table = table.ok_or_else(|| WeightsError::TensorMissing {
            dir: self.file.path().to_path_buf(),
            name: name.to_owned(),
            available: format!("{} tensors", self.file.tensors().len()),
        })?;
        let dtype = match GgmlType::from_id(table.type_id) {
            Some(GgmlType::F32) => DType::F32,
            Some(GgmlType::BF16) => DType::BF16,
            _ => DType::F16,
        };
        Ok((table.shape[0] as u64, dtype))
    }

    fn head_dim(&self) -> Result<u64, WeightsError> {
        let key = self.optional_size("attention.key_length")?;
        let value = self.optional_size("attention.value_length")?;
        let (hidden, heads) = (self.size("embedding_length")?, self.size("attention.head_count")?);
        if key.is_none() && !hidden.is_multiple_of(heads) {
            return Err(self.wrong("attention.head_count", "a divisor of embedding_length"));
        }
        let of_key = key.unwrap_or(hidden / heads);
        if value.unwrap_or(of_key) != of_key {
            return Err(self.wrong("attention.value_length", "the same as attention.key_length"));
        }
        Ok(of_key)
    }

    /// What scores are divided by the square root of.
    fn score_size(&self, layers_of_27b: u64) -> Result<u64, WeightsError> {
        if self.size("block_count")? == layers_of_27b {
            return Ok(self.size("embedding_length")? / self.size("attention.head_count")?);
        }
        self.head_dim()
    }

    /// Positions stretched evenly; families have their own way of telling others.
    fn rope_scaling(&self) -> Result<Option<Value>, WeightsError> {
        let kind = self.get("rope.scaling.type");
        let factor = match self.optional_number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            None => self.optional_number("rope.scale_linear")?,
        };
        match (kind.and_then(GgufValue::as_str), factor) {
            (Some("none"), _) | (None | Some("longrope"), None) => Ok(None),
            (None | Some("linear"), Some(1.0)) => Ok(None),
            (None | Some("linear"), Some(factor)) => {
                Ok(Some(json!({"rope_type": "linear", "factor": factor})))
            }
            (Some("linear"), None) => Err(self.wrong("rope.scaling.factor", "a number above 0")),
            _ => Err(self.wrong("rope.scaling.type", "none or linear")),
        }
    }

    /// Refuses heads that are rotated in part.
    fn only_whole_heads(&self) -> Result<(), WeightsError> {
        match self.optional_size("rope.dimension_count")? {
            Some(rotated) if rotated != self.head_dim()? => {
                Err(self.wrong("rope.dimension_count", "the size of a head"))
            }
            _ => Ok(()),
        }
    }

    fn only_magnitude_1(&self) -> Result<(), WeightsError> {
        match self.optional_number("rope.scaling.attn_factor")? {
            Some(factor) if factor != 1.0 => Err(self.wrong("rope.scaling.attn_factor", "1")),
            _ => Ok(()),
        }
    }

    /// The values of a tensor of rotary factors, if the file has it.
    fn factors(&self, name: &str) -> Result<Option<Vec<f32>>, WeightsError> {
        if !self.has_tensor(name) {
            return Ok(None);
        }
        let factors = self.file.tensor(name)?.to_f32();
        match factors.iter().all(|factor| *factor > 0.0 && factor.is_finite()) {
            true => Ok(Some(factors)),
            false => Err(WeightsError::tensor(self.file.path(), name, "not all numbers are above 0")),
        }
    }

    /// Refuses keys of the architecture that are neither common nor `read`, unless they switch something off.
    fn refuse_others(&self, read: &[&str]) -> Result<(), WeightsError> {
        let off = |value: &GgufValue| {
            value.as_u64() == Some(0) || value.as_f64() == Some(0.0) || value.as_bool() == Some(false)
        };
        if self.get("attention.causal").is_some_and(|value| value.as_bool() == Some(false)) {
            return Err(self.wrong("attention.causal", "true"));
        }
        let prefix = self.full("");
        for (key, value) in self.file.metadata() {
            let Some(key) = key.strip_prefix(&prefix) else { continue };
            if !COMMON.contains(&key) && !read.contains(&key) && !off(value) {
                return Err(self.wrong(key, "no such key: this program does not know what it changes"));
            }
        }
        Ok(())
    }
}
