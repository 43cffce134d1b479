//! A training's settings: what a request may leave out, and what a run has.

use std::path::PathBuf;

use engine::models::{LayerChoice, LayerChoiceError};
use engine::trainer::TrainOptions;
use engine::trainer::options::{BasePrecisionName, PrecisionName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiResult;
use super::extract::Checks;
use super::train_defaults::{Asked, Situation};
use crate::jobs::train::TrainSettings;

/// An enumeration whose values have one name in requests, in answers and in stored settings.
macro_rules! named {
    ($name:ident { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// All values, with their names.
            pub const NAMES: &[(Self, &str)] = &[$((Self::$variant, $text),)+];

            fn text(self) -> String {
                match self { $(Self::$variant => $text,)+ }.to_owned()
            }

            fn of_text(text: &str) -> Option<Self> {
                Self::NAMES.iter().find(|(_, name)| *name == text).map(|(value, _)| *value)
            }
        }
    };
}

named!(Method { Lora = "lora", Dora = "dora", Full = "full", });
named!(Schedule { Constant = "constant", Linear = "linear", Cosine = "cosine", });
named!(Precision { F32 = "f32", Bf16 = "bf16", });
named!(BasePrecision { Nf4 = "nf4", Q8 = "q8", });

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Low-rank adapters on a frozen base.
    Lora,
    /// Low-rank adapters with trained norms of the adapted weights' rows.
    Dora,
    /// Every weight.
    Full,
}

/// How the learning rate goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Falls in a line to 0.
    Linear,
    /// Falls along a cosine to 0.
    Cosine,
}

/// How the linear layers of a frozen base are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BasePrecision {
    /// 4 bits (QLoRA).
    Nf4,
    /// 8 bits.
    Q8,
}

/// What products are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// The reference.
    F32,
    /// Half the memory; faster where the processor has it.
    Bf16,
}

impl Precision {
    /// bf16 where the processor computes with it.
    pub fn of_this_machine() -> Self {
        if engine::device::cpu::gemm::supports_bf16() { Self::Bf16 } else { Self::F32 }
    }
}

/// The settings of a training in a request; what is left out has its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    /// Shown to people.
    pub name: Option<String>,
    /// What is trained.
    pub method: Option<Method>,
    /// Size of the adapters.
    pub rank: Option<u32>,
    /// Strength of the adapters: they are scaled by alpha / rank.
    pub alpha: Option<f64>,
    /// Scale the adapters by alpha / √rank instead (rsLoRA).
    pub use_rslora: Option<bool>,
    /// `all-linear`, or modules separated by commas.
    pub target_modules: Option<String>,
    /// Layers that get an adapter, from 0: `all`, `last:4`, or numbers and ranges such as `3,5,7-9`.
    pub layers: Option<String>,
    /// The learning rate of the adapters' B is that of A times this (LoRA+); 1: plain LoRA.
    pub lora_plus_ratio: Option<f64>,
    /// Share of an adapter's inputs that is dropped at random in training.
    pub dropout: Option<f64>,
    /// Times through the data.
    pub epochs: Option<f64>,
    /// Steps instead of epochs.
    pub max_steps: Option<u64>,
    /// The highest learning rate.
    pub learning_rate: Option<f64>,
    /// How it goes.
    pub schedule: Option<Schedule>,
    /// Steps until it is reached.
    pub warmup_steps: Option<u64>,
    /// Pulls weights to 0.
    pub weight_decay: Option<f64>,
    /// Gradients are scaled down to this norm; 0: never.
    pub max_grad_norm: Option<f64>,
    /// Sequences in one pass.
    pub micro_batch_size: Option<u32>,
    /// Passes in one step.
    pub gradient_accumulation_steps: Option<u32>,
    /// Longer examples are cut.
    pub max_seq_len: Option<u32>,
    /// What products are made of.
    pub precision: Option<Precision>,
    /// How the frozen base is kept; left out or null: as `precision`.
    pub base_precision: Option<BasePrecision>,
    /// Fill each pass with as many rows as have room, instead of a fixed number.
    pub packing: Option<bool>,
    /// The same seed gives the same run.
    pub seed: Option<u64>,
    /// Share of the examples that is held back for evaluation.
    pub eval_fraction: Option<f64>,
    /// Share of the examples whose whole sections are held out, to see what is not merely remembered; default 0.
    pub held_out_fraction: Option<f64>,
    /// Steps between evaluations on the examples that are held back; 0: at the end of each time through the data. The result
    /// is that of the lowest loss on them.
    pub eval_steps: Option<u64>,
    /// Evaluations without improvement after which the training stops; 0: never.
    pub patience: Option<u64>,
    /// Steps between checkpoints.
    pub checkpoint_steps: Option<u64>,
    /// How many of the last checkpoints are kept, beside that of the best evaluation.
    pub keep_checkpoints: Option<u64>,
}

