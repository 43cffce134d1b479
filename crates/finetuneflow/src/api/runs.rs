//! Training runs: what they were asked to do, and what their stored events say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::run_events::{self, EventFilter, RunEvent};
use store::runs::{self as rows, RunFilter, RunStatus as RowStatus};
use store::{BlobKey, Page};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, InProject, Json, List, Paging, Path, Query};
use super::state::AppState;
use super::train_config::TrainConfig;
use crate::jobs::train::{TrainSettings, has_checkpoint};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for its turn.
    Queued,
    /// It trains.
    Running,
    /// Its process went away; it can go on from its last checkpoint.
    Interrupted,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl From<RowStatus> for RunStatus {
    fn from(status: RowStatus) -> Self {
        match status {
            RowStatus::Queued => Self::Queued,
            RowStatus::Running => Self::Running,
            RowStatus::Interrupted => Self::Interrupted,
            RowStatus::Completed => Self::Completed,
            RowStatus::Failed => Self::Failed,
            RowStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// Why a run failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunFailure {
    /// Stable name: of a known cause, `training_failed` or `interrupted`.
    #[schema(example = "out_of_memory")]
    pub code: String,
    /// The values that a translated text needs; `detail` is what cannot be translated.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What happened, in English.
    pub message: String,
    /// What the user can do.
    pub hint: String,
    /// Of the training process, if it ended by itself.
    pub exit_code: Option<i64>,
    /// The last lines that it wrote.
    pub last_lines: Vec<String>,
}

/// A training run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project_id: Uuid,
    /// Within the project, from 1.
    pub number: u64,
    /// Shown to people.
    pub name: String,
    /// The job that trains it, or did last.
    pub job_id: Option<Uuid>,
    /// Where it stands.
    pub status: RunStatus,
    /// The base model.
    pub model_id: String,
    /// Of a model of the hub: the commit that the run is bound to.
    pub model_commit: Option<String>,
    /// What was asked for.
    pub config: TrainConfig,
    /// The frozen data that it trains on.
    pub dataset_version_id: Option<Uuid>,
    /// The number of that version within the project.
    pub dataset_version: Option<u64>,
    /// Examples to train on; null until the data is frozen.
    pub train_examples: Option<u64>,
    /// Examples held back.
    pub eval_examples: Option<u64>,
    /// The last finished step.
    pub step: u64,
    /// Null until the training has begun.
    pub total_steps: Option<u64>,
    /// Times through the data.
    pub epoch: Option<f64>,
    /// 0 to 1.
    pub progress: f64,
    /// Of the last step.
    pub loss: Option<f64>,
    /// Of the last evaluation.
    pub eval_loss: Option<f64>,
    /// Of the last step.
    pub learning_rate: Option<f64>,
    /// Of the last step.
    pub tokens_per_second: Option<f64>,
    /// At the pace so far; null unless it runs.
    pub seconds_left: Option<f64>,
    /// What the training said at its start that it would take; null until it has begun.
    pub planned_memory_bytes: Option<u64>,
    /// The most that it took so far.
    pub peak_memory_bytes: Option<u64>,
    /// It stopped and has a checkpoint to go on from.
    pub resumable: bool,
    /// It can be talked to, evaluated and exported.
    pub has_adapter: bool,
    /// Why it failed or stopped.
    pub error: Option<RunFailure>,
    /// What the training reported at its end.
    #[schema(value_type = Option<Object>)]
    pub summary: Option<Value>,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// UTC.
    pub started_at: Option<DateTime<Utc>>,
    /// UTC.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One step of a training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StepMetrics {
    /// From 1.
    pub step: u64,
    /// Mean over the supervised tokens of the step.
    pub loss: Option<f64>,
    /// Before clipping.
    pub grad_norm: Option<f64>,
    /// Of this step.
    pub learning_rate: Option<f64>,
    /// Tokens that the loss is taken of.
    pub supervised_tokens: Option<u64>,
    /// All tokens.
    pub tokens: Option<u64>,
    /// Speed.
    pub tokens_per_second: Option<f64>,
    /// Times through the data.
    pub epoch: Option<f64>,
    /// Since the first step, over resumptions; evaluations and checkpoints do not count.
    pub seconds: Option<f64>,
    /// Memory of the training process.
    pub memory_bytes: Option<u64>,
    /// UTC.
    pub time: DateTime<Utc>,
}

/// One evaluation during a training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationMetrics {
    /// After this step.
    pub step: u64,
    /// Mean over the supervised tokens of the held-back examples.
    pub eval_loss: Option<f64>,
    /// Its exponential.
    pub perplexity: Option<f64>,
    /// Share of tokens that the model would have chosen.
    pub token_accuracy: Option<f64>,
    /// UTC.
    pub time: DateTime<Utc>,
}

