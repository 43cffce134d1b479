//! The proof run: a tiny training on this machine, whose results are checked, and the last one's outcome.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use chrono::{DateTime, Utc};
use engine::device::cpu::{CpuDevice, gemm};
use engine::trainer::proof::{Proof, prove};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult};
use super::extract::Json;
use super::state::AppState;
use crate::machine;

/// Where the last proof is kept among the settings.
const KEY: &str = "hardware_proof";

/// What a proof run showed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HardwareProof {
    /// What computed.
    pub device: String,
    /// Its results are right.
    pub ok: bool,
    /// What is wrong with them.
    pub problem: Option<String>,
    /// Operations that were compared with their definitions.
    pub operations: u64,
    /// Of the tiny training.
    pub steps: u64,
    /// Mean over the tokens, at its first step.
    pub first_loss: f64,
    /// At its last step.
    pub last_loss: f64,
    /// Relative difference of the gradient's length from the slope of the loss along it.
    pub gradient_error: f64,
    /// What is allowed of it.
    pub gradient_tolerance: f64,
    /// Of the tiny model: a real one is slower.
    pub tokens_per_second: f64,
    /// What the proof took.
    pub seconds: f64,
    /// UTC.
    pub checked_at: DateTime<Utc>,
}

/// The last proof run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LastProof {
    /// Null: none was done with what computes here now.
    pub proof: Option<HardwareProof>,
}

/// A proof as it is kept, with what it was done with.
#[derive(Serialize, Deserialize)]
struct Kept {
    machine: String,
    proof: HardwareProof,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(last, run))
}

/// The last proof run of what computes here
#[utoipa::path(get, path = "/api/hardware/proof", tag = "hardware", responses((status = 200, body = LastProof)))]
async fn last(State(state): State<AppState>) -> ApiResult<Json<LastProof>> {
    Ok(Json(LastProof { proof: of_this_machine(&state).await? }))
}

/// Compares this machine's operations with their definitions and trains a tiny model, which takes seconds
#[utoipa::path(post, path = "/api/hardware/proof", tag = "hardware",
    responses((status = 200, body = HardwareProof)))]
async fn run(State(state): State<AppState>) -> ApiResult<Json<HardwareProof>> {
    // One at a time: two would measure each other.
    static AT_WORK: Mutex<()> = Mutex::const_new(());
    let _turn = AT_WORK.lock().await;
    let threads = state.services.threads;
    let work = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        prove(Arc::new(CpuDevice::new(threads))).map(|proof| view(&proof, started.elapsed().as_secs_f64()))
    });
    let proof = work.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let kept = Kept { machine: machine_name(&state), proof };
    store::settings::set(&state.database, KEY, json!(kept)).await?;
    Ok(Json(kept.proof))
}

/// The last proof, if it was done with what computes here now.
pub async fn of_this_machine(state: &AppState) -> ApiResult<Option<HardwareProof>> {
    let stored = store::settings::get(&state.database, KEY).await?;
    let kept: Option<Kept> = stored.and_then(|value| serde_json::from_value(value).ok());
    let name = machine_name(state);
    Ok(kept.filter(|kept| kept.machine == name).map(|kept| kept.proof))
}

/// What a proof is about: another processor, other instructions or other threads need a new one.
fn machine_name(state: &AppState) -> String {
    let processor = machine::processor_name().unwrap_or_default();
    format!("{processor}, {}, {} threads", gemm::isa().name(), state.services.threads)
}

fn view(proof: &Proof, seconds: f64) -> HardwareProof {
    let training = &proof.training;
    HardwareProof {
        device: proof.device.clone(),
        ok: proof.ok,
        problem: proof.problem(),
        operations: proof.operations.len() as u64,
        steps: training.steps,
        first_loss: training.first_loss,
        last_loss: training.last_loss,
        gradient_error: training.gradient_error,
        gradient_tolerance: training.gradient_tolerance,
        tokens_per_second: training.tokens_per_second,
        seconds,
        checked_at: Utc::now(),
    }
}