/// The settings of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainConfig {
    /// What is trained.
    pub method: Method,
    /// Size of the adapters.
    pub rank: u32,
    /// Strength of the adapters: they are scaled by alpha / rank.
    pub alpha: f64,
    /// Scale the adapters by alpha / √rank instead (rsLoRA).
    pub use_rslora: bool,
    /// `all-linear`, or modules separated by commas.
    pub target_modules: String,
    /// Layers that get an adapter, from 0: `all`, `last:4`, or numbers and ranges such as `3,5,7-9`.
    pub layers: String,
    /// The learning rate of the adapters' B is that of A times this (LoRA+); 1: plain LoRA.
    pub lora_plus_ratio: f64,
    /// Share of an adapter's inputs that is dropped at random in training.
    pub dropout: f64,
    /// Times through the data; null when `max_steps` is set.
    pub epochs: Option<f64>,
    /// Steps; null when `epochs` is set.
    pub max_steps: Option<u64>,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How it goes.
    pub schedule: Schedule,
    /// Steps until it is reached.
    pub warmup_steps: u64,
    /// Pulls weights to 0.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm; 0: never.
    pub max_grad_norm: f64,
    /// Sequences in one pass.
    pub micro_batch_size: u32,
    /// Passes in one step.
    pub gradient_accumulation_steps: u32,
    /// Longer examples are cut.
    pub max_seq_len: u32,
    /// What products are made of.
    pub precision: Precision,
    /// How the frozen base is kept; left out or null: as `precision`.
    pub base_precision: Option<BasePrecision>,
    /// Fill each pass with as many rows as have room, instead of a fixed number.
    pub packing: bool,
    /// The same seed gives the same run.
    pub seed: u64,
    /// Share of the examples that is held back for evaluation.
    pub eval_fraction: f64,
    /// Share of the examples whose whole sections are held out.
    pub held_out_fraction: f64,
    /// Steps between evaluations on the examples that are held back; 0: at the end of each time through the data. The result
    /// is that of the lowest loss on them.
    pub eval_steps: u64,
    /// Evaluations without improvement after which the training stops; 0: never.
    pub patience: u64,
    /// Steps between checkpoints.
    pub checkpoint_steps: u64,
    /// How many of the last checkpoints are kept, beside that of the best evaluation.
    pub keep_checkpoints: u64,
}

impl TrainConfig {
    /// The request's settings over the defaults, checked.
    pub fn of(request: TrainRequest, situation: &Situation) -> ApiResult<Self> {
        check(&request, situation.context_length)?;
        let asked = Asked { method: request.method, max_seq_len: request.max_seq_len };
        let default = Self::defaults(situation, asked);
        Ok(Self {
            method: default.method,
            rank: request.rank.unwrap_or(default.rank),
            alpha: request.alpha.unwrap_or(default.alpha),
            use_rslora: request.use_rslora.unwrap_or(default.use_rslora),
            target_modules: request.target_modules.unwrap_or(default.target_modules),
            layers: request.layers.unwrap_or(default.layers),
            lora_plus_ratio: request.lora_plus_ratio.unwrap_or(default.lora_plus_ratio),
            dropout: request.dropout.unwrap_or(default.dropout),
            epochs: request.epochs.or(default.epochs.filter(|_| request.max_steps.is_none())),
            max_steps: request.max_steps,
            learning_rate: request.learning_rate.unwrap_or(default.learning_rate),
            schedule: request.schedule.unwrap_or(default.schedule),
            warmup_steps: request.warmup_steps.unwrap_or(default.warmup_steps),
            weight_decay: request.weight_decay.unwrap_or(default.weight_decay),
            max_grad_norm: request.max_grad_norm.unwrap_or(default.max_grad_norm),
            micro_batch_size: request.micro_batch_size.unwrap_or(default.micro_batch_size),
            gradient_accumulation_steps: request
                .gradient_accumulation_steps
                .unwrap_or(default.gradient_accumulation_steps),
            max_seq_len: default.max_seq_len,
            precision: request.precision.unwrap_or(default.precision),
            base_precision: request.base_precision,
            packing: request.packing.unwrap_or(default.packing),
            seed: request.seed.unwrap_or(default.seed),
            eval_fraction: request.eval_fraction.unwrap_or(default.eval_fraction),
            held_out_fraction: request.held_out_fraction.unwrap_or(default.held_out_fraction),
            eval_steps: request.eval_steps.unwrap_or(default.eval_steps),
            patience: request.patience.unwrap_or(default.patience),
            checkpoint_steps: request.checkpoint_steps.unwrap_or(default.checkpoint_steps),
            keep_checkpoints: request.keep_checkpoints.unwrap_or(default.keep_checkpoints),
        })
    }
}