/// What to change of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameRun {
    /// 1 to 200 characters.
    pub name: String,
}

/// The curves of a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// The run.
    pub run_id: Uuid,
    /// Each step once, in order, also after the run went on from a checkpoint.
    pub steps: Vec<StepMetrics>,
    /// In order.
    pub evaluations: Vec<EvaluationMetrics>,
}

/// What a run keeps of its start, in the store's `config` column: the job's settings and what people see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunConfig {
    /// Within the project, from 1.
    #[serde(default)]
    pub number: u64,
    /// Shown to people.
    #[serde(default)]
    pub name: String,
    /// As the job takes them.
    #[serde(flatten)]
    pub settings: TrainSettings,
}

impl RunConfig {
    /// Of a stored run.
    pub fn of(row: &rows::Run) -> ApiResult<Self> {
        serde_json::from_value(row.config.clone()).map_err(|error| {
            ApiError::internal(format!("run {}: its configuration cannot be read: {error}", row.id))
        })
    }
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, rename, delete))
        .routes(routes!(metrics))
        .routes(routes!(report))
}

/// Lists the runs, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/runs", tag = "runs",
    params(("project_id" = Uuid, Path), Paging), responses((status = 200, body = List<Run>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Run>>> {
    store::projects::get(&state.database, project_id).await?;
    let filter = RunFilter { project_id: Some(project_id), ..RunFilter::default() };
    let page = rows::list(&state.database, paging.page()?, filter).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        items.push(view(&state, row).await?);
    }
    Ok(Json(List { items, total: page.total, page: page.page, per_page: page.per_page }))
}

/// One run
#[utoipa::path(get, path = "/api/projects/{project_id}/runs/{run_id}", tag = "runs",
    params(("project_id" = Uuid, Path), ("run_id" = Uuid, Path)), responses((status = 200, body = Run)))]
async fn read(State(state): State<AppState>, Path((project_id, run_id)): InProject) -> ApiResult<Json<Run>> {
    let row = find(&state, project_id, run_id).await?;
    Ok(Json(view(&state, row).await?))
}

/// Gives a run another name
#[utoipa::path(patch, path = "/api/projects/{project_id}/runs/{run_id}", tag = "runs",
    params(("project_id" = Uuid, Path), ("run_id" = Uuid, Path)), request_body = RenameRun,
    responses((status = 200, body = Run)))]
async fn rename(
    State(state): State<AppState>,
    Path((project_id, run_id)): InProject,
    Json(body): Json<RenameRun>,
) -> ApiResult<Json<Run>> {
    let row = find(&state, project_id, run_id).await?;
    let name = body.name.trim().to_owned();
    let mut checks = Checks::default();
    checks.require(!name.is_empty(), "name", "is empty").require(
        name.chars().count() <= 200,
        "name",
        "is longer than 200 characters",
    );
    checks.finish()?;
    let config = RunConfig { name, ..RunConfig::of(&row)? };
    let change = rows::RunChange { config: Some(json!(config)), ..rows::RunChange::default() };
    let row = rows::update(&state.database, row.id, change).await?;
    Ok(Json(view(&state, row).await?))
}

