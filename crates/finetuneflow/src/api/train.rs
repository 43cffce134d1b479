//! Training: start, watch, stop, go on.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::run_events::{self, EventFilter, RunEvent};
use store::runs::{self as rows, RunStatus as RowStatus};
use store::{Live, Topic};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path, Query};
use super::jobs::Job;
use super::memory_fit::{Lowerable, PlannedModel};
use super::projects::ProjectSettings;
use super::runs::{self, Run, RunConfig};
use super::sse::{self, Message};
use super::state::AppState;
use super::train_config::{TrainConfig, TrainRequest};
use super::train_defaults::Situation;

/// Events that are read at a time.
const PART: u64 = 500;

/// A training that was started.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainStarted {
    /// The job that trains.
    pub job: Job,
    /// What it trains.
    pub run: Run,
}

/// A training's state.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainStatus {
    /// Null when the project has no run.
    pub run: Option<Run>,
}

/// Which run is meant.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichRun {
    /// Left out: the newest.
    pub run_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    /// Left out: the newest.
    run_id: Option<Uuid>,
    /// Go on after this event, where the header `Last-Event-ID` cannot be sent.
    last_event_id: Option<i64>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(status))
        .routes(routes!(cancel))
        .routes(routes!(resume))
        .routes(routes!(stream))
}

/// Starts a training on the approved examples
#[utoipa::path(post, path = "/api/projects/{project_id}/train/start", tag = "train",
    params(("project_id" = Uuid, Path)), request_body = TrainRequest,
    responses((status = 202, body = TrainStarted)))]
async fn start(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<TrainRequest>,
) -> ApiResult<(StatusCode, Json<TrainStarted>)> {
    let started = begin(&state, project_id, body).await?;
    Ok((StatusCode::ACCEPTED, Json(started)))
}

/// Checks, stores the run and queues its job.
pub async fn begin(state: &AppState, project_id: Uuid, mut body: TrainRequest) -> ApiResult<TrainStarted> {
    let project = store::projects::get(&state.database, project_id).await?;
    let settings = ProjectSettings::of(&project);
    let model = PlannedModel::open(state, &settings.model_id)?;
    let name = body.name.take().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let lowerable = Lowerable::of(&body);
    let situation = Situation::of_project(state, project_id, &model).await?;
    let mut train = TrainConfig::of(body, &situation)?;
    super::examples::require_approved(state, project_id).await?;
    refuse_second(state, project_id).await?;
    if let (_, false) = model.settle(&mut train, lowerable)? {
        model.require_fit(&train)?;
    }
    let number = runs::next_number(state, project_id).await?;
    let settings = train.settings(&settings.model_id, model.commit);
    let (run, job) = crate::jobs::train::start(&state.database, project_id, &settings, None).await?;
    let config = RunConfig { number, name: name.unwrap_or_else(|| format!("Run {number}")), settings };
    let change = rows::RunChange { config: Some(json!(config)), ..rows::RunChange::default() };
    let run = rows::update(&state.database, run.id, change).await?;
    Ok(TrainStarted { job: job.into(), run: runs::view(state, run).await? })
}

async fn refuse_second(state: &AppState, project_id: Uuid) -> ApiResult<()> {
    match super::jobs::active(state, project_id, Some("train")).await? {
        None => Ok(()),
        Some(job) => {
            Err(ApiError::new(Code::AlreadyRunning, "A training of this project waits or runs already.")
                .param("job_id", job.id.to_string()))
        }
    }
}

/// The newest or the named run
#[utoipa::path(get, path = "/api/projects/{project_id}/train/status", tag = "train",
    params(("project_id" = Uuid, Path), WhichRun), responses((status = 200, body = TrainStatus)))]
async fn status(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(which): Query<WhichRun>,
) -> ApiResult<Json<TrainStatus>> {
    let run = match runs::named_or_latest(&state, project_id, which.run_id).await? {
        Some(row) => Some(runs::view(&state, row).await?),
        None => None,
    };
    Ok(Json(TrainStatus { run }))
}

/// Stops a training
///
/// It writes a checkpoint first, so that it can go on later. A run that has ended comes back as it is.
#[utoipa::path(post, path = "/api/projects/{project_id}/train/cancel", tag = "train",
    params(("project_id" = Uuid, Path)), request_body = WhichRun, responses((status = 200, body = TrainStatus)))]
async fn cancel(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(which): Json<WhichRun>,
) -> ApiResult<Json<TrainStatus>> {
    let row = required(&state, project_id, which.run_id).await?;
    // The job of an interrupted run may wait to go on with it.
    if let (false, Some(job_id)) = (row.status.is_final(), row.job_id) {
        super::jobs::request_cancel(&state, job_id).await?;
    }
    let row = rows::get(&state.database, row.id).await?;
    Ok(Json(TrainStatus { run: Some(runs::view(&state, row).await?) }))
}

/// Goes on with a stopped training from its last checkpoint
#[utoipa::path(post, path = "/api/projects/{project_id}/train/resume", tag = "train",
    params(("project_id" = Uuid, Path)), request_body = WhichRun, responses((status = 202, body = TrainStarted)))]
