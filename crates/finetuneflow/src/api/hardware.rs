//! What this machine can do, and whether a training fits.

use axum::extract::State;
use engine::device::cpu::{CpuDevice, gemm};
use engine::models::spec_of;
use engine::trainer::TrainError;
use engine::trainer::fit::{Fitter, free_memory_bytes, micro_batches};
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use store::runs::{RunFilter, RunStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Query};
use super::runs::RunConfig;
use super::state::AppState;
use super::train_config::{Method, Precision, TrainConfig};
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

/// The default training, made smaller until it fits.
async fn fit(state: &AppState, id: &str) -> ApiResult<FitPlan> {
    let model = super::models::usable(state, id)?;
    let available = free_memory_bytes();
    let mut train = TrainConfig::defaults(model.context_length.unwrap_or(2048));
    let mut required = required_bytes(state, id, &train)?;
    let fits = |required: u64| available.is_none_or(|available| required <= available);
    let mut advice = Vec::new();
    while !fits(required) && (train.micro_batch_size > 1 || train.max_seq_len > 128) {
        if train.micro_batch_size > 1 {
            train.micro_batch_size /= 2;
        } else {
            train.max_seq_len = (train.max_seq_len / 2).max(128);
        }
        required = required_bytes(state, id, &train)?;
    }
    let wanted = TrainConfig::defaults(model.context_length.unwrap_or(2048));
    if !fits(required) {
        advice.push("This model does not fit the free memory even with the smallest settings: close other programs or choose a smaller model.".to_owned());
    } else if train != wanted {
        advice.push("The usual settings do not fit the free memory: these smaller ones do.".to_owned());
    }
    if !gemm::isa().has_bf16() {
        advice.push("This processor has no bf16 instructions, so training computes in f32.".to_owned());
    }
    Ok(FitPlan {
        model_id: id.to_owned(),
        fits: fits(required),
        method: train.method,
        precision: train.precision,
        micro_batch_size: train.micro_batch_size,
        max_seq_len: train.max_seq_len,
        required_bytes: required,
        available_bytes: available,
        tokens_per_second: measured_speed(state, id).await?,
        advice,
    })
}

/// What the training will allocate with the recomputation that it would choose.
fn required_bytes(state: &AppState, model_id: &str, train: &TrainConfig) -> ApiResult<u64> {
    let wrong = |error: &dyn std::fmt::Display| {
        ApiError::new(Code::InvalidModel, format!("The model {model_id} cannot be used: {error}."))
    };
    let dir = state.services.models.dir(model_id).map_err(|error| wrong(&error))?;
    let config = ModelConfig::open(&dir).map_err(|error| wrong(&error))?;
    let spec = spec_of(&config).map_err(|error| wrong(&error))?;
    let options = train.options(dir).map_err(|error| ApiError::invalid_field("layers", error.to_string()))?;
    let invalid = |error: TrainError| ApiError::invalid_field("target_modules", error.to_string());
    let (rows, context) = (train.micro_batch_size as usize, train.max_seq_len as usize);
    let (device, batches) = (CpuDevice::new(1), micro_batches(None, None, options.packing));
    let fitter = Fitter::of(&options, &device, &spec, &batches).map_err(invalid)?;
    let recompute = fitter.recompute(rows, context);
    Ok(fitter.plan(rows, context, recompute).total_bytes)
}

/// Refuses a training that would not fit into the free memory, naming what would.
pub fn require_fit(state: &AppState, model_id: &str, train: &TrainConfig) -> ApiResult<()> {
    let required = required_bytes(state, model_id, train)?;
    let Some(available) = free_memory_bytes() else { return Ok(()) };
    if required <= available {
        return Ok(());
    }
    let mut smaller = train.clone();
    while smaller.micro_batch_size > 1 && required_bytes(state, model_id, &smaller)? > available {
        smaller.micro_batch_size /= 2;
    }
    while smaller.max_seq_len > 64 && required_bytes(state, model_id, &smaller)? > available {
        smaller.max_seq_len /= 2;
    }
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let message = format!(
        "This training needs {} MiB of memory and {} MiB are available to it.",
        mebibytes(required),
        mebibytes(available)
    );
    let error = ApiError::new(Code::DoesNotFit, message)
        .param("required_bytes", required)
        .param("available_bytes", available);
    if required_bytes(state, model_id, &smaller)? > available {
        return Err(error.hint("Close other programs or choose a smaller model."));
    }
    let (rows, tokens) = (smaller.micro_batch_size, smaller.max_seq_len);
    Err(error
        .hint(format!("Set micro_batch_size to {rows} and max_seq_len to {tokens}."))
        .param("micro_batch_size", rows)
        .param("max_seq_len", tokens))
}

async fn measured_speed(state: &AppState, model_id: &str) -> ApiResult<Option<f64>> {
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
