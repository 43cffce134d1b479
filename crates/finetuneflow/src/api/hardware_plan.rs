//! What a project's training would allocate, by purpose and for each way of training, and what to change where it does
//! not fit.

use axum::extract::State;
use engine::device::cpu::CpuDevice;
use engine::models::{DecoderSpec, spec_of};
use engine::trainer::fit::{Fitter, Wish, free_memory_bytes, micro_batches};
use engine::trainer::memory_plan::MemoryPlan;
use engine::trainer::options::BasePrecisionName;
use engine::trainer::{Method as EngineMethod, TrainOptions};
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path};
use super::projects::ProjectSettings;
use super::state::AppState;
use super::train_config::{TrainConfig, TrainRequest};
use crate::machine;

/// Bytes by purpose.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemoryParts {
    /// The base model.
    pub weights: u64,
    /// What is trained beside it.
    pub adapters: u64,
    /// Gradients and moments of what is trained.
    pub optimizer: u64,
    /// What the backward pass needs of the forward pass.
    pub activations: u64,
    /// Scores of the words.
    pub logits: u64,
    /// The program, and what is only used for a moment.
    pub buffers: u64,
}

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

/// A way of training with the project's settings.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WayPlan {
    /// `lora`, `qlora` (the frozen base in NF4), `dora` or `full`.
    #[schema(example = "lora")]
    pub id: String,
    /// It is the one that the settings ask for.
    pub chosen: bool,
    /// It fits into the free memory as it is.
    pub fits: bool,
    /// What it allocates.
    pub required_bytes: u64,
    /// The same by purpose.
    pub parts: MemoryParts,
    /// With these it fits, where it does not; null where nothing helps.
    pub smaller: Option<FittingSettings>,
}

/// What a project's training allocates.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainingPlan {
    /// The project's model.
    pub model_id: String,
    /// Sequences in one pass.
    pub micro_batch_size: u32,
    /// Passes in one step.
    pub gradient_accumulation_steps: u32,
    /// Longer examples are cut.
    pub max_seq_len: u32,
    /// What a training may take: nine tenths of what is free. Null where the system does not tell.
    pub available_bytes: Option<u64>,
    /// Of the machine.
    pub total_bytes: Option<u64>,
    /// Every way.
    pub ways: Vec<WayPlan>,
}

impl TrainingPlan {
    /// The way that the settings ask for fits.
    pub fn fits(&self) -> bool {
        self.ways.iter().any(|way| way.chosen && way.fits)
    }
}

/// Ways of training: what they are called, the method, and how the base is kept.
const WAYS: [(&str, EngineMethod, Option<BasePrecisionName>); 4] = [
    ("lora", EngineMethod::Lora, None),
    ("qlora", EngineMethod::Lora, Some(BasePrecisionName::Nf4)),
    ("dora", EngineMethod::Dora, None),
    ("full", EngineMethod::Full, None),
];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(plan_training))
}

/// What a training with these settings would allocate, for each way of training
///
/// The body is that of `train/start`; nothing is started.
#[utoipa::path(post, path = "/api/projects/{project_id}/hardware/plan", tag = "hardware",
    params(("project_id" = Uuid, Path)), request_body = TrainRequest, responses((status = 200, body = TrainingPlan)))]
async fn plan_training(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(request): Json<TrainRequest>,
) -> ApiResult<Json<TrainingPlan>> {
    let project = store::projects::get(&state.database, project_id).await?;
    Ok(Json(of_project(&state, &ProjectSettings::of(&project).model_id, request)?))
}

/// The plan of a model's training with these settings.
pub fn of_project(state: &AppState, model_id: &str, request: TrainRequest) -> ApiResult<TrainingPlan> {
    let wrong = |error: &dyn std::fmt::Display| {
        ApiError::new(Code::InvalidModel, format!("The model {model_id} cannot be used: {error}."))
    };
    let model = super::models::usable(state, model_id)?;
    let train = TrainConfig::of(request, model.context_length.unwrap_or(2048))?;
    let dir = state.services.models.dir(model_id).map_err(|error| wrong(&error))?;
    let config = ModelConfig::open(&dir).map_err(|error| wrong(&error))?;
    let spec = spec_of(&config).map_err(|error| wrong(&error))?;
    let options = train.options(dir).map_err(|error| ApiError::invalid_field("layers", error.to_string()))?;
    let ways = WAYS.iter().filter_map(|way| plan_way(&spec, &options, &train, way)).collect();
    Ok(TrainingPlan {
        model_id: model_id.to_owned(),
        micro_batch_size: train.micro_batch_size,
        gradient_accumulation_steps: train.gradient_accumulation_steps,
        max_seq_len: train.max_seq_len,
        available_bytes: free_memory_bytes(),
        total_bytes: machine::memory().map(|memory| memory.total_bytes),
        ways,
    })
}

/// `None` for a way that the model does not have.
fn plan_way(
    spec: &DecoderSpec,
    asked: &TrainOptions,
    train: &TrainConfig,
    (id, method, base): &(&str, EngineMethod, Option<BasePrecisionName>),
) -> Option<WayPlan> {
    let mut options = asked.clone();
    options.method = *method;
    // Eight bits are a choice of their own, which the plain ways keep.
    if base.is_some()
        || options.base_precision == Some(BasePrecisionName::Nf4)
        || *method == EngineMethod::Full
    {
        options.base_precision = *base;
    }
    let (device, batches) = (CpuDevice::new(1), micro_batches(None, None, options.packing));
    let fitter = Fitter::of(&options, &device, spec, &batches).ok()?;
    let of = |rows: usize, length: usize| fitter.plan(rows, length, fitter.recompute(rows, length));
    let (rows, length) = (train.micro_batch_size as usize, train.max_seq_len as usize);
    let plan = of(rows, length);
    let fits = fitter.fits(&plan);
    let is_quantized = |base: Option<BasePrecisionName>| base == Some(BasePrecisionName::Nf4);
    let smaller = (!fits)
        .then(|| {
            fitter.solve(Wish {
                micro_batch_size: None,
                max_seq_len: None,
                gradient_accumulation_steps: train.gradient_accumulation_steps as usize,
                default_micro_batch_size: rows,
                default_max_seq_len: length,
            })
        })
        .and_then(|found| {
            let plan = of(found.micro_batch_size, found.max_seq_len);
            fitter.fits(&plan).then(|| FittingSettings {
                micro_batch_size: narrow(found.micro_batch_size),
                gradient_accumulation_steps: narrow(found.gradient_accumulation_steps),
                max_seq_len: narrow(found.max_seq_len),
                required_bytes: plan.total_bytes,
            })
        });
    Some(WayPlan {
        id: (*id).to_owned(),
        chosen: asked.method == *method && is_quantized(asked.base_precision) == is_quantized(*base),
        fits,
        required_bytes: plan.total_bytes,
        parts: parts(&plan),
        smaller,
    })
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn parts(plan: &MemoryPlan) -> MemoryParts {
    MemoryParts {
        weights: plan.weights,
        adapters: plan.adapters,
        optimizer: plan.optimizer,
        activations: plan.activations,
        logits: plan.logits,
        buffers: plan.buffers + plan.kv_cache,
    }
}
