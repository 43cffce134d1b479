//! Reading the fields of `adapter_config.json`, and refusing those that change the result.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{AdapterError, TargetModules};
use crate::weights::WeightsError;

pub(super) fn valid_rank(rank: u64) -> bool {
    (1..=1 << 16).contains(&rank)
}

pub(super) struct Fields<'a> {
    pub path: &'a Path,
    pub map: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    pub fn text(&self, name: &str) -> Option<String> {
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

    pub fn refuse_what_changes_the_result(&self) -> Result<(), AdapterError> {
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
        const FLAGS: [&str; 5] =
            ["fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora", "ensure_weight_tying"];
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

    pub fn rank(&self, name: &str) -> Result<Option<usize>, AdapterError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_u64() {
            Some(rank) if valid_rank(rank) => Ok(Some(rank as usize)),
            _ => Err(self.wrong(name, "a rank from 1 to 65536")),
        }
    }

    /// A share of what is dropped.
    pub fn dropout(&self, name: &str) -> Result<Option<f64>, AdapterError> {
        match self.number(name)? {
            Some(share) if !(0.0..1.0).contains(&share) => Err(self.wrong(name, "a share from 0, below 1")),
            share => Ok(share),
        }
    }

    pub fn number(&self, name: &str) -> Result<Option<f64>, AdapterError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(name, "a number")),
        }
    }

    pub fn target_modules(&self) -> Result<TargetModules, AdapterError> {
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

    pub fn layers(&self) -> Result<Option<Vec<usize>>, AdapterError> {
        let number = |v: &Value| v.as_u64().map(|n| n as usize);
        let layers = match self.get("layers_to_transform") {
            None => return Ok(None),
            Some(Value::Array(list)) => list.iter().map(number).collect(),
            Some(one) => number(one).map(|n| vec![n]),
        };
        layers.map(Some).ok_or_else(|| self.wrong("layers_to_transform", "layer numbers"))
    }

    pub fn pattern<T>(
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