impl TrainConfig {
    /// As the job takes it, on a model that is bound to a commit where it has one.
    pub fn settings(&self, model_id: &str, commit: Option<String>) -> TrainSettings {
        let default = TrainSettings::default();
        TrainSettings {
            model_id: model_id.to_owned(),
            commit,
            method: self.method.text(),
            rank: self.rank,
            alpha: self.alpha,
            use_rslora: self.use_rslora,
            target_modules: module_names(&self.target_modules),
            layers: self.layers.clone(),
            lora_plus_ratio: self.lora_plus_ratio,
            dropout: self.dropout,
            epochs: self.epochs.unwrap_or(default.epochs),
            max_steps: self.max_steps,
            learning_rate: self.learning_rate,
            schedule: self.schedule.text(),
            warmup_steps: self.warmup_steps,
            weight_decay: self.weight_decay,
            max_grad_norm: self.max_grad_norm,
            micro_batch_size: self.micro_batch_size,
            gradient_accumulation_steps: self.gradient_accumulation_steps,
            max_seq_len: Some(self.max_seq_len),
            precision: self.precision.text(),
            base_precision: self.base_precision.map(BasePrecision::text),
            packing: self.packing,
            seed: self.seed,
            eval_fraction: self.eval_fraction,
            held_out_fraction: self.held_out_fraction,
            eval_steps: Some(self.eval_steps),
            patience: self.patience,
            checkpoint_steps: self.checkpoint_steps,
            keep_checkpoints: self.keep_checkpoints,
        }
    }

    /// Of a stored run.
    pub fn of_settings(settings: &TrainSettings) -> Self {
        Self {
            method: Method::of_text(&settings.method).unwrap_or(Method::Lora),
            rank: settings.rank,
            alpha: settings.alpha,
            use_rslora: settings.use_rslora,
            target_modules: settings.target_modules.join(","),
            layers: settings.layers.clone(),
            lora_plus_ratio: settings.lora_plus_ratio,
            dropout: settings.dropout,
            epochs: settings.max_steps.is_none().then_some(settings.epochs),
            max_steps: settings.max_steps,
            learning_rate: settings.learning_rate,
            schedule: Schedule::of_text(&settings.schedule).unwrap_or(Schedule::Cosine),
            warmup_steps: settings.warmup_steps,
            weight_decay: settings.weight_decay,
            max_grad_norm: settings.max_grad_norm,
            micro_batch_size: settings.micro_batch_size,
            gradient_accumulation_steps: settings.gradient_accumulation_steps,
            max_seq_len: settings.max_seq_len.unwrap_or(1024),
            precision: Precision::of_text(&settings.precision).unwrap_or(Precision::F32),
            base_precision: settings.base_precision.as_deref().and_then(BasePrecision::of_text),
            packing: settings.packing,
            seed: settings.seed,
            eval_fraction: settings.eval_fraction,
            held_out_fraction: settings.held_out_fraction,
            eval_steps: settings.eval_steps.unwrap_or(0),
            patience: settings.patience,
            checkpoint_steps: settings.checkpoint_steps,
            keep_checkpoints: settings.keep_checkpoints,
        }
    }
}

impl TrainConfig {
    /// As the engine plans its memory; without data and folder.
    ///
    /// # Errors
    /// Layers that cannot be read.
    pub fn options(&self, model: PathBuf) -> Result<TrainOptions, LayerChoiceError> {
        Ok(TrainOptions {
            method: match self.method {
                Method::Lora => engine::trainer::Method::Lora,
                Method::Dora => engine::trainer::Method::Dora,
                Method::Full => engine::trainer::Method::Full,
            },
            rank: self.rank as usize,
            alpha: self.alpha,
            use_rslora: self.use_rslora,
            target_modules: module_names(&self.target_modules),
            layers: self.layers.parse()?,
            dropout: self.dropout,
            micro_batch_size: self.micro_batch_size as usize,
            gradient_accumulation_steps: self.gradient_accumulation_steps as usize,
            max_seq_len: self.max_seq_len as usize,
            precision: match self.precision {
                Precision::F32 => PrecisionName::F32,
                Precision::Bf16 => PrecisionName::Bf16,
            },
            base_precision: self.base_precision.map(|base| match base {
                BasePrecision::Nf4 => BasePrecisionName::Nf4,
                BasePrecision::Q8 => BasePrecisionName::Q8,
            }),
            packing: self.packing,
            ..TrainOptions::new(model, PathBuf::new(), PathBuf::new())
        })
    }
}

