//! Examples written by a language model: try, write, pause, go on, and see what was asked.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::examples::ExampleStatus as RowStatus;
use store::generation_units::{self as units, UnitStatus};
use store::jobs::JobFilter;
use store::provider_calls;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::jobs::{Job, JobStarted};
use super::prompts::own_prompt;
use super::state::AppState;
use crate::generation::{Budget, Options, Task};
use crate::jobs::JobKind;
use crate::jobs::dataset_preview::DatasetPreview;
use crate::jobs::dataset_write::DatasetWrite;
use crate::providers::connection;

/// What a language model is to write.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteDataset {
    /// One of `GET /api/settings/providers`; default `ollama`.
    pub connection: Option<String>,
    /// The model's name there; left out: the connection's own.
    pub model: Option<String>,
    /// `question_answer` (default), `instruction`, `summary` or `chat`.
    pub task: Option<String>,
    /// Of the examples, in words; default: the project's language.
    #[schema(example = "French")]
    pub language: Option<String>,
    /// In words.
    #[schema(example = "plain and friendly")]
    pub tone: Option<String>,
    /// 1 to 20; default 5.
    pub examples_per_chunk: Option<u32>,
    /// Of a reply, 64 to 32768; default 2048.
    pub max_tokens: Option<u32>,
    /// 0 to 2; default 0.7.
    pub temperature: Option<f32>,
    /// Ask the server to keep replies to a schema; default true.
    pub use_schema: Option<bool>,
    /// A prompt for this once: `version: …`, system message and user message, apart by lines of `---`; left out: the project's.
    pub prompt: Option<String>,
    /// Which documents; left out: all.
    pub file_ids: Option<Vec<Uuid>>,
    /// The examples start approved; default false.
    pub approve: Option<bool>,
    /// The work stops after so many calls.
    pub max_calls: Option<u64>,
    /// The work stops after so many tokens.
    pub max_total_tokens: Option<u64>,
}

/// What may be changed when work goes on.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoOn {
    /// The new bound, all calls so far included.
    pub max_calls: Option<u64>,
    /// The new bound, all tokens so far included.
    pub max_total_tokens: Option<u64>,
}

/// The project's newest piece of work; what went on with it belongs to it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Writing {
    /// The newest job of it.
    pub job: Job,
    /// The job that began it: its units and calls go by this id.
    pub units_of: Uuid,
    /// Chunks that are not done yet.
    pub pending: u64,
    /// Chunks whose examples are stored.
    pub done: u64,
    /// Chunks that were set aside.
    pub quarantined: u64,
    /// Calls so far.
    pub calls: u64,
    /// As the provider counts.
    pub prompt_tokens: u64,
    /// As the provider counts.
    pub completion_tokens: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Which bound stopped it.
    pub stopped: Option<String>,
    /// What was asked for, with what the request left out.
    pub request: WriteDataset,
}

/// How far the writing is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WritingStatus {
    /// Null: nothing was ever written.
    pub work: Option<Writing>,
}

/// A chunk's part of the work.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnitView {
    /// The chunk, while it exists.
    pub chunk_id: Option<Uuid>,
    /// Its place in the work, from 0.
    pub ordinal: u64,
    /// `pending`, `done` or `quarantined`.
    pub status: String,
    /// Examples that it gave.
    pub examples: u64,
    /// Why it was set aside.
    pub reason: Option<String>,
    /// UTC.
    pub updated_at: DateTime<Utc>,
}

/// A call that was made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CallView {
    /// Its id.
    pub id: Uuid,
    /// The job.
    pub job_id: Option<Uuid>,
    /// The chunk whose text was sent.
    pub chunk_id: Option<Uuid>,
    /// The connection.
    pub connection: String,
    /// Where it went.
    pub address: String,
    /// The model that was asked.
    pub model: String,
    /// `generate` or `repair`.
    pub purpose: String,
    /// `sent`, `replied` or `failed`.
    pub status: String,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Until the end of the reply.
    pub duration_ms: u64,
    /// As the provider counts.
    pub prompt_tokens: Option<u64>,
    /// As the provider counts.
    pub completion_tokens: Option<u64>,
    /// What the model said.
    pub reply: Option<String>,
    /// Why there is no reply.
    pub error: Option<String>,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfJob {
    /// Only of this work.
    job_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UnitQuery {
    /// The job that began the work.
    job_id: Uuid,
    /// `pending`, `done` or `quarantined`.
    status: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .routes(routes!(status, write))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(list_units))
        .routes(routes!(list_calls))
}

/// Tries a few chunks, and estimates the whole
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/preview", tag = "generation",
    params(("project_id" = Uuid, Path)), request_body = WriteDataset, responses((status = 202, body = JobStarted)))]
async fn preview(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<WriteDataset>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let options = options(&state, project_id, &body).await?;
    let job = DatasetPreview { project_id, file_ids: body.file_ids, options };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Has a language model write examples of the chunks
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/write", tag = "generation",
    params(("project_id" = Uuid, Path)), request_body = WriteDataset, responses((status = 202, body = JobStarted)))]
