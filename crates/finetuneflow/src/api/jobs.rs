//! Jobs: everything that takes long.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::jobs::{self as rows, JobFilter, JobStatus as RowStatus};
use store::{Live, Topic};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, List, Paging, Path, Query};
use super::sse::{self, Message};
use super::state::AppState;
use crate::words::{self, Words};

/// Kinds that may be started again with the same payload: what they have done already stays or is replaced. Trainings and
/// the writing of data sets go on by routes of their own.
const RETRYABLE: &[&str] = &[
    "chunk_documents",
    "document_ocr",
    "dataset_check",
    "dataset_generate",
    "label_studio_push",
    "label_studio_sync",
    "evaluate",
    "export",
    "download_model",
    "ollama_push",
];

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// Done.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl From<RowStatus> for JobStatus {
    fn from(status: RowStatus) -> Self {
        match status {
            RowStatus::Queued => Self::Queued,
            RowStatus::Running => Self::Running,
            RowStatus::Completed => Self::Completed,
            RowStatus::Failed | RowStatus::Dead => Self::Failed,
            RowStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl JobStatus {
    fn rows(self) -> Vec<RowStatus> {
        RowStatus::ALL.iter().copied().filter(|status| Self::from(*status) == self).collect()
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// 0 to 1; null when unknown.
    pub fraction: Option<f64>,
    /// Parts that are done.
    pub done: Option<u64>,
    /// All parts.
    pub total: Option<u64>,
    /// What it is at, as a stable name; null where only words are known.
    #[schema(example = "reading")]
    pub code: Option<String>,
    /// The values that a translated text needs.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What it is at, in English.
    pub message: Option<String>,
}

/// Why a job or a run failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Stable name: of a known cause, or `job_failed`.
    #[schema(example = "out_of_memory")]
    pub code: String,
    /// The values that a translated text needs; `detail` is what cannot be translated.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What happened, in English.
    pub message: String,
    /// What the user can do.
    pub hint: String,
}

/// A job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// `chunk_documents`, `dataset_generate`, `train`, `evaluate`, `export`, `download_model`, …
    #[schema(example = "train")]
    pub kind: String,
    /// `default` or `gpu`.
    pub queue: String,
    /// The project.
    pub project_id: Option<Uuid>,
    /// The training run that it works on or for.
    pub run_id: Option<Uuid>,
    /// Where it stands.
    pub status: JobStatus,
    /// Null before the first report.
    pub progress: Option<Progress>,
    /// The last failure, also while another attempt waits.
    pub error: Option<Failure>,
    /// Depends on the kind; null until completed.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Times it was started.
    pub attempts: u64,
    /// Times it may be started.
    pub max_attempts: u64,
    /// Somebody asked for its end.
    pub cancel_requested: bool,
    /// It ended without a result and can be started again as it was.
    pub retryable: bool,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// UTC.
    pub updated_at: DateTime<Utc>,
    /// UTC.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The answer to everything that takes long.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JobStarted {
    /// The job that does it.
    pub job: Job,
}

impl From<rows::Job> for Job {
    fn from(row: rows::Job) -> Self {
        let status = row.status.into();
        let run_id = [Some(&row.payload), row.result.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|value| value.get("run_id")?.as_str()?.parse().ok());
        Self {
            id: row.id,
            run_id,
            status,
            progress: progress(&row.progress),
            error: row.error.map(|message| failure(message, row.result.as_ref(), status)),
            result: row.result.filter(|_| status == JobStatus::Completed),
            attempts: row.attempts.unsigned_abs(),
            max_attempts: row.max_attempts.unsigned_abs(),
            cancel_requested: row.cancel_requested,
            retryable: matches!(status, JobStatus::Failed | JobStatus::Cancelled)
                && RETRYABLE.contains(&row.kind.as_str()),
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
            kind: row.kind,
            queue: row.queue,
            project_id: row.project_id,
        }
    }
}

fn progress(value: &Value) -> Option<Progress> {
    if value.as_object().is_none_or(Map::is_empty) {
        return None;
    }
    let done = value.get("done").and_then(Value::as_u64);
    let total = value.get("total").and_then(Value::as_u64);
    let of_parts = || Some(done? as f64 / total.filter(|total| *total > 0)? as f64);
    let Words { code, params, message } = Words::deserialize(value).unwrap_or_default();
    Some(Progress {
        fraction: value.get("fraction").and_then(Value::as_f64).or_else(of_parts),
        done,
        total,
        code: Some(code).filter(|code| !code.is_empty()),
        params,
        message: Some(message).filter(|message| !message.is_empty()),
    })
}

fn failure(message: String, cause: Option<&Value>, status: JobStatus) -> Failure {
    if let Some(Words { code, params, message: hint }) = cause.and_then(words::told) {
        return Failure { code, params, message, hint };
    }
    let hint = match status {
        JobStatus::Queued | JobStatus::Running => "It will be tried again.",
        _ => "Remove the cause that is named and start it again.",
    };
    Failure { code: "job_failed".to_owned(), params: Map::new(), message, hint: hint.to_owned() }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only of this project.
    project_id: Option<Uuid>,
    /// Only of this kind.
    kind: Option<String>,
    /// Only with this status.
    status: Option<JobStatus>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(events))
}

