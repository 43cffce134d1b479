//! LoRA adapters on disk, in Hugging Face PEFT's names and files.
//!
//! `adapter_config.json` and `adapter_model.safetensors` with keys
//! `base_model.model.{module}.lora_A.weight` `[r, in]` and `….lora_B.weight` `[out, r]`. What would change
//! the result and is not supported is refused by name; what is harmless is ignored.
//! Format: <https://huggingface.co/docs/peft/developer_guides/checkpoint>.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::weights::{
    DType, SafetensorsDir, TensorSpec, WeightsError, read_json_file, write_file_atomically, write_safetensors,
};

const KEY_PREFIX: &str = "base_model.model.";
const CONFIG_FILE: &str = "adapter_config.json";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// What can be wrong with an adapter folder.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file is missing, damaged or cannot be written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A setting that would change the result and is not supported.
    #[error("{path}: {field} is not supported: {detail}")]
    Unsupported { path: PathBuf, field: String, detail: String },
    /// Keys or shapes that do not make LoRA pairs.
    #[error("{path}: tensor {tensor}: {detail}")]
    Tensor { path: PathBuf, tensor: String, detail: String },
    /// The adapter does not belong to this base model.
    #[error("the adapter does not fit the model: {module}: {detail}")]
    Mismatch { module: String, detail: String },
}

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
    /// Always false on reading: DoRA adapters are refused.
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
            lora_dropout: fields.number("lora_dropout")?.unwrap_or(0.0),
            target_modules: fields.target_modules()?,
            use_rslora: fields.is_true("use_rslora"),
            use_dora: false,
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

