//! Whether a training fits the free memory, and the settings nearest to it that do.

use engine::device::cpu::CpuDevice;
use engine::models::{DecoderSpec, spec_of};
use engine::trainer::fit::{Fitter, Wish, free_memory_bytes, micro_batches};
use engine::trainer::memory_plan::MemoryPlan;
use engine::trainer::{TrainError, TrainOptions};
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, Code};
use super::state::AppState;
use super::train_config::{TrainConfig, TrainRequest};

/// Settings with which a training fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FittingSettings {
    /// Sequences in one pass.
    pub micro_batch_size: u32,
    /// Passes in one step: the examples of a step stay as many.
    pub gradient_accumulation_steps: u32,
    /// Longer examples are cut.
    pub max_seq_len: u32,
    /// What it then allocates.
    pub required_bytes: u64,
}

/// What may be made smaller.
#[derive(Clone, Copy, Debug)]
pub struct Lowerable {
    micro_batch_size: bool,
    max_seq_len: bool,
}

impl Lowerable {
    /// Whatever helps.
    pub const ALL: Self = Self { micro_batch_size: true, max_seq_len: true };

    /// What the request leaves to the studio.
    pub fn of(request: &TrainRequest) -> Self {
        let accumulates = request.gradient_accumulation_steps.is_some();
        Self {
            micro_batch_size: request.micro_batch_size.is_none() && !accumulates,
            max_seq_len: request.max_seq_len.is_none(),
        }
    }
}

/// A training of a model as memory is planned for it, with the recomputation that it would choose.
pub struct Footprint<'a> {
    spec: &'a DecoderSpec,
    options: TrainOptions,
    rows: usize,
    length: usize,
    accumulation: usize,
}

impl<'a> Footprint<'a> {
    /// # Errors
    /// Layers that cannot be read.
    pub fn of(model: &'a PlannedModel, train: &TrainConfig) -> ApiResult<Self> {
        let options = train.options(model.folder.clone());
        let options = options.map_err(|error| ApiError::invalid_field("layers", error.to_string()))?;
        Ok(Self {
            spec: &model.spec,
            options,
            rows: train.micro_batch_size as usize,
            length: train.max_seq_len as usize,
            accumulation: train.gradient_accumulation_steps as usize,
        })
    }

    /// The same training in another way.
    pub fn with(&self, change: impl FnOnce(&mut TrainOptions)) -> Self {
        let mut options = self.options.clone();
        change(&mut options);
        Self { options, ..*self }
    }

    /// What it asks for.
    pub fn options(&self) -> &TrainOptions {
        &self.options
    }

    /// What it allocates, and what would fit where that does not.
    ///
    /// # Errors
    /// Modules that the model does not have, or a way of training that it does not know.
    pub fn plan(&self, lowerable: Lowerable) -> Result<(MemoryPlan, Standing), TrainError> {
        let (device, batches) = (CpuDevice::new(1), micro_batches(None, None, self.options.packing));
        let fitter = Fitter::of(&self.options, &device, self.spec, &batches)?;
        let of = |rows: usize, length: usize| fitter.plan(rows, length, fitter.recompute(rows, length));
        let plan = of(self.rows, self.length);
        if fitter.fits(&plan) {
            return Ok((plan, Standing::Fits));
        }
        let found = fitter.solve(Wish {
            micro_batch_size: (!lowerable.micro_batch_size).then_some(self.rows),
            max_seq_len: (!lowerable.max_seq_len).then_some(self.length),
            gradient_accumulation_steps: self.accumulation,
            default_micro_batch_size: self.rows,
            default_max_seq_len: self.length,
        });
        let smaller = of(found.micro_batch_size, found.max_seq_len);
        let settings = FittingSettings {
            micro_batch_size: narrow(found.micro_batch_size),
            gradient_accumulation_steps: narrow(found.gradient_accumulation_steps),
            max_seq_len: narrow(found.max_seq_len),
            required_bytes: smaller.total_bytes,
        };
        Ok((plan, Standing::TooLarge(fitter.fits(&smaller).then_some(settings))))
    }
}

