//! What a run tells while it goes, and at its end.

use std::path::PathBuf;

use serde::Serialize;

use super::evaluate::Evaluation;
use super::memory_plan::MemoryPlan;
use super::options::Method;
use crate::models::activations::Recompute;

/// What a run tells while it goes. As JSON, only steps have both `step` and `loss`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TrainEvent {
    Started(Box<Started>),
    Warning(Notice),
    Step(StepReport),
    Evaluation(EvaluationReport),
    Checkpoint { event: &'static str, at_step: u64, path: PathBuf },
    StoppedEarly { event: &'static str, at_step: u64, best_step: u64, message: String },
}

/// What should be seen of a run's precision, data or settings.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// `warning`.
    pub event: &'static str,
    /// For programs: of [`crate::batching::WarningKind`], `Precision` or `LearningRateLowered`.
    pub kind: String,
    /// The values of the message.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// One sentence or two.
    pub message: String,
}

/// Once, before the first step.
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    pub event: &'static str,
    pub total_steps: u64,
    /// Steps already done by the run that this one goes on with.
    pub resumed_steps: u64,
    pub rows: usize,
    pub row_tokens: usize,
    /// Rows of the file that were cut, split into several, and left out.
    pub truncated_rows: usize,
    pub split_rows: usize,
    pub dropped_rows: usize,
    /// Rows that are measured during the run; 0 without evaluation data.
    pub eval_rows: usize,
    pub trainable_parameters: usize,
    pub total_parameters: usize,
    pub device: String,
    pub micro_batch_size: usize,
    pub gradient_accumulation_steps: usize,
    pub max_seq_len: usize,
    /// What was chosen.
    pub recompute: Recompute,
    pub plan: MemoryPlan,
    /// From the call to the first forward pass.
    pub setup_seconds: f64,
}

/// One optimizer step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// From 1.
    pub step: u64,
    pub total_steps: u64,
    /// Mean over the supervised tokens of the effective batch.
    pub loss: f64,
    /// L2 norm before clipping.
    pub grad_norm: f64,
    pub learning_rate: f64,
    pub supervised_tokens: usize,
    pub tokens: usize,
    pub tokens_per_second: f64,
    pub epoch: f64,
    /// Since the first step, over resumptions; evaluations and checkpoints do not count.
    pub seconds: f64,
    /// Resident memory of the process now, and the highest so far; `None` where the system does not say.
    pub memory_bytes: Option<u64>,
    pub peak_memory_bytes: Option<u64>,
}

/// One evaluation during training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    pub event: &'static str,
    /// Optimizer steps done.
    pub at_step: u64,
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Whether it is the lowest loss so far.
    pub best: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct TrainSummary {
    pub output: PathBuf,
    pub method: Method,
    /// Steps done. With evaluation data the result is that of `best_step`.
    pub steps: u64,
    /// Mean of the steps' losses.
    pub train_loss: f64,
    pub tokens: u64,
    pub supervised_tokens: u64,
    pub seconds: f64,
    pub tokens_per_second: f64,
    pub trainable_parameters: usize,
    pub peak_memory_bytes: Option<u64>,
    /// SHA-256 of the data file.
    pub data_sha256: String,
    /// The evaluations stopped improving before the last step.
    pub stopped_early: bool,
    pub best_step: Option<u64>,
    pub best_eval_loss: Option<f64>,
}