fn valid_rank(rank: u64) -> bool {
    (1..=1 << 16).contains(&rank)
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

struct Fields<'a> {
    path: &'a Path,
    map: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Value::as_str).map(str::to_string)
    }

    fn unsupported(&self, field: &str, detail: impl Into<String>) -> AdapterError {
        AdapterError::Unsupported {
            path: self.path.to_path_buf(),
            field: field.to_string(),
            detail: detail.into(),
        }
    }

    fn wrong(&self, field: &str, wanted: &str) -> AdapterError {
        let shown: String = self.map[field].to_string().chars().take(60).collect();
        let detail = format!("expected {wanted}, found {shown}");
        WeightsError::Field { path: self.path.to_path_buf(), field: field.to_string(), detail }.into()
    }

    fn refuse_what_changes_the_result(&self) -> Result<(), AdapterError> {
        let kind = self.text("peft_type").unwrap_or_default();
        if kind != "LORA" {
            return Err(self.unsupported("peft_type", format!("{kind:?}; only LORA adapters are read")));
        }
        if let Some(task) = self.text("task_type").filter(|task| task != "CAUSAL_LM") {
            return Err(self.unsupported("task_type", format!("{task:?}; only CAUSAL_LM adapters are read")));
        }
        if let Some(bias) = self.get("bias").filter(|bias| *bias != &json!("none")) {
            return Err(self.unsupported("bias", format!("{bias}; only \"none\" is")));
        }
        const FLAGS: [&str; 6] =
            ["use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora", "ensure_weight_tying"];
        if let Some(flag) = FLAGS.into_iter().find(|flag| self.is_true(flag)) {
            return Err(self.unsupported(flag, "merge the adapter into its base model with PEFT first"));
        }
        const MUST_BE_EMPTY: [&str; 11] = [
            "modules_to_save",
            "layer_replication",
            "target_parameters",
            "trainable_token_indices",
            "alora_invocation_tokens",
            "arrow_config",
            "kasa_config",
            "velora_config",
            "monteclora_config",
            "use_bdlora",
            "megatron_config",
        ];
        let filled = |name: &&str| match self.get(name) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            Some(_) => true,
        };
        if let Some(name) = MUST_BE_EMPTY.into_iter().find(filled) {
            return Err(self.unsupported(name, "merge the adapter into its base model with PEFT first"));
        }
        // These initialisations also change the base's own weights, so the adapter alone is not the result.
        let init = self.text("init_lora_weights").unwrap_or_default();
        if ["pissa", "olora", "corda", "loftq", "lora_ga"].iter().any(|name| init.starts_with(name)) {
            return Err(
                self.unsupported("init_lora_weights", format!("{init:?} changes the base model's weights"))
            );
        }
        Ok(())
    }

    fn rank(&self, name: &str) -> Result<Option<usize>, AdapterError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_u64() {
            Some(rank) if valid_rank(rank) => Ok(Some(rank as usize)),
            _ => Err(self.wrong(name, "a rank from 1 to 65536")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<f64>, AdapterError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(name, "a number")),
        }
    }

    fn target_modules(&self) -> Result<TargetModules, AdapterError> {
        match self.get("target_modules") {
            None => Err(WeightsError::field(self.path, "target_modules", "missing").into()),
            Some(Value::String(text)) if text == "all-linear" => Ok(TargetModules::AllLinear),
            Some(Value::String(text)) => Ok(TargetModules::Pattern(text.clone())),
            Some(Value::Array(list)) => {
                let names: Option<Vec<String>> =
                    list.iter().map(|v| v.as_str().map(str::to_string)).collect();
                names.map(TargetModules::Names).ok_or_else(|| self.wrong("target_modules", "module names"))
            }
            Some(_) => Err(self.wrong("target_modules", "module names or \"all-linear\"")),
        }
    }

    fn layers(&self) -> Result<Option<Vec<usize>>, AdapterError> {
        let number = |v: &Value| v.as_u64().map(|n| n as usize);
        let layers = match self.get("layers_to_transform") {
            None => return Ok(None),
            Some(Value::Array(list)) => list.iter().map(number).collect(),
            Some(one) => number(one).map(|n| vec![n]),
        };
        layers.map(Some).ok_or_else(|| self.wrong("layers_to_transform", "layer numbers"))
    }

    fn pattern<T>(
        &self,
        name: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, AdapterError> {
        let Some(value) = self.get(name) else { return Ok(BTreeMap::new()) };
        let map = value.as_object().ok_or_else(|| self.wrong(name, "an object"))?;
        let mut patterns = BTreeMap::new();
        for (key, value) in map {
            if key.contains(['^', '$', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '\\']) {
                return Err(
                    self.unsupported(name, format!("the regular expression {key:?}; only plain names are"))
                );
            }
            let parsed = parse(value).ok_or_else(|| self.wrong(name, "an object of numbers"))?;
            patterns.insert(key.clone(), parsed);
        }
        Ok(patterns)
    }
}

/// One tensor of an adapter, row-major f32.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// An adapter in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    pub config: AdapterConfig,
    /// By key without PEFT's prefix: `model.layers.0.self_attn.q_proj.lora_A.weight`.
    pub tensors: BTreeMap<String, AdapterTensor>,
}

/// The two matrices on one module: `ΔW = scale · b · a`.
#[derive(Debug, Clone, Copy)]
pub struct LoraPair<'a> {
    pub rank: usize,
    pub in_features: usize,
    pub out_features: usize,
    pub scale: f32,
    /// `[rank, in_features]`
    pub a: &'a [f32],
    /// `[out_features, rank]`
    pub b: &'a [f32],
}

impl LoraPair<'_> {
    /// Adds `scale · b · a` to `weight` `[out_features, in_features]`, in f32, in a fixed order of additions.
    ///
    /// # Panics
    /// When `weight` has another length.
    pub fn add_to(&self, weight: &mut [f32]) {
        assert_eq!(weight.len(), self.in_features * self.out_features, "the weight's shape was checked");
        weight.par_chunks_mut(self.in_features).zip(self.b.par_chunks(self.rank)).for_each(|(row, b)| {
            let mut delta = vec![0f32; self.in_features];
            for (factor, a) in b.iter().zip(self.a.chunks_exact(self.in_features)) {
                delta.iter_mut().zip(a).for_each(|(sum, x)| *sum += factor * x);
            }
            row.iter_mut().zip(&delta).for_each(|(w, d)| *w += self.scale * d);
        });
    }
}