/// A training beside the free memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It fits, or nobody knows.
    Fits,
    /// It does not; with these settings it does, if there are any.
    TooLarge(Option<FittingSettings>),
}

/// A base model with what its memory depends on.
pub struct PlannedModel {
    id: String,
    folder: std::path::PathBuf,
    /// Its shape.
    pub spec: DecoderSpec,
    /// Tokens that it sees at once.
    pub context_length: u64,
    /// The commit of the hub that it is bound to.
    pub commit: Option<String>,
}

impl PlannedModel {
    /// # Errors
    /// `model_not_found` and `invalid_model`.
    pub fn open(state: &AppState, model_id: &str) -> ApiResult<Self> {
        let model = super::models::usable(state, model_id)?;
        let wrong = |error: &dyn std::fmt::Display| {
            ApiError::new(Code::InvalidModel, format!("The model {model_id} cannot be used: {error}."))
        };
        let folder = state.services.models.dir(model_id).map_err(|error| wrong(&error))?;
        let config = ModelConfig::open(&folder).map_err(|error| wrong(&error))?;
        let spec = spec_of(&config).map_err(|error| wrong(&error))?;
        let context_length = model.context_length.unwrap_or(2048);
        Ok(Self { id: model_id.to_owned(), folder, spec, context_length, commit: model.commit })
    }

    /// As in a project.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where its files are.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// What the training allocates in bytes, after what may be lowered was, where it does not fit otherwise; and whether it
    /// fits then.
    pub fn settle(&self, train: &mut TrainConfig, lowerable: Lowerable) -> ApiResult<(u64, bool)> {
        let planned = Footprint::of(self, train)?.plan(lowerable).map_err(invalid)?;
        Ok(match planned {
            (plan, Standing::Fits) => (plan.total_bytes, true),
            (plan, Standing::TooLarge(None)) => (plan.total_bytes, false),
            (_, Standing::TooLarge(Some(smaller))) => {
                train.micro_batch_size = smaller.micro_batch_size;
                train.gradient_accumulation_steps = smaller.gradient_accumulation_steps;
                train.max_seq_len = smaller.max_seq_len;
                (smaller.required_bytes, true)
            }
        })
    }

    /// Refuses a training that would not fit into the free memory, naming what would.
    ///
    /// # Errors
    /// `does_not_fit`.
    pub fn require_fit(&self, train: &TrainConfig) -> ApiResult<()> {
        let (plan, standing) = Footprint::of(self, train)?.plan(Lowerable::ALL).map_err(invalid)?;
        let Standing::TooLarge(smaller) = standing else { return Ok(()) };
        let (required, available) = (plan.total_bytes, free_memory_bytes().unwrap_or_default());
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let message = format!(
            "This training needs {} MiB of memory and {} MiB are available to it.",
            mebibytes(required),
            mebibytes(available)
        );
        let error = ApiError::new(Code::DoesNotFit, message)
            .param("required_bytes", required)
            .param("available_bytes", available);
        let Some(fitting) = smaller else {
            return Err(error.hint("Close other programs or choose a smaller model."));
        };
        let FittingSettings { micro_batch_size, gradient_accumulation_steps, max_seq_len, .. } = fitting;
        Err(error
            .hint(format!(
                "Set micro_batch_size to {micro_batch_size}, gradient_accumulation_steps to {gradient_accumulation_steps} and max_seq_len to {max_seq_len}."
            ))
            .param("micro_batch_size", micro_batch_size)
            .param("gradient_accumulation_steps", gradient_accumulation_steps)
            .param("max_seq_len", max_seq_len))
    }
}

fn invalid(error: TrainError) -> ApiError {
    ApiError::invalid_field("target_modules", error.to_string())
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