async fn write(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<WriteDataset>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let options = options(&state, project_id, &body).await?;
    nothing_runs(&state, project_id).await?;
    let status = if body.approve.unwrap_or(false) { RowStatus::Approved } else { RowStatus::Pending };
    let job = DatasetWrite { project_id, file_ids: body.file_ids, options, status, continues: None };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Pauses the writing
///
/// What is done is kept; `resume` goes on with the rest.
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/write/pause", tag = "generation",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = Job)))]
async fn pause(State(state): State<AppState>, Path(project_id): Path<Uuid>) -> ApiResult<Json<Job>> {
    store::projects::get(&state.database, project_id).await?;
    match super::jobs::active(&state, project_id, Some(DatasetWrite::KIND)).await? {
        Some(job) => Ok(Json(super::jobs::request_cancel(&state, job.id).await?.into())),
        None => Err(ApiError::new(Code::NothingToDo, "Nothing is being written.").reason("nothing_written")),
    }
}

/// Goes on with the writing that was paused, failed or reached its bound
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/write/resume", tag = "generation",
    params(("project_id" = Uuid, Path)), request_body = GoOn, responses((status = 202, body = JobStarted)))]
async fn resume(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<GoOn>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    nothing_runs(&state, project_id).await?;
    let nothing =
        || ApiError::new(Code::NothingToDo, "No writing is left to go on with.").reason("nothing_left");
    let (_, job, owner) = newest(&state, project_id).await?.ok_or_else(nothing)?;
    if units::counts(&state.database, owner).await?.pending == 0 {
        return Err(nothing());
    }
    let budget = Budget { max_calls: body.max_calls, max_tokens: body.max_total_tokens };
    let job = DatasetWrite { continues: Some(owner), options: Options { budget, ..job.options }, ..job };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// How far the writing is
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/write", tag = "generation",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = WritingStatus)))]
async fn status(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
) -> ApiResult<Json<WritingStatus>> {
    store::projects::get(&state.database, project_id).await?;
    let Some((row, job, owner)) = newest(&state, project_id).await? else {
        return Ok(Json(WritingStatus { work: None }));
    };
    let counts = units::counts(&state.database, owner).await?;
    let usage = provider_calls::usage(&state.database, owner).await?;
    let stopped = row.result.as_ref().and_then(|result| result.get("stopped")?.as_str().map(str::to_owned));
    Ok(Json(WritingStatus {
        work: Some(Writing {
            job: row.into(),
            units_of: owner,
            pending: counts.pending,
            done: counts.done,
            quarantined: counts.quarantined,
            calls: usage.calls,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            sent_bytes: usage.sent_bytes,
            stopped,
            request: requested(job),
        }),
    }))
}

/// The project's newest job of writing, what it is to do, and the job that began the work.
async fn newest(
    state: &AppState,
    project_id: Uuid,
) -> ApiResult<Option<(store::jobs::Job, DatasetWrite, Uuid)>> {
    let kind = Some(DatasetWrite::KIND.to_owned());
    let filter = JobFilter { project_id: Some(project_id), kind, statuses: Vec::new() };
    let page = store::jobs::list(&state.database, store::Page::new(1, 1), filter).await?;
    let Some(row) = page.items.into_iter().next() else { return Ok(None) };
    let job: DatasetWrite = serde_json::from_value(row.payload.clone()).map_err(ApiError::internal)?;
    let owner = job.continues.unwrap_or(row.id);
    Ok(Some((row, job, owner)))
}

fn requested(job: DatasetWrite) -> WriteDataset {
    let options = job.options;
    WriteDataset {
        connection: Some(options.connection),
        model: Some(options.model),
        task: Some(options.task.id().to_owned()),
        language: Some(options.language),
        tone: Some(options.tone),
        examples_per_chunk: Some(options.examples_per_chunk),
        max_tokens: Some(options.max_tokens),
        temperature: Some(options.temperature),
        use_schema: Some(options.use_schema),
        prompt: options.prompt,
        file_ids: job.file_ids,
        approve: Some(job.status == RowStatus::Approved),
        max_calls: options.budget.max_calls,
        max_total_tokens: options.budget.max_tokens,
    }
}

/// The chunks of a piece of work, and how far each is
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/units", tag = "generation",
    params(("project_id" = Uuid, Path), UnitQuery, Paging), responses((status = 200, body = List<UnitView>)))]
