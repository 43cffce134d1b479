//! What a training run is asked to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::schedule::Schedule;
use crate::device::{Precision, WeightFormat};
use crate::models::activations::Recompute;
use crate::models::adapt::target_modules;
use crate::models::load::BaseFormats;
use crate::models::{AdapterShape, DecoderSpec, LayerChoice, ModelError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Low-rank adapters on a frozen base.
    Lora,
    /// The same, with a trained norm of each row of the adapted weights; see [`crate::models::low_rank`].
    Dora,
    /// Every tensor of the model.
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunLength {
    Epochs(f64),
    /// Optimizer steps; the data wraps over epochs.
    Steps(u64),
}

/// Where a full run's first weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    Weights,
    /// Random numbers from the seed; the model folder needs no weights.
    Scratch,
}

/// Held-out rows that are measured during training, and when to stop for them. Fields that a file does not have mean no
/// evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluationOptions {
    /// JSONL file of rows that are measured and never learned. With it, the result is the checkpoint of the lowest loss.
    pub data: Option<PathBuf>,
    /// Steps between evaluations; 0: at the end of each epoch. The last step is always evaluated.
    pub steps: u64,
    /// Evaluations without improvement after which the run stops; 0: never.
    pub patience: u64,
    /// By how much the loss must fall to count as an improvement.
    pub min_delta: f64,
}

/// Settings of a run, as `training_config.json` keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainOptions {
    /// Hugging Face folder of the base model.
    pub model: PathBuf,
    /// JSONL file of training rows.
    pub data: PathBuf,
    /// Folder of the run: results at its top, `checkpoints/` inside.
    pub output: PathBuf,
    pub method: Method,
    pub start: Start,
    pub rank: usize,
    pub alpha: f64,
    /// Scale `alpha / √rank` in place of `alpha / rank` (rsLoRA, <https://arxiv.org/abs/2312.03732>).
    #[serde(default)]
    pub use_rslora: bool,
    pub target_modules: Vec<String>,
    /// Layers that get an adapter.
    #[serde(default)]
    pub layers: LayerChoice,
    /// The learning rate of B is that of A times this (LoRA+, <https://arxiv.org/abs/2402.12354>).
    #[serde(default = "no_change")]
    pub lora_plus_ratio: f64,
    /// Share of an adapter's inputs that is dropped in training.
    #[serde(default)]
    pub dropout: f64,
    /// Continue from this adapter; what its `adapter_config.json` says holds in place of the settings above.
    pub init_adapter: Option<PathBuf>,
    pub length: RunLength,
    pub learning_rate: f64,
    pub schedule: Schedule,
    pub warmup_steps: u64,
    pub adam_beta2: f64,
    pub weight_decay: f64,
    /// Gradients are scaled down to this L2 norm; 0 switches clipping off.
    pub max_grad_norm: f64,
    pub micro_batch_size: usize,
    pub gradient_accumulation_steps: usize,
    pub max_seq_len: usize,
    pub precision: PrecisionName,
    /// How frozen matrices are kept; `None` follows `precision`.
    #[serde(default)]
    pub base_precision: Option<BasePrecisionName>,
    pub recompute: RecomputeName,
    /// What the process may take; `None`: nine tenths of what the machine has free.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    pub seed: u64,
    /// 0: as many as the machine has cores.
    pub threads: usize,
    pub order: OrderName,
    pub packing: bool,
    #[serde(default)]
    pub loss: LossName,
    #[serde(default)]
    pub long_rows: LongRowsName,
    #[serde(default)]
    pub evaluation: EvaluationOptions,
    /// Steps between checkpoints; 0 writes none but that of the best evaluation.
    pub checkpoint_steps: u64,
    /// How many of the last are kept, beside that of the best evaluation.
    pub keep_checkpoints: usize,
    /// Go on from the newest checkpoint in `output`, if there is one.
    pub resume: bool,
}

fn no_change() -> f64 {
    1.0
}