impl Adapter {
    /// Reads an adapter folder.
    ///
    /// # Errors
    /// Names the file and the field or tensor: missing, damaged, pickle, not supported, shapes that do not
    /// fit the configured ranks, values that are not finite.
    pub fn read(dir: &Path) -> Result<Self, AdapterError> {
        let config = AdapterConfig::read(dir)?;
        let path = dir.join(WEIGHTS_FILE);
        let pickle = dir.join("adapter_model.bin");
        if !path.is_file() && pickle.is_file() {
            return Err(WeightsError::Pickle { path: pickle }.into());
        }
        let file = SafetensorsDir::open_file(&path)?;
        let mut tensors = BTreeMap::new();
        for name in file.names() {
            let refuse = |detail: &str| AdapterError::Tensor {
                path: path.clone(),
                tensor: name.to_string(),
                detail: detail.to_string(),
            };
            let key = name
                .strip_prefix(KEY_PREFIX)
                .ok_or_else(|| refuse("its name does not start with base_model.model. as PEFT's do"))?;
            module_of(key).map_err(refuse)?;
            let view = file.tensor(name)?;
            let values = view.to_f32();
            if values.iter().any(|value| !value.is_finite()) {
                return Err(refuse(
                    "it holds values that are not finite: the training that made it diverged",
                ));
            }
            tensors.insert(key.to_string(), AdapterTensor { shape: view.shape.to_vec(), values });
        }
        let adapter = Self { config, tensors };
        adapter.check(&path)?;
        Ok(adapter)
    }

    /// Writes `adapter_model.safetensors` (f32), `README.md` and `adapter_config.json` into `dir`, which is created.
    ///
    /// # Errors
    /// Tensors that make no pairs of the configured ranks, or what the disk reports.
    pub fn write(&self, dir: &Path) -> Result<(), AdapterError> {
        fs::create_dir_all(dir).map_err(|error| WeightsError::io(dir, error))?;
        let path = dir.join(WEIGHTS_FILE);
        self.check(&path)?;
        let specs: Vec<TensorSpec> = self
            .tensors
            .iter()
            .map(|(key, t)| TensorSpec {
                name: format!("{KEY_PREFIX}{key}"),
                dtype: DType::F32,
                shape: t.shape.clone(),
            })
            .collect();
        let values: Vec<&[f32]> = self.tensors.values().map(|t| t.values.as_slice()).collect();
        write_safetensors::<WeightsError>(&path, &[("format", "pt")], &specs, |index, bytes| {
            DType::F32.encode(values[index], bytes);
            Ok(())
        })?;
        write_file_atomically(&dir.join("README.md"), self.model_card().as_bytes())?;
        let mut config = serde_json::to_vec_pretty(&self.config.to_json()).unwrap_or_default();
        config.push(b'\n');
        write_file_atomically(&dir.join(CONFIG_FILE), &config)?;
        Ok(())
    }

    /// The paths of the modules that carry an adapter, sorted.
    pub fn modules(&self) -> BTreeSet<&str> {
        self.tensors.keys().filter_map(|key| module_of(key).ok()).collect()
    }

