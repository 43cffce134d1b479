//! Whether the server's parts work.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Page;
use store::jobs::JobFilter;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Json;
use super::state::AppState;

const CONNECTED: &str = "connected";

/// The state of the server's parts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when a part does not work.
    #[schema(example = "ok")]
    pub status: String,
    /// Of the program.
    pub version: String,
    /// Since the start.
    pub uptime_seconds: u64,
    /// `connected`, or why not.
    #[schema(example = "connected")]
    pub database: String,
    /// `connected`, or why not.
    #[schema(example = "connected")]
    pub queue: String,
    /// `connected`, or why not.
    #[schema(example = "connected")]
    pub storage: String,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(api_health))
}

/// Whether the server's parts work
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    check(&state).await
}

/// The same below `/api`
#[utoipa::path(get, path = "/api/health", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn api_health(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    check(&state).await
}

async fn check(state: &AppState) -> (StatusCode, Json<Health>) {
    let word = |outcome: Result<(), String>| outcome.err().unwrap_or_else(|| CONNECTED.to_owned());
    let database = word(state.database.ping().await.map_err(|error| error.to_string()));
    let queue = store::jobs::list(&state.database, Page::new(1, 1), JobFilter::default()).await;
    let queue = word(queue.map(drop).map_err(|error| error.to_string()));
    let storage = word(state.blobs.ping().await.map_err(|error| error.to_string()));
    let good = [&database, &queue, &storage].iter().all(|part| *part == CONNECTED);
    let health = Health {
        status: if good { "ok" } else { "degraded" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: state.started.elapsed().as_secs(),
        database,
        queue,
        storage,
    };
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}