/// Lists the jobs, newest first
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", params(ListQuery, Paging),
    responses((status = 200, body = List<Job>)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Job>>> {
    let statuses = query.status.map(JobStatus::rows).unwrap_or_default();
    let filter = JobFilter { project_id: query.project_id, kind: query.kind, statuses };
    let page = rows::list(&state.database, paging.page()?, filter).await?;
    Ok(Json(page.map(Job::from).into()))
}

/// One job
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
async fn read(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Job>> {
    Ok(Json(rows::get(&state.database, id).await?.into()))
}

/// Asks for a job's end
///
/// A finished job comes back as it is.
#[utoipa::path(post, path = "/api/jobs/{id}/cancel", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Job)))]
async fn cancel(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Job>> {
    Ok(Json(request_cancel(&state, id).await?.into()))
}

/// Starts a failed or stopped job again, as a new one with the same payload
///
/// Not a training or the writing of a data set: those have routes of their own, which go on from what is there.
#[utoipa::path(post, path = "/api/jobs/{id}/retry", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 202, body = JobStarted)))]
async fn retry(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let row = rows::get(&state.database, id).await?;
    if !Job::from(row.clone()).retryable {
        return Err(ApiError::new(Code::Conflict, "This job cannot be started again as it is.")
            .hint("Start it anew on its own page."));
    }
    if let Some(project_id) = row.project_id
        && let Some(other) = active(&state, project_id, Some(&row.kind)).await?
    {
        return Err(ApiError::new(Code::AlreadyRunning, "Such a job of this project waits or runs already.")
            .param("job_id", other.id.to_string()));
    }
    let again = rows::NewJob {
        project_id: row.project_id,
        queue: row.queue,
        kind: row.kind,
        payload: row.payload,
        max_attempts: u32::try_from(row.max_attempts).unwrap_or(1),
    };
    Ok(started(rows::enqueue(&state.database, again).await?))
}

/// Watches a job
///
/// Server-sent events: `job` with the job at once and after every change, then `end` with the finished job.
#[utoipa::path(get, path = "/api/jobs/{id}/events", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    // Subscribed before the first look, so that no change falls between.
    let mut subscription = state.database.live().subscribe(Topic::Job(id));
    let mut row = rows::get(&state.database, id).await?;
    let messages = async_stream::stream! {
        loop {
            let ended = row.status.is_final();
            let job = json!(Job::from(row.clone()));
            yield Message::new("job", &job);
            if ended {
                yield Message::new("end", &job);
                return;
            }
            tokio::select! {
                live = subscription.next() => match live {
                    Some(Live::Event(_) | Live::Lagged(_)) => {}
                    None => return,
                },
                () = state.stopping.cancelled() => return,
            }
            match rows::get(&state.database, id).await {
                Ok(current) => row = current,
                Err(_) => return,
            }
        }
    };
    Ok(sse::answer(messages))
}

/// Asks for a job's end; the run of a training that had not begun ends with it.
pub async fn request_cancel(state: &AppState, id: Uuid) -> ApiResult<rows::Job> {
    Ok(crate::jobs::cancel(&state.database, id).await?)
}

/// Whether a job of the project waits or runs.
pub async fn has_active(state: &AppState, project_id: Uuid) -> ApiResult<bool> {
    Ok(active(state, project_id, None).await?.is_some())
}

/// A job of the project (of one kind) that waits or runs.
pub async fn active(state: &AppState, project_id: Uuid, kind: Option<&str>) -> ApiResult<Option<rows::Job>> {
    let filter = JobFilter {
        project_id: Some(project_id),
        kind: kind.map(str::to_owned),
        statuses: vec![RowStatus::Queued, RowStatus::Running],
    };
    let page = rows::list(&state.database, store::Page::new(1, 1), filter).await?;
    Ok(page.items.into_iter().next())
}

/// The answer that a job was started.
pub fn started(job: rows::Job) -> (StatusCode, Json<JobStarted>) {
    (StatusCode::ACCEPTED, Json(JobStarted { job: job.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_that_was_stored_before_there_were_codes_has_its_words() {
        let old = progress(&json!({ "done": 1, "total": 4, "percent": 25.0, "message": "reading a.pdf" }));
        let old = old.expect("progress");
        assert_eq!(
            (old.fraction, old.code, old.message.as_deref()),
            (Some(0.25), None, Some("reading a.pdf"))
        );
        assert_eq!(progress(&json!({})), None);
    }
}