    /// The pair on `module`, if it has one of consistent shapes.
    pub fn pair(&self, module: &str) -> Option<LoraPair<'_>> {
        let a = self.tensors.get(&format!("{module}.lora_A.weight"))?;
        let b = self.tensors.get(&format!("{module}.lora_B.weight"))?;
        let (&[rank, in_features], &[out_features, same]) = (a.shape.as_slice(), b.shape.as_slice()) else {
            return None;
        };
        let sizes = rank.checked_mul(in_features).zip(out_features.checked_mul(rank));
        let whole =
            rank == same && rank > 0 && in_features > 0 && sizes == Some((a.values.len(), b.values.len()));
        let scale = self.config.scale_of(module) as f32;
        whole.then_some(LoraPair { rank, in_features, out_features, scale, a: &a.values, b: &b.values })
    }

    /// Adds the adapter on `module`, if there is one, to its weight `[out, in]`. Says whether there was one.
    ///
    /// # Errors
    /// The weight has another shape than the pair.
    pub fn merge_into(
        &self,
        module: &str,
        shape: &[usize],
        weight: &mut [f32],
    ) -> Result<bool, AdapterError> {
        let Some(pair) = self.pair(module) else { return Ok(false) };
        if shape != [pair.out_features, pair.in_features]
            || weight.len() != pair.out_features * pair.in_features
        {
            let detail = format!(
                "its weight has shape {shape:?}, the adapter is for [{}, {}]",
                pair.out_features, pair.in_features
            );
            return Err(AdapterError::Mismatch { module: module.to_string(), detail });
        }
        pair.add_to(weight);
        Ok(true)
    }

    fn check(&self, path: &Path) -> Result<(), AdapterError> {
        let fail = |tensor: &str, detail: String| {
            Err(AdapterError::Tensor { path: path.to_path_buf(), tensor: tensor.to_string(), detail })
        };
        if self.tensors.is_empty() {
            return fail("lora_A", "the adapter has no tensors".to_string());
        }
        for key in self.tensors.keys() {
            if let Err(detail) = module_of(key) {
                return fail(key, detail.to_string());
            }
        }
        for module in self.modules() {
            let Some(pair) = self.pair(module) else {
                let detail =
                    "lora_A [r, in] and lora_B [out, r] of matching shapes are both needed".to_string();
                return fail(module, detail);
            };
            let wanted = self.config.rank_of(module);
            if pair.rank != wanted {
                return fail(module, format!("its rank is {}, {CONFIG_FILE} says {wanted}", pair.rank));
            }
        }
        Ok(())
    }

    fn model_card(&self) -> String {
        let base = self.config.base_model_name_or_path.as_deref().unwrap_or("unknown");
        let quoted = Value::String(base.to_string());
        let modules: BTreeSet<&str> =
            self.modules().into_iter().map(|module| module.rsplit('.').next().unwrap_or(module)).collect();
        let modules: Vec<&str> = modules.into_iter().collect();
        let kind = if self.config.use_rslora { "rsLoRA" } else { "LoRA" };
        format!(
            "---\nbase_model: {quoted}\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- lora\n- finetuneflow\n---\n\n\
             # {kind} adapter\n\n\
             An adapter for `{base}`, trained with FineTuneFlow.\n\n\
             | | |\n|---|---|\n| rank | {} |\n| alpha | {} |\n| modules | {} |\n\n\
             ```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
             model = AutoModelForCausalLM.from_pretrained({quoted})\n\
             model = PeftModel.from_pretrained(model, \"path/to/this/folder\")\n```\n",
            self.config.r,
            self.config.lora_alpha,
            modules.join(", "),
        )
    }
}

/// The module that an adapter key belongs to, or why the key is none of ours.
fn module_of(key: &str) -> Result<&str, &'static str> {
    if let Some(module) = key.strip_suffix(".lora_A.weight").or_else(|| key.strip_suffix(".lora_B.weight")) {
        return Ok(module);
    }
    if key.contains("lora_magnitude_vector") {
        return Err("DoRA adapters are not supported: merge it into its base model with PEFT first");
    }
    if key.contains("lora_embedding_") {
        return Err("adapters on embeddings are not supported: merge it into its base model with PEFT first");
    }
    Err("not a lora_A.weight or lora_B.weight: it would be left out, so the adapter is refused")
}
