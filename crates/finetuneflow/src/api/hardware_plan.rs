//! What a project's training would allocate, by purpose and for each way of training, and what to change where it does
//! not fit.

use axum::extract::State;
use engine::trainer::Method as EngineMethod;
use engine::trainer::fit::free_memory_bytes;
use engine::trainer::memory_plan::MemoryPlan;
use engine::trainer::options::BasePrecisionName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::extract::{Json, Path};
use super::memory_fit::{FittingSettings, Footprint, Lowerable, PlannedModel, Standing};
use super::projects::ProjectSettings;
use super::state::AppState;
use super::train_config::{TrainConfig, TrainRequest};
use super::train_defaults::Situation;
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
    let model = PlannedModel::open(&state, &ProjectSettings::of(&project).model_id)?;
    let situation = Situation::of_project(&state, project_id, &model).await?;
    Ok(Json(plan(&model, &situation, request)?))
}

/// Whether the training that is asked for fits, without a look at the data.
pub fn fits(state: &AppState, model_id: &str, request: TrainRequest) -> bool {
    let of_model = |model: PlannedModel| plan(&model, &Situation::of_model(&model), request);
    PlannedModel::open(state, model_id).and_then(of_model).is_ok_and(|plan| plan.fits())
}

fn plan(model: &PlannedModel, situation: &Situation, request: TrainRequest) -> ApiResult<TrainingPlan> {
    let lowerable = Lowerable::of(&request);
    let mut train = TrainConfig::of(request, situation)?;
    model.settle(&mut train, lowerable)?;
    let asked = Footprint::of(model, &train)?;
    Ok(TrainingPlan {
        model_id: model.id().to_owned(),
        micro_batch_size: train.micro_batch_size,
        gradient_accumulation_steps: train.gradient_accumulation_steps,
        max_seq_len: train.max_seq_len,
        available_bytes: free_memory_bytes(),
        total_bytes: machine::memory().map(|memory| memory.total_bytes),
        ways: WAYS.iter().filter_map(|way| plan_way(&asked, way)).collect(),
    })
}

/// `None` for a way that the model does not have.
fn plan_way(
    asked: &Footprint<'_>,
    (id, method, base): &(&str, EngineMethod, Option<BasePrecisionName>),
) -> Option<WayPlan> {
    let way = asked.with(|options| {
        options.method = *method;
        // Eight bits are a choice of their own, which the plain ways keep.
        if base.is_some()
            || options.base_precision == Some(BasePrecisionName::Nf4)
            || *method == EngineMethod::Full
        {
            options.base_precision = *base;
        }
    });
    let (plan, standing) = way.plan(Lowerable::ALL).ok()?;
    let is_quantized = |base: Option<BasePrecisionName>| base == Some(BasePrecisionName::Nf4);
    let wanted = asked.options();
    Some(WayPlan {
        id: (*id).to_owned(),
        chosen: wanted.method == *method && is_quantized(wanted.base_precision) == is_quantized(*base),
        fits: standing == Standing::Fits,
        required_bytes: plan.total_bytes,
        parts: parts(&plan),
        smaller: match standing {
            Standing::Fits => None,
            Standing::TooLarge(smaller) => smaller,
        },
    })
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
