//! What this machine can do, and whether a training fits.

use axum::extract::State;
use engine::device::cpu::gemm;
use engine::trainer::fit::free_memory_bytes;
use serde::{Deserialize, Serialize};
use store::runs::{RunFilter, RunStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiResult;
use super::extract::{Json, Query};
use super::memory_fit::{Lowerable, PlannedModel};
use super::runs::RunConfig;
use super::state::AppState;
use super::train_config::{Method, Precision, TrainConfig};
use super::train_defaults::{Asked, Situation};
use crate::machine;

/// What computes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// `cpu`.
    pub kind: String,
    /// As the system names it.
    pub name: Option<String>,
    /// That run at the same time.
    pub threads: u64,
    /// The instructions that the program chose.
    #[schema(example = "avx512bf16")]
    pub isa: String,
}

/// Memory that the program may use.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct MemoryFacts {
    /// Null where the system does not tell.
    pub total_bytes: Option<u64>,
    /// Without swapping.
    pub available_bytes: Option<u64>,
}

/// Space where projects are kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DiskFacts {
    /// The data folder.
    pub path: String,
    /// Null where the system does not tell.
    pub total_bytes: Option<u64>,
    /// What may still be written.
    pub free_bytes: Option<u64>,
}

/// A training that fits this machine.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FitPlan {
    /// The model.
    pub model_id: String,
    /// These settings fit.
    pub fits: bool,
    /// What is trained.
    pub method: Method,
    /// What products are made of.
    pub precision: Precision,
    /// The largest up to the default that fits.
    pub micro_batch_size: u32,
    /// The largest up to the default that fits.
    pub max_seq_len: u32,
    /// What the training will allocate.
    pub required_bytes: u64,
    /// Null where the system does not tell.
    pub available_bytes: Option<u64>,
    /// Of the last finished training of this model on this machine; null when there was none.
    pub tokens_per_second: Option<f64>,
    /// What to know.
    pub advice: Vec<String>,
}

/// This machine.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Hardware {
    /// What computes.
    pub device: Device,
    /// Memory.
    pub memory: MemoryFacts,
    /// Space.
    pub disk: DiskFacts,
    /// Null without `model_id`.
    pub plan: Option<FitPlan>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CheckQuery {
    /// Also say what training of this model fits.
    model_id: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(check))
}

/// What this machine can do, and the training of a model that fits it
#[utoipa::path(get, path = "/api/hardware/check", tag = "hardware", params(CheckQuery),
    responses((status = 200, body = Hardware)))]
async fn check(State(state): State<AppState>, Query(query): Query<CheckQuery>) -> ApiResult<Json<Hardware>> {
    let memory = machine::memory();
    let disk = machine::disk(&state.config.data_dir);
    let plan = match query.model_id {
        Some(id) => Some(fit(&state, &id).await?),
        None => None,
    };
    Ok(Json(Hardware {
        device: Device {
            kind: "cpu".to_owned(),
            name: machine::processor_name(),
            threads: machine::threads() as u64,
            isa: gemm::isa().name().to_owned(),
        },
        memory: MemoryFacts {
            total_bytes: memory.map(|memory| memory.total_bytes),
            available_bytes: memory.map(|memory| memory.available_bytes),
        },
        disk: DiskFacts {
            path: state.config.data_dir.display().to_string(),
            total_bytes: disk.map(|disk| disk.total_bytes),
            free_bytes: disk.map(|disk| disk.free_bytes),
        },
        plan,
    }))
}

/// The usual training, made smaller where it does not fit.
async fn fit(state: &AppState, id: &str) -> ApiResult<FitPlan> {
    let model = PlannedModel::open(state, id)?;
    let wanted = TrainConfig::defaults(&Situation::of_model(&model), Asked::default());
    let mut train = wanted.clone();
    let (required_bytes, fits) = model.settle(&mut train, Lowerable::ALL)?;
    let mut advice = Vec::new();
    if !fits {
        advice.push("This model does not fit the free memory even with the smallest settings: close other programs or choose a smaller model.".to_owned());
    } else if train != wanted {
        advice.push("The usual settings do not fit the free memory: these smaller ones do.".to_owned());
    }
    if !gemm::isa().has_bf16() {
        advice.push("This processor has no bf16 instructions, so training computes in f32.".to_owned());
    }
    Ok(FitPlan {
        model_id: id.to_owned(),
        fits,
        method: train.method,
        precision: train.precision,
        micro_batch_size: train.micro_batch_size,
        max_seq_len: train.max_seq_len,
        required_bytes,
        available_bytes: free_memory_bytes(),
        tokens_per_second: measured_speed(state, id).await?,
        advice,
    })
}

/// Tokens a second of the last finished training of a model on this machine.
pub async fn measured_speed(state: &AppState, model_id: &str) -> ApiResult<Option<f64>> {
    let filter = RunFilter { status: Some(RunStatus::Completed), ..RunFilter::default() };
    let runs = store::runs::list(&state.database, store::Page::new(1, 50), filter).await?;
    for run in runs.items {
        if RunConfig::of(&run).is_ok_and(|config| config.settings.model_id == model_id)
            && let Some(step) = store::run_events::last_of(&state.database, run.id, &["step"]).await?
        {
            return Ok(step.payload.get("tokens_per_second").and_then(serde_json::Value::as_f64));
        }
    }
    Ok(None)
}
