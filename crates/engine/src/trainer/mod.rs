//! Training and evaluation: one loop, whose loss, mask, clipping and schedule exist once.

use std::path::PathBuf;

use crate::adapters::peft::AdapterError;
use crate::batching::DataError;
use crate::models::ModelError;
use crate::tokenizer::{TemplateError, TokenizerError};
use crate::weights::WeightsError;

pub mod checkpoint;
mod data;
pub mod early_stopping;
pub mod evaluate;
pub mod events;
mod exact;
mod fingerprint;
pub mod fit;
pub mod guards;
pub mod memory_plan;
pub mod options;
mod output;
mod prepare;
pub mod proof;
pub mod schedule;
pub mod train_loop;

pub use data::read_data;
pub use evaluate::{Evaluation, evaluate, evaluate_with};
pub use events::{EvaluationReport, Notice, Started, StepReport, TrainEvent, TrainSummary};
pub use guards::{Diverged, Divergence};
pub use options::{EvaluationOptions, Method, RunLength, Start, TrainOptions};
pub use schedule::Schedule;
pub use train_loop::train;

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("{field}: {problem}")]
    Option { field: &'static str, problem: String },
    #[error(
        "another training run (process {owner}) writes to {path}; wait for it, or choose another output folder"
    )]
    Busy { path: PathBuf, owner: String },
    #[error("{path} already holds a run; add --resume to continue it, or choose another output folder")]
    Occupied { path: PathBuf },
    #[error(
        "this run needs {} MiB of memory and {} MiB are available to it: {advice}",
        fit::mebibytes(*required_bytes), limit_bytes >> 20
    )]
    DoesNotFit { required_bytes: u64, limit_bytes: u64, advice: String },
    #[error("{path} cannot be used to resume: {reason}")]
    Checkpoint { path: PathBuf, reason: String },
    #[error("{0}")]
    Diverged(Box<Diverged>),
    #[error("cancelled after step {step}; the run can be resumed from its last checkpoint")]
    Cancelled { step: u64 },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}