/// Deletes a run: its course, its model and its exports
///
/// Not while a job of the project works with it: a training, a measuring, an export or a push.
#[utoipa::path(delete, path = "/api/projects/{project_id}/runs/{run_id}", tag = "runs",
    params(("project_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(state): State<AppState>,
    Path((project_id, run_id)): InProject,
) -> ApiResult<StatusCode> {
    let row = find(&state, project_id, run_id).await?;
    for kind in ["train", "evaluate", "export", "ollama_push"] {
        if let Some(job) = super::jobs::active(&state, project_id, Some(kind)).await?
            && (job.payload["run_id"] == json!(run_id) || row.job_id == Some(job.id))
        {
            return Err(ApiError::new(Code::AlreadyRunning, "A job works with this run.")
                .param("job_id", job.id.to_string()));
        }
    }
    rows::delete(&state.database, row.id).await?;
    for area in ["artifacts", "exports"] {
        let key = BlobKey::new(project_id, area, &run_id.to_string())?;
        state.blobs.delete_folder(&key).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The curves of a run
#[utoipa::path(get, path = "/api/projects/{project_id}/runs/{run_id}/metrics", tag = "runs",
    params(("project_id" = Uuid, Path), ("run_id" = Uuid, Path)), responses((status = 200, body = Metrics)))]
async fn metrics(
    State(state): State<AppState>,
    Path((project_id, run_id)): InProject,
) -> ApiResult<Json<Metrics>> {
    find(&state, project_id, run_id).await?;
    let kinds = Some(vec!["step".to_owned(), "evaluation".to_owned()]);
    let events =
        run_events::list(&state.database, run_id, &EventFilter { after: 0, kinds }, i64::MAX as u64).await?;
    // A run that went on from a checkpoint does the steps after it again: the last report of a step counts.
    let mut steps = BTreeMap::new();
    let mut evaluations = BTreeMap::new();
    for event in &events {
        let Some(step) = number(&event.payload, "step") else { continue };
        if event.kind == "step" {
            steps.insert(step, step_metrics(step, event));
        } else {
            evaluations.insert(step, evaluation_metrics(step, event));
        }
    }
    let steps = steps.into_values().collect();
    Ok(Json(Metrics { run_id, steps, evaluations: evaluations.into_values().collect() }))
}

/// The report of a run, as Markdown
///
/// Figures before and after, answers by document, exports, data, settings and the end of the log; made of what is stored now.
#[utoipa::path(get, path = "/api/projects/{project_id}/runs/{run_id}/report", tag = "runs",
    params(("project_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/markdown", body = String)))]