/// `q_proj, v_proj` as names.
pub fn module_names(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

/// Notes the field if it is given and the condition does not hold.
fn optional<T: Copy>(
    checks: &mut Checks,
    field: &str,
    value: Option<T>,
    good: impl Fn(T) -> bool,
    message: &str,
) {
    checks.require(value.is_none_or(good), field, message);
}

fn check(request: &TrainRequest, context_length: u64) -> ApiResult<()> {
    let mut checks = Checks::default();
    let name_is_short = request.name.as_ref().is_none_or(|name| name.chars().count() <= 200);
    checks.require(name_is_short, "name", "is longer than 200 characters");
    let all = &mut checks;
    let above_zero = |value: f64| value.is_finite() && value > 0.0;
    let not_negative = |value: f64| value.is_finite() && value >= 0.0;
    optional(all, "rank", request.rank, |rank| (1..=1024).contains(&rank), "must be between 1 and 1024");
    optional(all, "alpha", request.alpha, above_zero, "must be greater than 0");
    optional(
        all,
        "epochs",
        request.epochs,
        |n| n > 0.0 && n <= 1000.0,
        "must be greater than 0 and at most 1000",
    );
    optional(
        all,
        "max_steps",
        request.max_steps,
        |n| (1..=10_000_000).contains(&n),
        "must be between 1 and 10000000",
    );
    let both = request.epochs.is_some() && request.max_steps.is_some();
    all.require(!both, "max_steps", "and epochs exclude each other");
    optional(
        all,
        "learning_rate",
        request.learning_rate,
        |n| above_zero(n) && n <= 1.0,
        "must be greater than 0 and at most 1",
    );
    optional(all, "weight_decay", request.weight_decay, not_negative, "must not be negative");
    optional(all, "max_grad_norm", request.max_grad_norm, not_negative, "must not be negative");
    optional(
        all,
        "micro_batch_size",
        request.micro_batch_size,
        |n| (1..=1024).contains(&n),
        "must be between 1 and 1024",
    );
    let accumulation = request.gradient_accumulation_steps;
    optional(
        all,
        "gradient_accumulation_steps",
        accumulation,
        |n| (1..=4096).contains(&n),
        "must be between 1 and 4096",
    );
    let fits_context = |n: u32| n >= 16 && u64::from(n) <= context_length;
    let message = format!("must be between 16 and the model's context of {context_length}");
    optional(all, "max_seq_len", request.max_seq_len, fits_context, &message);
    let is_share = |share: f64| (0.0..=0.5).contains(&share);
    optional(all, "eval_fraction", request.eval_fraction, is_share, "must be between 0 and 0.5");
    optional(all, "held_out_fraction", request.held_out_fraction, is_share, "must be between 0 and 0.5");
    optional(all, "checkpoint_steps", request.checkpoint_steps, |n| n >= 1, "must be at least 1");
    optional(
        all,
        "keep_checkpoints",
        request.keep_checkpoints,
        |n| (1..=100).contains(&n),
        "must be between 1 and 100",
    );
    optional(all, "dropout", request.dropout, |n| (0.0..=0.9).contains(&n), "must be between 0 and 0.9");
    optional(
        all,
        "lora_plus_ratio",
        request.lora_plus_ratio,
        |n| above_zero(n) && n <= 1000.0,
        "must be greater than 0 and at most 1000",
    );
    let trains_all = request.method == Some(Method::Full);
    let quantized = request.base_precision.is_some();
    all.require(
        !(trains_all && quantized),
        "base_precision",
        "is for adapters: every weight is trained here, which needs them unquantized",
    );
    let measures = request.eval_fraction != Some(0.0);
    all.require(
        measures || request.patience.unwrap_or(0) == 0,
        "patience",
        "needs examples that are held back: set eval_fraction",
    );
    let layers = request.layers.as_deref().map(str::parse::<LayerChoice>);
    if let Some(Err(error)) = layers {
        all.require(false, "layers", &format!("cannot be used: {error}"));
    }
    if let Some(names) = &request.target_modules
        && let Err(error) =
            engine::models::adapt::target_modules(&module_names(names), &engine::models::Module::ALL)
    {
        all.require(false, "target_modules", &format!("cannot be used: {error}"));
    }
    checks.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Situation = Situation { context_length: 512, hidden_size: None, data: None };

    #[test]
    fn every_wrong_field_is_named() {
        let request = TrainRequest {
            rank: Some(0),
            learning_rate: Some(f64::NAN),
            epochs: Some(1.0),
            max_steps: Some(1),
            max_seq_len: Some(4096),
            target_modules: Some("q_proj,nonsense".to_owned()),
            ..TrainRequest::default()
        };
        let error = TrainConfig::of(request, &SMALL).expect_err("refused").body(String::new());
        let fields: Vec<_> = error.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["rank", "max_steps", "learning_rate", "max_seq_len", "target_modules"]);
    }

    #[test]
    fn steps_replace_epochs() {
        let request = TrainRequest { max_steps: Some(7), ..TrainRequest::default() };
        let config = TrainConfig::of(request, &SMALL).expect("valid");
        assert_eq!((config.max_steps, config.epochs, config.max_seq_len), (Some(7), None, 512));
    }
}
