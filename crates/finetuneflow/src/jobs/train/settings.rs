//! The settings of a run, stored with it, and as flags of the `train` command.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::models::Models;

/// How a run trains. Fields that a stored run does not have take the default; `None` leaves the choice to the trainer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainSettings {
    /// The base model's id.
    pub model_id: String,
    /// Of a model of the hub: the commit that the run is bound to. `None`: the one that is current.
    pub commit: Option<String>,
    /// `lora`, `dora` or `full`.
    pub method: String,
    /// Rank of the adapters.
    pub rank: u32,
    /// Adapters are scaled by alpha / rank.
    pub alpha: f64,
    /// Adapters are scaled by alpha / √rank instead.
    pub use_rslora: bool,
    /// `all-linear`, or names such as `q_proj`.
    pub target_modules: Vec<String>,
    /// `all`, `last:4`, or numbers and ranges from 0.
    pub layers: String,
    /// The learning rate of the adapters' B is that of A times this (LoRA+).
    pub lora_plus_ratio: f64,
    /// Share of an adapter's inputs that is dropped in training.
    pub dropout: f64,
    /// Times through the data.
    pub epochs: f64,
    /// Optimizer steps instead of epochs.
    pub max_steps: Option<u64>,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// `constant`, `linear` or `cosine`.
    pub schedule: String,
    /// Steps until the learning rate is reached.
    pub warmup_steps: u64,
    /// Of AdamW.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm; 0 for not at all.
    pub max_grad_norm: f64,
    /// Sequences in one forward pass.
    pub micro_batch_size: u32,
    /// Forward passes in one optimizer step.
    pub gradient_accumulation_steps: u32,
    /// Longer rows are cut; `None`: what the model can see, at most 1024.
    pub max_seq_len: Option<u32>,
    /// `f32` or `bf16`.
    pub precision: String,
    /// How the frozen base is kept: `nf4` or `q8`; `None`: as `precision`.
    pub base_precision: Option<String>,
    /// Forward passes are filled with rows, instead of taking a fixed number.
    pub packing: bool,
    /// Of adapters, order and split.
    pub seed: u64,
    /// Share of the approved examples that is held back for evaluation.
    pub eval_fraction: f64,
    /// Share of them whose whole sections are held out.
    pub held_out_fraction: f64,
    /// Steps between evaluations on the rows that are held back; 0: at the end of each epoch; `None`: no evaluation, the
    /// result is the last step's. With evaluations it is that of the lowest loss on them.
    pub eval_steps: Option<u64>,
    /// Evaluations without improvement after which the run stops; 0: never.
    pub patience: u64,
    /// Steps between checkpoints; 0 writes none.
    pub checkpoint_steps: u64,
    /// How many of the last checkpoints are kept.
    pub keep_checkpoints: u64,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            model_id: crate::models::BASE.to_owned(),
            commit: None,
            method: "lora".to_owned(),
            rank: 16,
            alpha: 32.0,
            use_rslora: false,
            target_modules: vec!["all-linear".to_owned()],
            layers: "all".to_owned(),
            lora_plus_ratio: 1.0,
            dropout: 0.0,
            epochs: 3.0,
            max_steps: None,
            learning_rate: 2e-4,
            schedule: "cosine".to_owned(),
            warmup_steps: 0,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            micro_batch_size: 4,
            gradient_accumulation_steps: 1,
            max_seq_len: None,
            precision: "f32".to_owned(),
            base_precision: None,
            packing: true,
            seed: 42,
            eval_fraction: 0.1,
            held_out_fraction: 0.0,
            eval_steps: None,
            patience: 0,
            checkpoint_steps: 20,
            keep_checkpoints: 2,
        }
    }
}

impl TrainSettings {
    /// The folder (or GGUF file) of the base model that the run is bound to.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn base_dir(&self, models: &Models) -> anyhow::Result<PathBuf> {
        models.dir_at(&self.model_id, self.commit.as_deref())
    }

    /// As flags of `train`, model, data and folder aside. `threads`: 0 for all cores; `evaluates`: there are rows to evaluate on.
    pub(super) fn arguments(&self, threads: usize, evaluates: bool) -> Vec<OsString> {
        let length = match self.max_steps {
            Some(steps) => ("--max-steps", steps.to_string()),
            None => ("--epochs", self.epochs.to_string()),
        };
        let mut flags = vec![
            length,
            ("--method", self.method.clone()),
            ("--rank", self.rank.to_string()),
            ("--alpha", self.alpha.to_string()),
            ("--target-modules", self.target_modules.join(",")),
            ("--layers", self.layers.clone()),
            ("--lora-plus-ratio", self.lora_plus_ratio.to_string()),
            ("--dropout", self.dropout.to_string()),
            ("--packing", if self.packing { "on" } else { "off" }.to_owned()),
            ("--learning-rate", self.learning_rate.to_string()),
            ("--schedule", self.schedule.clone()),
            ("--warmup-steps", self.warmup_steps.to_string()),
            ("--weight-decay", self.weight_decay.to_string()),
            ("--max-grad-norm", self.max_grad_norm.to_string()),
            ("--micro-batch-size", self.micro_batch_size.to_string()),
            ("--gradient-accumulation-steps", self.gradient_accumulation_steps.to_string()),
            ("--precision", self.precision.clone()),
            ("--seed", self.seed.to_string()),
            ("--checkpoint-steps", self.checkpoint_steps.to_string()),
            ("--keep-checkpoints", self.keep_checkpoints.to_string()),
            ("--threads", threads.to_string()),
        ];
        if let Some(length) = self.max_seq_len {
            flags.push(("--max-seq-len", length.to_string()));
        }
        if let Some(base) = &self.base_precision {
            flags.push(("--base-precision", base.clone()));
        }
        let evaluation = [("--eval-steps", self.eval_steps.unwrap_or(0)), ("--patience", self.patience)];
        let evaluation = evaluation.into_iter().filter(|(_, count)| evaluates && *count > 0);
        flags.extend(evaluation.map(|(flag, count)| (flag, count.to_string())));
        // One argument each, so that no value can be taken for a flag.
        let rslora = self.use_rslora.then(|| OsString::from("--rslora"));
        let flags = flags.into_iter().map(|(flag, value)| OsString::from(format!("{flag}={value}")));
        flags.chain(rslora).collect()
    }
}