/// What products are made of; see [`crate::device::Precision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrecisionName {
    F32,
    Bf16,
    /// Frozen weights in f16, products in f32: no CPU that this runs on multiplies f16 faster.
    F16,
}

impl PrecisionName {
    /// What a person who asked for this should know.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::F32 | Self::Bf16 => None,
            Self::F16 => Some("f16 on a CPU: weights are kept in f16, and products are computed in f32"),
        }
    }
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::F32 | PrecisionName::F16 => Self::F32,
            PrecisionName::Bf16 => Self::Bf16,
        }
    }
}

/// How the matrices of a frozen model are kept. Quantized are the linear layers of the blocks; then embedding and head are
/// kept in the precision of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BasePrecisionName {
    F32,
    Bf16,
    Nf4,
    Q8,
}

/// The formats of a frozen model.
pub fn base_formats(precision: PrecisionName, base: Option<BasePrecisionName>) -> BaseFormats {
    let table = match precision {
        PrecisionName::F32 => WeightFormat::F32,
        PrecisionName::Bf16 => WeightFormat::Bf16,
        PrecisionName::F16 => WeightFormat::F16,
    };
    match base {
        None => BaseFormats::all(table),
        Some(BasePrecisionName::F32) => BaseFormats::all(WeightFormat::F32),
        Some(BasePrecisionName::Bf16) => BaseFormats::all(WeightFormat::Bf16),
        Some(BasePrecisionName::Nf4) => BaseFormats { linear: WeightFormat::Nf4, table },
        Some(BasePrecisionName::Q8) => BaseFormats { linear: WeightFormat::Q8, table },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecomputeName {
    /// The fastest that fits the memory.
    Auto,
    None,
    Light,
    Full,
}

impl RecomputeName {
    /// What may be chosen. Where no limit is known, `Auto` takes the middle.
    pub fn fastest_first(self, limit_is_known: bool) -> &'static [Recompute] {
        match self {
            Self::Auto if limit_is_known => &[Recompute::None, Recompute::Light, Recompute::Full],
            Self::None => &[Recompute::None],
            Self::Auto | Self::Light => &[Recompute::Light],
            Self::Full => &[Recompute::Full],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderName {
    File,
    Shuffle,
}

/// What is learned of a row; see [`crate::batching::LossMask`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossName {
    #[default]
    Assistant,
    All,
}

impl From<LossName> for crate::batching::LossMask {
    fn from(name: LossName) -> Self {
        match name {
            LossName::Assistant => Self::AssistantOnly,
            LossName::All => Self::AllTokens,
        }
    }
}

/// What happens to rows longer than `max_seq_len`; see [`crate::batching::LongRows`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LongRowsName {
    #[default]
    Truncate,
    Split,
}

impl From<LongRowsName> for crate::batching::LongRows {
    fn from(name: LongRowsName) -> Self {
        match name {
            LongRowsName::Truncate => Self::Truncate,
            LongRowsName::Split => Self::Split,
        }
    }
}

impl TrainOptions {
    /// Refuses settings that make no sense, naming the field.
    pub fn check(&self) -> Result<(), TrainError> {
        let positive = |field: &'static str, good: bool, problem: &str| {
            if good { Ok(()) } else { Err(TrainError::Option { field, problem: problem.into() }) }
        };
        let frozen = self.method != Method::Full;
        let problem = "every weight is trained, which needs f32; leave it out, or use --method lora";
        positive("base_precision", frozen || self.base_precision.is_none(), problem)?;
        let problem = "every weight is trained, which f16 is too coarse for; use f32 or bf16";
        positive("precision", frozen || self.precision != PrecisionName::F16, problem)?;
        positive("rank", self.rank > 0, "must be at least 1")?;
        positive("alpha", self.alpha.is_finite() && self.alpha > 0.0, "must be above 0")?;
        positive(
            "lora_plus_ratio",
            self.lora_plus_ratio.is_finite() && self.lora_plus_ratio > 0.0,
            "must be above 0",
        )?;
        positive("dropout", (0.0..1.0).contains(&self.dropout), "must be at least 0 and below 1")?;
        positive(
            "init_adapter",
            self.init_adapter.is_none() || self.method != Method::Full,
            "goes with an adapter method: method full trains no adapter",
        )?;
        positive(
            "learning_rate",
            self.learning_rate.is_finite() && self.learning_rate > 0.0,
            "must be above 0",
        )?;
        positive("micro_batch_size", self.micro_batch_size > 0, "must be at least 1")?;
        positive("gradient_accumulation_steps", self.gradient_accumulation_steps > 0, "must be at least 1")?;
        positive("max_seq_len", self.max_seq_len > 1, "must be at least 2")?;
        positive(
            "weight_decay",
            self.weight_decay.is_finite() && self.weight_decay >= 0.0,
            "must not be negative",
        )?;
        positive(
            "max_grad_norm",
            self.max_grad_norm.is_finite() && self.max_grad_norm >= 0.0,
            "must not be negative",
        )?;
        positive("adam_beta2", (0.0..1.0).contains(&self.adam_beta2), "must be in 0..1")?;
        let evaluation = &self.evaluation;
        let min_delta = evaluation.min_delta;
        positive("min_delta", min_delta.is_finite() && min_delta >= 0.0, "must not be negative")?;
        positive("patience", evaluation.patience == 0 || evaluation.data.is_some(), "needs evaluation data")?;
        match self.length {
            RunLength::Steps(steps) => positive("max_steps", steps > 0, "must be at least 1"),
            RunLength::Epochs(epochs) => {
                positive("epochs", epochs.is_finite() && epochs > 0.0, "must be above 0")
            }
        }
    }

    /// How the base model's matrices are kept.
    pub fn base_formats(&self) -> BaseFormats {
        match self.method {
            Method::Full => BaseFormats::all(WeightFormat::F32),
            Method::Lora | Method::Dora => base_formats(self.precision, self.base_precision),
        }
    }

    /// What the adapters of this run make of its shapes.
    ///
    /// # Errors
    /// Modules or layers that the model does not have.
    pub fn adapter_shape(&self, spec: &DecoderSpec) -> Result<AdapterShape, ModelError> {
        let mut shape = AdapterShape::default();
        if self.method == Method::Full {
            return Ok(shape);
        }
        for module in target_modules(&self.target_modules, spec.modules())? {
            shape.ranks[module as usize] = self.rank;
        }
        let layers = self.layers.of(spec.layers.len())?;
        shape.magnitudes = self.method == Method::Dora;
        shape.dropout = self.dropout > 0.0;
        shape.layers = layers.len();
        shape.frozen_layers = layers.first().copied().unwrap_or(0);
        Ok(shape)
    }

    /// Sensible settings for a LoRA run.
    pub fn new(model: PathBuf, data: PathBuf, output: PathBuf) -> Self {
        Self {
            model,
            data,
            output,
            method: Method::Lora,
            start: Start::Weights,
            rank: 16,
            alpha: 32.0,
            use_rslora: false,
            target_modules: vec!["all-linear".into()],
            layers: LayerChoice::All,
            lora_plus_ratio: 1.0,
            dropout: 0.0,
            init_adapter: None,
            length: RunLength::Epochs(3.0),
            learning_rate: 2e-4,
            schedule: Schedule::Cosine,
            warmup_steps: 0,
            adam_beta2: 0.999,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            micro_batch_size: 4,
            gradient_accumulation_steps: 1,
            max_seq_len: 1024,
            precision: PrecisionName::F32,
            base_precision: None,
            recompute: RecomputeName::Auto,
            memory_bytes: None,
            seed: 42,
            threads: 0,
            order: OrderName::Shuffle,
            packing: true,
            loss: LossName::Assistant,
            long_rows: LongRowsName::Truncate,
            evaluation: EvaluationOptions::default(),
            checkpoint_steps: 50,
            keep_checkpoints: 2,
            resume: false,
        }
    }
}