async fn list_units(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<UnitQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<UnitView>>> {
    let job = store::jobs::get(&state.database, query.job_id).await?;
    if job.project_id != Some(project_id) {
        return Err(ApiError::missing(Code::JobNotFound, "job", query.job_id));
    }
    let status =
        match &query.status {
            None => None,
            Some(name) => {
                Some(UnitStatus::ALL.iter().copied().find(|status| status.as_str() == name).ok_or_else(
                    || ApiError::invalid_field("status", "must be pending, done or quarantined"),
                )?)
            }
        };
    let page = units::list(&state.database, query.job_id, paging.page()?, status).await?;
    let view = |unit: units::Unit| UnitView {
        chunk_id: unit.chunk_id,
        ordinal: unit.ordinal.unsigned_abs(),
        status: unit.status.as_str().to_owned(),
        examples: unit.examples.unsigned_abs(),
        reason: unit.reason,
        updated_at: unit.updated_at,
    };
    Ok(Json(page.map(view).into()))
}

/// Every call that was made to a provider, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/calls", tag = "generation",
    params(("project_id" = Uuid, Path), OfJob, Paging), responses((status = 200, body = List<CallView>)))]
async fn list_calls(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<OfJob>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<CallView>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = provider_calls::list(&state.database, project_id, query.job_id, paging.page()?).await?;
    let view = |call: provider_calls::Call| CallView {
        id: call.id,
        job_id: call.job_id,
        chunk_id: call.chunk_id,
        connection: call.provider,
        address: call.address,
        model: call.model,
        purpose: call.purpose,
        status: call.status.as_str().to_owned(),
        sent_bytes: call.sent_bytes.unsigned_abs(),
        duration_ms: call.duration_ms.unsigned_abs(),
        prompt_tokens: call.prompt_tokens.map(i64::unsigned_abs),
        completion_tokens: call.completion_tokens.map(i64::unsigned_abs),
        reply: call.reply,
        error: call.error,
        created_at: call.created_at,
    };
    Ok(Json(page.map(view).into()))
}

async fn nothing_runs(state: &AppState, project_id: Uuid) -> ApiResult<()> {
    match super::jobs::active(state, project_id, Some(DatasetWrite::KIND)).await? {
        Some(_) => {
            Err(ApiError::new(Code::AlreadyRunning, "Examples of this project are being written already."))
        }
        None => Ok(()),
    }
}

/// The whole request, checked, with what it leaves out.
async fn options(state: &AppState, project_id: Uuid, body: &WriteDataset) -> ApiResult<Options> {
    let project = store::projects::get(&state.database, project_id).await?;
    for id in body.file_ids.iter().flatten() {
        store::files::get(&state.database, project_id, *id).await?;
    }
    let id = body.connection.as_deref().unwrap_or("ollama");
    let found = connection::get(&state.database, id).await.map_err(ApiError::internal)?;
    let found = found.ok_or_else(|| ApiError::missing(Code::ConnectionNotFound, "connection", id))?;
    found.check().map_err(|error| {
        ApiError::invalid_field("connection", format!("is not complete: {} {}", error.field, error.message))
    })?;
    let task = match &body.task {
        None => Some(Task::QuestionAnswer),
        Some(name) => Task::ALL.iter().find(|(_, id, _)| id == name).map(|(task, ..)| *task),
    };
    let model = body.model.clone().or(found.model).unwrap_or_default();
    let language = body.language.clone().unwrap_or_else(|| {
        match project.settings.get("language").and_then(serde_json::Value::as_str) {
            Some("fr") => "French".to_owned(),
            _ => "English".to_owned(),
        }
    });
    let options = Options {
        connection: id.to_owned(),
        model,
        task: task.unwrap_or(Task::QuestionAnswer),
        language,
        tone: body.tone.clone().unwrap_or_else(|| "plain and friendly".to_owned()),
        examples_per_chunk: body.examples_per_chunk.unwrap_or(5),
        max_tokens: body.max_tokens.unwrap_or(2048),
        temperature: body.temperature.unwrap_or(0.7),
        use_schema: body.use_schema.unwrap_or(true),
        prompt: body.prompt.clone().or_else(|| own_prompt(&project, task.unwrap_or(Task::QuestionAnswer))),
        budget: Budget { max_calls: body.max_calls, max_tokens: body.max_total_tokens },
    };
    let is_line = |text: &str| (1..=100).contains(&text.chars().count()) && !text.contains(['\n', '\r']);
    let mut checks = Checks::default();
    checks
        .require(task.is_some(), "task", "must be question_answer, instruction, summary or chat")
        .require(
            !options.model.trim().is_empty(),
            "model",
            "is required: GET /api/settings/providers/{id}/models lists them",
        )
        .require(is_line(&options.language), "language", "must be one line of at most 100 characters")
        .require(is_line(&options.tone), "tone", "must be one line of at most 100 characters")
        .require(
            (1..=20).contains(&options.examples_per_chunk),
            "examples_per_chunk",
            "must be between 1 and 20",
        )
        .require((64..=32_768).contains(&options.max_tokens), "max_tokens", "must be between 64 and 32768")
        .require((0.0..=2.0).contains(&options.temperature), "temperature", "must be between 0 and 2");
    if let Err(error) = options.prompt() {
        checks.require(false, "prompt", &error.to_string());
    }
    checks.finish()?;
    Ok(options)
}