async fn report(State(state): State<AppState>, Path((project_id, run_id)): InProject) -> ApiResult<Response> {
    let run = find(&state, project_id, run_id).await?;
    let facts = crate::run_report::facts(&state.database, &state.blobs, &run).await;
    let text = export::report::markdown(&facts.map_err(ApiError::internal)?);
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

fn step_metrics(step: u64, event: &RunEvent) -> StepMetrics {
    let payload = &event.payload;
    StepMetrics {
        step,
        loss: float(payload, "loss"),
        grad_norm: float(payload, "grad_norm"),
        learning_rate: float(payload, "learning_rate"),
        supervised_tokens: number(payload, "supervised_tokens"),
        tokens: number(payload, "tokens"),
        tokens_per_second: float(payload, "tokens_per_second"),
        epoch: float(payload, "epoch"),
        seconds: float(payload, "seconds"),
        memory_bytes: number(payload, "memory_bytes"),
        time: event.created_at,
    }
}

fn evaluation_metrics(step: u64, event: &RunEvent) -> EvaluationMetrics {
    EvaluationMetrics {
        step,
        eval_loss: float(&event.payload, "eval_loss"),
        perplexity: float(&event.payload, "perplexity"),
        token_accuracy: float(&event.payload, "token_accuracy"),
        time: event.created_at,
    }
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

fn float(value: &Value, name: &str) -> Option<f64> {
    value.get(name).and_then(Value::as_f64)
}

/// One run of a project.
pub async fn find(state: &AppState, project_id: Uuid, run_id: Uuid) -> ApiResult<rows::Run> {
    let missing = || ApiError::missing(Code::RunNotFound, "run", run_id);
    let row = rows::get(&state.database, run_id).await?;
    if row.project_id == project_id { Ok(row) } else { Err(missing()) }
}

/// How many runs a project has.
pub async fn count(state: &AppState, project_id: Uuid) -> ApiResult<u64> {
    let filter = RunFilter { project_id: Some(project_id), ..RunFilter::default() };
    Ok(rows::list(&state.database, Page::new(1, 1), filter).await?.total)
}

/// The loss of the run's last step; `None` before its first.
pub async fn last_loss(state: &AppState, run_id: Uuid) -> ApiResult<Option<f64>> {
    let step = run_events::last_of(&state.database, run_id, &["step"]).await?;
    Ok(step.and_then(|event| float(&event.payload, "loss")))
}

/// The number of a project's next run.
pub async fn next_number(state: &AppState, project_id: Uuid) -> ApiResult<u64> {
    match rows::latest(&state.database, project_id).await? {
        Some(row) => Ok(RunConfig::of(&row)?.number + 1),
        None => Ok(1),
    }
}

/// The named run, or the newest; `None` when the project has none.
pub async fn named_or_latest(
    state: &AppState,
    project_id: Uuid,
    run_id: Option<Uuid>,
) -> ApiResult<Option<rows::Run>> {
    match run_id {
        Some(run_id) => find(state, project_id, run_id).await.map(Some),
        None => {
            store::projects::get(&state.database, project_id).await?;
            Ok(rows::latest(&state.database, project_id).await?)
        }
    }
}

/// The named run, or the newest that has a result to use; an error that says what to do when there is none.
pub async fn with_result(state: &AppState, project_id: Uuid, run_id: Option<Uuid>) -> ApiResult<rows::Run> {
    if let Some(run_id) = run_id {
        let row = find(state, project_id, run_id).await?;
        if has_result(state, &row)? {
            return Ok(row);
        }
        return Err(ApiError::new(Code::NotFinished, "This run has no trained model yet.")
            .hint("Wait until the training ends, or choose a run that has ended."));
    }
    store::projects::get(&state.database, project_id).await?;
    for page in 1.. {
        let filter =
            RunFilter { project_id: Some(project_id), status: Some(RowStatus::Completed), job_id: None };
        let page = rows::list(&state.database, Page::new(page, 100), filter).await?;
        if page.items.is_empty() {
            break;
        }
        for row in page.items {
            if has_result(state, &row)? {
                return Ok(row);
            }
        }
    }
    Err(ApiError::new(Code::NothingToDo, "The project has no trained model yet.")
        .hint("Train a model first.")
        .reason("no_trained_model"))
}

/// The run's folder: results at its top, checkpoints inside.
pub fn folder(state: &AppState, row: &rows::Run) -> ApiResult<PathBuf> {
    let key = BlobKey::new(row.project_id, "artifacts", &row.id.to_string())?;
    state.blobs.local_path(&key).ok_or_else(|| {
        ApiError::new(Code::Unavailable, "The files of runs are not on this machine.")
            .hint("Ask on the machine that trained this run.")
    })
}

/// Where the trained weights are, once the run has ended well.
pub fn has_result(state: &AppState, row: &rows::Run) -> ApiResult<bool> {
    if row.status != RowStatus::Completed {
        return Ok(false);
    }
    let folder = folder(state, row)?;
    let names = ["adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json"];
    Ok(names.iter().any(|name| folder.join(name).is_file()))
}

/// True when the run stopped early and has a checkpoint.
pub fn is_resumable(state: &AppState, row: &rows::Run) -> bool {
    let stopped = matches!(row.status, RowStatus::Interrupted | RowStatus::Failed | RowStatus::Cancelled);
    stopped && has_checkpoint(&state.blobs, row)
}

/// A stored run as the API shows it.
pub async fn view(state: &AppState, row: rows::Run) -> ApiResult<Run> {
    let database = &state.database;
    let config = RunConfig::of(&row)?;
    let last = |kinds: &'static [&'static str]| run_events::last_of(database, row.id, kinds);
    let step = last(&["step"]).await?;
    let evaluation = last(&["evaluation"]).await?;
    let ended =
        last(&["completed", "failed", "cancelled", "interrupted"]).await?.filter(|_| is_over(row.status));
    let first = EventFilter { after: 0, kinds: Some(vec!["started".to_owned(), "resumed".to_owned()]) };
    let started = run_events::list(database, row.id, &first, 1).await?.into_iter().next();
    let plan = last(&["plan"]).await?;
    let steps = step.as_ref().map(|event| &event.payload);
    let of_step = |name: &str| steps.and_then(|payload| float(payload, name));
    let done = steps.and_then(|payload| number(payload, "step")).unwrap_or(0);
    let total_steps = steps
        .and_then(|payload| number(payload, "total_steps"))
        .or_else(|| plan.as_ref().and_then(|event| number(&event.payload, "total_steps")));
    let progress = match (row.status, total_steps) {
        (RowStatus::Completed, _) => 1.0,
        (_, Some(total)) if total > 0 => done as f64 / total as f64,
        _ => 0.0,
    };
    let version = match row.dataset_version_id {
        Some(id) => store::dataset_versions::get(database, row.project_id, id).await.ok(),
        None => None,
    };
    let error = match ended.as_ref().and_then(|event| failure(row.status, event)) {
        Some(error) if error.last_lines.is_empty() && row.status == RowStatus::Failed => {
            Some(RunFailure { last_lines: last_lines(state, &row).await?, ..error })
        }
        error => error,
    };
    Ok(Run {
        resumable: is_resumable(state, &row),
        has_adapter: has_result(state, &row)?,
        error,
        summary: ended.as_ref().filter(|event| event.kind == "completed").map(|event| event.payload.clone()),
        seconds_left: steps.filter(|_| row.status == RowStatus::Running).and_then(seconds_left),
        id: row.id,
        project_id: row.project_id,
        number: config.number,
        name: if config.name.is_empty() { "Run".to_owned() } else { config.name },
        job_id: row.job_id,
        status: row.status.into(),
        config: TrainConfig::of_settings(&config.settings),
        model_id: config.settings.model_id,
        model_commit: config.settings.commit,
        dataset_version_id: row.dataset_version_id,
        dataset_version: version.as_ref().map(|version| version.number.unsigned_abs()),
        train_examples: version.as_ref().map(|version| version.train_count.unsigned_abs()),
        eval_examples: version.as_ref().map(|version| version.eval_count.unsigned_abs()),
        step: done,
        total_steps,
        epoch: of_step("epoch"),
        progress,
        loss: of_step("loss"),
        eval_loss: evaluation.as_ref().and_then(|event| float(&event.payload, "eval_loss")),
        learning_rate: of_step("learning_rate"),
        tokens_per_second: of_step("tokens_per_second"),
        planned_memory_bytes: plan.as_ref().and_then(|event| number(&event.payload["plan"], "total_bytes")),
        peak_memory_bytes: steps.and_then(|payload| number(payload, "peak_memory_bytes")),
        created_at: row.created_at,
        started_at: started.map(|event| event.created_at),
        finished_at: ended.map(|event| event.created_at),
    })
}

/// Nobody works on it now.
pub fn is_over(status: RowStatus) -> bool {
    status.is_final() || status == RowStatus::Interrupted
}

/// At the pace since the first step.
pub fn seconds_left(step: &Value) -> Option<f64> {
    let done = number(step, "step")?;
    let left = number(step, "total_steps")?.saturating_sub(done);
    let seconds = float(step, "seconds")?;
    (done > 0).then(|| seconds / done as f64 * left as f64)
}

/// The last lines that the training process wrote.
async fn last_lines(state: &AppState, row: &rows::Run) -> ApiResult<Vec<String>> {
    let filter = EventFilter { after: row.last_sequence - 20, kinds: Some(vec!["log".to_owned()]) };
    let events = run_events::list(&state.database, row.id, &filter, 20).await?;
    let line = |event: &RunEvent| event.payload.get("line").and_then(Value::as_str).map(str::to_owned);
    Ok(events.iter().filter_map(line).collect())
}

fn failure(status: RowStatus, event: &RunEvent) -> Option<RunFailure> {
    let payload = &event.payload;
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
    let (code, hint) = match status {
        RowStatus::Failed => ("training_failed", "Remove the cause that is named and start it again."),
        RowStatus::Interrupted => ("interrupted", "Resume it: it goes on from its last checkpoint."),
        _ => return None,
    };
    let message = text("message").or_else(|| text("error")).or_else(|| text("reason"));
    let lines = payload.get("last_lines").and_then(Value::as_array);
    Some(RunFailure {
        code: text("code").unwrap_or_else(|| code.to_owned()),
        params: payload.get("params").and_then(Value::as_object).cloned().unwrap_or_default(),
        message: message.unwrap_or_else(|| "The training ended before its end.".to_owned()),
        hint: text("hint").unwrap_or_else(|| hint.to_owned()),
        exit_code: payload.get("exit_code").and_then(Value::as_i64),
        last_lines: lines.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
