//! `adapter_config.json`: what an adapter is.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::fields::{Fields, valid_rank};
use super::{AdapterError, CONFIG_FILE};
use crate::weights::{WeightsError, read_json_file};

/// Which modules carry an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetModules {
    /// Every linear layer but the output head; PEFT's `"all-linear"`.
    AllLinear,
    /// Module names as PEFT matches them: `q_proj` is every module whose path ends in `.q_proj`.
    Names(Vec<String>),
    /// A regular expression that an adapter of others came with; its tensors say what it matched.
    Pattern(String),
}

/// `adapter_config.json`. Fields as in PEFT's `LoraConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterConfig {
    pub r: usize,
    pub lora_alpha: f64,
    pub lora_dropout: f64,
    pub target_modules: TargetModules,
    /// Scale `alpha/√r` in place of `alpha/r`.
    pub use_rslora: bool,
    /// Rows of the adapted weight have trained norms (DoRA).
    pub use_dora: bool,
    /// Always `none` on reading.
    pub bias: String,
    pub task_type: Option<String>,
    pub base_model_name_or_path: Option<String>,
    pub revision: Option<String>,
    /// Layers that carry adapters; `None` is all of them.
    pub layers_to_transform: Option<Vec<usize>>,
    /// Other ranks for modules whose path ends in the key.
    pub rank_pattern: BTreeMap<String, usize>,
    /// Other alphas for modules whose path ends in the key.
    pub alpha_pattern: BTreeMap<String, f64>,
}

impl AdapterConfig {
    /// A plain LoRA configuration for causal language modelling.
    pub fn new(r: usize, lora_alpha: f64, target_modules: TargetModules) -> Self {
        Self {
            r,
            lora_alpha,
            lora_dropout: 0.0,
            target_modules,
            use_rslora: false,
            use_dora: false,
            bias: "none".to_string(),
            task_type: Some("CAUSAL_LM".to_string()),
            base_model_name_or_path: None,
            revision: None,
            layers_to_transform: None,
            rank_pattern: BTreeMap::new(),
            alpha_pattern: BTreeMap::new(),
        }
    }

    /// Reads `adapter_config.json` of an adapter folder.
    ///
    /// # Errors
    /// The file is missing or not JSON, or a field is impossible or not supported (named).
    pub fn read(dir: &Path) -> Result<Self, AdapterError> {
        if !dir.exists() {
            return Err(WeightsError::NotFound { path: dir.to_path_buf() }.into());
        }
        let path = dir.join(CONFIG_FILE);
        let value = read_json_file(&path)?;
        let map = value
            .as_object()
            .ok_or_else(|| WeightsError::Json { path: path.clone(), detail: "not an object".to_string() })?;
        let fields = Fields { path: &path, map };
        fields.refuse_what_changes_the_result()?;
        Ok(Self {
            r: fields.rank("r")?.unwrap_or(8),
            lora_alpha: fields.number("lora_alpha")?.unwrap_or(8.0),
            lora_dropout: fields.dropout("lora_dropout")?.unwrap_or(0.0),
            target_modules: fields.target_modules()?,
            use_rslora: fields.is_true("use_rslora"),
            use_dora: fields.is_true("use_dora"),
            bias: "none".to_string(),
            task_type: fields.text("task_type"),
            base_model_name_or_path: fields.text("base_model_name_or_path"),
            revision: fields.text("revision"),
            layers_to_transform: fields.layers()?,
            rank_pattern: fields
                .pattern("rank_pattern", |v| v.as_u64().filter(|n| valid_rank(*n)).map(|n| n as usize))?,
            alpha_pattern: fields.pattern("alpha_pattern", |v| v.as_f64().filter(|n| n.is_finite()))?,
        })
    }

    /// The rank of the adapter on `module` (a path like `model.layers.0.self_attn.q_proj`).
    pub fn rank_of(&self, module: &str) -> usize {
        matching(&self.rank_pattern, module).unwrap_or(self.r)
    }

    /// The alpha of the adapter on `module`.
    pub fn alpha_of(&self, module: &str) -> f64 {
        matching(&self.alpha_pattern, module).unwrap_or(self.lora_alpha)
    }

    /// What `B·A` is multiplied by on `module`: `alpha/r`, or `alpha/√r` with rsLoRA.
    pub fn scale_of(&self, module: &str) -> f64 {
        let rank = self.rank_of(module) as f64;
        self.alpha_of(module) / if self.use_rslora { rank.sqrt() } else { rank }
    }

    /// The file's content, with the keys that every PEFT version knows.
    pub fn to_json(&self) -> Value {
        let targets = match &self.target_modules {
            TargetModules::AllLinear => json!("all-linear"),
            TargetModules::Names(names) => json!(names),
            TargetModules::Pattern(pattern) => json!(pattern),
        };
        let alphas: Map<String, Value> =
            self.alpha_pattern.iter().map(|(key, alpha)| (key.clone(), whole_or_fraction(*alpha))).collect();
        json!({
            "peft_type": "LORA", "task_type": self.task_type,
            "base_model_name_or_path": self.base_model_name_or_path, "revision": self.revision,
            "r": self.r, "lora_alpha": whole_or_fraction(self.lora_alpha), "lora_dropout": self.lora_dropout,
            "target_modules": targets, "bias": self.bias, "use_dora": self.use_dora,
            "use_rslora": self.use_rslora, "fan_in_fan_out": false, "init_lora_weights": true,
            "inference_mode": true, "modules_to_save": null, "layers_to_transform": self.layers_to_transform,
            "layers_pattern": null, "rank_pattern": self.rank_pattern, "alpha_pattern": alphas,
            "auto_mapping": null, "layer_replication": null, "loftq_config": {}, "megatron_config": null,
            "megatron_core": "megatron.core",
        })
    }
}

/// PEFT types `lora_alpha` as an integer: a whole number is written as one.
fn whole_or_fraction(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// PEFT takes the first key that equals the module's path or ends it after a dot.
fn matching<T: Copy>(patterns: &BTreeMap<String, T>, module: &str) -> Option<T> {
    let fits =
        |key: &str| module.strip_suffix(key).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    patterns.iter().find(|(key, _)| fits(key)).map(|(_, value)| *value)
}