async fn resume(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(which): Json<WhichRun>,
) -> ApiResult<(StatusCode, Json<TrainStarted>)> {
    let row = required(&state, project_id, which.run_id).await?;
    refuse_second(&state, project_id).await?;
    if !runs::is_resumable(&state, &row) {
        let message = format!("This run cannot go on: it is {} or has no checkpoint.", row.status);
        return Err(ApiError::new(Code::NotResumable, message).param("status", row.status.as_str()));
    }
    let (run, job) = crate::jobs::train::resume(&state.database, row.id).await?;
    let started = TrainStarted { job: job.into(), run: runs::view(&state, run).await? };
    Ok((StatusCode::ACCEPTED, Json(started)))
}

async fn required(state: &AppState, project_id: Uuid, run_id: Option<Uuid>) -> ApiResult<rows::Run> {
    let found = runs::named_or_latest(state, project_id, run_id).await?;
    found.ok_or_else(|| {
        ApiError::new(Code::NothingToDo, "The project has no run.")
            .hint("Start a training first.")
            .reason("no_run")
    })
}

/// Watches a training
///
/// Server-sent events `status`, `plan`, `log`, `step`, `evaluation`, `checkpoint` and `stopped_early` from the first one (or after
/// `Last-Event-ID`), stored ones first, then live; `end` when nothing more will come.
#[utoipa::path(get, path = "/api/projects/{project_id}/train/logs/stream", tag = "train",
    params(("project_id" = Uuid, Path), StreamQuery),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn stream(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let after = sse::last_event_id(&headers, query.last_event_id)?;
    let run = required(&state, project_id, query.run_id).await?;
    Ok(sse::answer(watch(state, run.id, after)))
}

/// The run's events after a number: stored ones, then those that come, then `end`.
fn watch(state: AppState, run_id: Uuid, mut after: i64) -> impl futures::Stream<Item = Message> + Send {
    async_stream::stream! {
        // Subscribed before the first look, so that no event falls between.
        let mut subscription = state.database.live().subscribe(Topic::Run(run_id));
        loop {
            // Looked at before the events: one that ends the run is then among those that are read.
            let Ok(run) = rows::get(&state.database, run_id).await else { return };
            loop {
                let filter = EventFilter { after, kinds: None };
                let Ok(events) = run_events::list(&state.database, run_id, &filter, PART).await else { return };
                let Some(last) = events.last() else { break };
                after = last.sequence;
                for event in events {
                    yield message(event);
                }
            }
            if is_settled(&state, &run).await {
                yield end(&state, &run).await;
                return;
            }
            tokio::select! {
                live = subscription.next() => if live.is_none_or(|live| matches!(live, Live::Lagged(0))) { return },
                () = state.stopping.cancelled() => return,
            }
        }
    }
}

/// Nothing more will come by itself: the run is over and no job waits to take it up again.
async fn is_settled(state: &AppState, run: &rows::Run) -> bool {
    if run.status.is_final() {
        return true;
    }
    if run.status != RowStatus::Interrupted {
        return false;
    }
    match run.job_id {
        Some(job_id) => {
            store::jobs::get(&state.database, job_id).await.is_ok_and(|job| job.status.is_final())
        }
        None => true,
    }
}

/// A stored event as it is sent.
fn message(event: RunEvent) -> Message {
    let RunEvent { run_id, sequence, kind, payload, created_at } = event;
    let status = RowStatus::from_event_kind(&kind);
    let (event, fields) = match (kind.as_str(), status) {
        (_, Some(status)) => ("status", with(payload, "status", json!(status))),
        ("step", _) => {
            let left = json!(runs::seconds_left(&payload));
            ("step", with(payload, "seconds_left", left))
        }
        ("log", _) if payload.get("event").is_some_and(|event| event == "stopped_early") => {
            let step = payload.get("at_step").cloned();
            ("stopped_early", json!({ "step": step, "best_step": payload.get("best_step") }))
        }
        ("log", _) => {
            let said = payload.get("line").or_else(|| payload.get("message"));
            let line = said.cloned().unwrap_or_else(|| payload.to_string().into());
            ("log", json!({ "level": "info", "message": line }))
        }
        ("warning", _) => {
            let (code, params, message) =
                (payload.get("kind"), payload.get("params"), payload.get("message"));
            ("log", json!({ "level": "warning", "code": code, "params": params, "message": message }))
        }
        ("checkpoint", _) => ("checkpoint", json!({ "step": payload.get("at_step") })),
        (kind, _) => (kind, payload),
    };
    let mut data = json!({ "run_id": run_id, "time": created_at });
    if let (Some(all), Value::Object(fields)) = (data.as_object_mut(), fields) {
        all.extend(
            fields.into_iter().filter(|(name, _)| !matches!(name.as_str(), "run_id" | "time" | "event")),
        );
    }
    Message { id: Some(sequence), event: event.to_owned(), data }
}

fn with(mut payload: Value, name: &str, value: Value) -> Value {
    if let Some(fields) = payload.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    payload
}

async fn end(state: &AppState, run: &rows::Run) -> Message {
    let view = match rows::get(&state.database, run.id).await {
        Ok(row) => runs::view(state, row).await.ok(),
        Err(_) => None,
    };
    let error = view.as_ref().and_then(|view| view.error.as_ref()).map_or(Value::Null, |error| json!(error));
    Message::new(
        "end",
        json!({ "run_id": run.id, "time": run.updated_at, "status": run.status, "error": error }),
    )
}
