//! What two runs must share for one to go on where the other stopped.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::events::Notice;
use super::{TrainError, TrainOptions};

/// SHA-256 of a run's data files, in hexadecimal digits.
#[derive(Default)]
pub struct Digests {
    pub data: String,
    pub held_out: Option<String>,
}

impl Digests {
    pub fn of(options: &TrainOptions) -> Result<Self, TrainError> {
        let held_out = options.evaluation.data.as_deref().map(file_sha256).transpose()?;
        Ok(Self { data: file_sha256(&options.data)?, held_out })
    }
}

fn file_sha256(path: &Path) -> Result<String, TrainError> {
    let io = |source| TrainError::Io { path: path.to_path_buf(), source };
    let mut hasher = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path).map_err(io)?, &mut hasher).map_err(io)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What decides the losses, and when a run stops: a resumed run must agree in all of it.
pub fn fingerprint(options: &TrainOptions, digests: &Digests, total_steps: u64) -> Value {
    let evaluation = digests.held_out.as_ref().map(|held_out| {
        json!({
            "data_sha256": held_out,
            "steps": options.evaluation.steps,
            "patience": options.evaluation.patience,
            "min_delta": options.evaluation.min_delta,
        })
    });
    let settings = json!({
        "data_sha256": digests.data,
        "method": options.method,
        "rank": options.rank,
        "alpha": options.alpha,
        "use_rslora": options.use_rslora,
        "layers": options.layers,
        "lora_plus_ratio": options.lora_plus_ratio,
        "dropout": options.dropout,
        "target_modules": options.target_modules,
        "total_steps": total_steps,
        "learning_rate": options.learning_rate,
        "schedule": options.schedule,
        "warmup_steps": options.warmup_steps,
        "adam_beta2": options.adam_beta2,
        "weight_decay": options.weight_decay,
        "max_grad_norm": options.max_grad_norm,
        "micro_batch_size": options.micro_batch_size,
        "gradient_accumulation_steps": options.gradient_accumulation_steps,
        "max_seq_len": options.max_seq_len,
        "precision": options.precision,
        "base_precision": options.base_precision,
        "seed": options.seed,
        "order": options.order,
        "packing": options.packing,
        "loss": options.loss,
        "long_rows": options.long_rows,
        "evaluation": evaluation,
    });
    // As it will be read back: a number may lose its last bit on the way through text.
    serde_json::from_str(&settings.to_string()).expect("what was written can be read")
}

/// A run that diverged may go on with a lower learning rate, and nothing else changed.
pub fn accept_lower_learning_rate(saved: &mut Value, asked: &Value) -> Option<Notice> {
    let rate = |settings: &Value| settings["learning_rate"].as_f64();
    let (before, now) = (rate(saved)?, rate(asked)?);
    if now >= before {
        return None;
    }
    saved["learning_rate"] = asked["learning_rate"].clone();
    let values = [("now", now), ("before", before)];
    Some(Notice {
        event: "warning",
        kind: "LearningRateLowered".to_owned(),
        params: values.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect(),
        message: format!(
            "The run goes on with a learning rate of {now} instead of {before}; from here on its losses are not those of a \
             run with either rate throughout."
        ),
    })
}

/// A setting that is not in the checkpoint is younger than it, so that it was made with the default.
pub fn first_difference(saved: &Value, asked: &Value) -> Option<String> {
    let defaults = fingerprint(&TrainOptions::new("".into(), "".into(), "".into()), &Digests::default(), 0);
    asked.as_object()?.iter().find_map(|(key, asked)| {
        let saved = saved.get(key).unwrap_or(&defaults[key]);
        (saved != asked).then(|| {
            format!("it was written with {key} = {saved}, this run asks for {asked}; use the same settings")
        })
    })
}
