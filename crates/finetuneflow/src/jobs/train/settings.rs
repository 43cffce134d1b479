//! The settings of a run, stored with it, and as flags of the `train` command.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

/// How a run trains. Fields that a stored run does not have take the default; `None` leaves the choice to the trainer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainSettings {
    /// The base model's id.
    pub model_id: String,
    /// `lora` or `full`.
    pub method: String,
    /// Rank of the adapters.
    pub rank: u32,
    /// Adapters are scaled by alpha / rank.
    pub alpha: f64,
    /// `all-linear`, or names such as `q_proj`.
    pub target_modules: Vec<String>,
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
    /// Of adapters, order and split.
    pub seed: u64,
    /// Share of the approved examples that is held back for evaluation.
    pub eval_fraction: f64,
    /// Share of them whose whole sections are held out.
    pub held_out_fraction: f64,
    /// Steps between checkpoints; 0 writes none.
    pub checkpoint_steps: u64,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            model_id: crate::models::BASE.to_owned(),
            method: "lora".to_owned(),
            rank: 16,
            alpha: 32.0,
            target_modules: vec!["all-linear".to_owned()],
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
            seed: 42,
            eval_fraction: 0.1,
            held_out_fraction: 0.0,
            checkpoint_steps: 20,
        }
    }
}

impl TrainSettings {
    /// As flags of `train`, model, data and folder aside. `threads`: 0 for all cores.
    pub(super) fn arguments(&self, threads: usize) -> Vec<OsString> {
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
            ("--threads", threads.to_string()),
        ];
        if let Some(length) = self.max_seq_len {
            flags.push(("--max-seq-len", length.to_string()));
        }
        // One argument each, so that no value can be taken for a flag.
        flags.into_iter().map(|(flag, value)| OsString::from(format!("{flag}={value}"))).collect()
    }
}
