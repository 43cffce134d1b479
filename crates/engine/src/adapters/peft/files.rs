//! An adapter folder: `adapter_model.safetensors`, `adapter_config.json` and a model card.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{AdapterConfig, AdapterError, CONFIG_FILE, LoraPair};
use crate::weights::{
    DType, SafetensorsDir, TensorSpec, WeightsError, write_file_atomically, write_safetensors,
};

const KEY_PREFIX: &str = "base_model.model.";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";
/// Without `.weight`: PEFT drops it on saving.
const MAGNITUDE: &str = ".lora_magnitude_vector";

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
        write_file_atomically(&dir.join("README.md"), self.model_card(&[]).as_bytes())?;
        let mut config = serde_json::to_vec_pretty(&self.config.to_json()).unwrap_or_default();
        config.push(b'\n');
        write_file_atomically(&dir.join(CONFIG_FILE), &config)?;
        Ok(())
    }

    /// The paths of the modules that carry an adapter, sorted.
    pub fn modules(&self) -> BTreeSet<&str> {
        self.tensors.keys().filter_map(|key| module_of(key).ok()).collect()
    }

    /// What is on `module`, if its shapes are consistent.
    pub fn pair(&self, module: &str) -> Option<LoraPair<'_>> {
        let a = self.tensors.get(&format!("{module}{A}"))?;
        let b = self.tensors.get(&format!("{module}{B}"))?;
        let (&[rank, in_features], &[out_features, same]) = (a.shape.as_slice(), b.shape.as_slice()) else {
            return None;
        };
        let sizes = rank.checked_mul(in_features).zip(out_features.checked_mul(rank));
        let whole =
            rank == same && rank > 0 && in_features > 0 && sizes == Some((a.values.len(), b.values.len()));
        let scale = self.config.scale_of(module) as f32;
        let magnitude = match self.tensors.get(&format!("{module}{MAGNITUDE}")) {
            Some(magnitude) if magnitude.shape != [out_features] => return None,
            Some(magnitude) => Some(magnitude.values.as_slice()),
            None => None,
        };
        if magnitude.is_some_and(|values| values.len() != out_features) {
            return None;
        }
        let (a, b) = (a.values.as_slice(), b.values.as_slice());
        whole.then_some(LoraPair { rank, in_features, out_features, scale, a, b, magnitude })
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
                let detail = "lora_A [r, in] and lora_B [out, r] of matching shapes are both needed, and \
                              lora_magnitude_vector [out] for DoRA";
                return fail(module, detail.to_string());
            };
            if pair.magnitude.is_some() != self.config.use_dora {
                let has = if self.config.use_dora { "has no" } else { "has a" };
                let detail = format!(
                    "it {has} lora_magnitude_vector, {CONFIG_FILE} says use_dora: {}",
                    self.config.use_dora
                );
                return fail(module, detail);
            }
            let wanted = self.config.rank_of(module);
            if pair.rank != wanted {
                return fail(module, format!("its rank is {}, {CONFIG_FILE} says {wanted}", pair.rank));
            }
        }
        Ok(())
    }

    /// The model card: what the adapter is of and how it is loaded. `facts` are further rows of its table.
    pub fn model_card(&self, facts: &[(&str, &str)]) -> String {
        let base = self.config.base_model_name_or_path.as_deref().unwrap_or("unknown");
        let quoted = Value::String(base.to_string());
        let modules: BTreeSet<&str> =
            self.modules().into_iter().map(|module| module.rsplit('.').next().unwrap_or(module)).collect();
        let modules: Vec<&str> = modules.into_iter().collect();
        let kind = match (self.config.use_dora, self.config.use_rslora) {
            (false, false) => "LoRA",
            (false, true) => "rsLoRA",
            (true, false) => "DoRA",
            (true, true) => "DoRA (rank-stabilized)",
        };
        let mut rows = vec![
            ("method", kind.to_string()),
            ("rank", self.config.r.to_string()),
            ("alpha", self.config.lora_alpha.to_string()),
            ("dropout", self.config.lora_dropout.to_string()),
            ("modules", modules.join(", ")),
        ];
        if let Some(layers) = &self.config.layers_to_transform {
            rows.push(("layers", layers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")));
        }
        rows.extend(facts.iter().map(|(name, value)| (*name, value.replace(['\n', '|'], " "))));
        let rows: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
        format!(
            "---\nbase_model: {quoted}\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- lora\n- finetuneflow\n---\n\n\
             # {kind} adapter\n\n\
             An adapter for `{base}`, trained with FineTuneFlow.\n\n\
             | | |\n|---|---|\n{rows}\n\
             ```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
             model = AutoModelForCausalLM.from_pretrained({quoted})\n\
             model = PeftModel.from_pretrained(model, \"path/to/this/folder\")\n```\n"
        )
    }
}

/// The module that an adapter key belongs to, or why the key is none of ours.
fn module_of(key: &str) -> Result<&str, &'static str> {
    if let Some(module) = [A, B, MAGNITUDE].iter().find_map(|suffix| key.strip_suffix(suffix)) {
        return Ok(module);
    }
    if key.contains("lora_embedding_") {
        return Err("adapters on embeddings are not supported: merge it into its base model with PEFT first");
    }
    Err(
        "not a lora_A.weight, lora_B.weight or lora_magnitude_vector: it would be left out, so the adapter is refused",
    )
}
