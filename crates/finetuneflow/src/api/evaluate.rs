//! Evaluations: the base model and the trained one on the same examples.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::jobs::{Job, JobFilter, JobStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::extract::{Json, List, Paging, Path, Query};
use super::jobs::JobStarted;
use super::runs::{self, RunConfig};
use super::state::AppState;
use super::train::WhichRun;
use crate::jobs::evaluate::Evaluate;

/// How well a model does.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// Mean over the supervised tokens.
    pub eval_loss: Option<f64>,
    /// Its exponential.
    pub perplexity: Option<f64>,
    /// Share of tokens that the model would have chosen.
    pub token_accuracy: Option<f64>,
    /// Tokens that were measured.
    pub supervised_tokens: Option<u64>,
}

/// Both models on examples of sections of which nothing was trained on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeldOut {
    /// Examples that were measured.
    pub examples: u64,
    /// The model before training.
    pub base: Quality,
    /// The trained model.
    pub adapter: Quality,
}

/// The base model and the trained one on the same examples.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// Its id: the job's.
    pub id: Uuid,
    /// The run.
    pub run_id: Uuid,
    /// The run's number.
    pub run_number: Option<u64>,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// `held_back`, or `training` when nothing was held back.
    pub split: String,
    /// Examples that were measured.
    pub examples: u64,
    /// The model before training.
    pub base: Quality,
    /// The trained model.
    pub adapter: Quality,
    /// On held-out sections, where the data set has them.
    pub held_out: Option<HeldOut>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only of this run.
    run_id: Option<Uuid>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(list))
}

/// Measures a trained model against its base
#[utoipa::path(post, path = "/api/projects/{project_id}/evaluate", tag = "evaluation",
    params(("project_id" = Uuid, Path)), request_body = WhichRun, responses((status = 202, body = JobStarted)))]
async fn start(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(which): Json<WhichRun>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let run = runs::with_result(&state, project_id, which.run_id).await?;
    let job = Evaluate { project_id, run_id: run.id };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Lists the evaluations, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/evaluations", tag = "evaluation",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<Evaluation>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Evaluation>>> {
    store::projects::get(&state.database, project_id).await?;
    let mut all = Vec::new();
    for job in completed(&state, project_id, "evaluate").await? {
        let Some(evaluation) = view(&state, &job).await? else { continue };
        if query.run_id.is_none_or(|run_id| run_id == evaluation.run_id) {
            all.push(evaluation);
        }
    }
    Ok(Json(List::of_all(all, paging.page()?)))
}

/// All finished jobs of a kind, newest first.
pub async fn completed(state: &AppState, project_id: Uuid, kind: &str) -> ApiResult<Vec<Job>> {
    let mut found = Vec::new();
    for number in 1.. {
        let filter = JobFilter {
            project_id: Some(project_id),
            kind: Some(kind.to_owned()),
            statuses: vec![JobStatus::Completed],
        };
        let page = store::Page::new(number, store::Page::MAX_PER_PAGE);
        let page = store::jobs::list(&state.database, page, filter).await?;
        found.extend(page.items);
        if page.total <= number * store::Page::MAX_PER_PAGE {
            break;
        }
    }
    Ok(found)
}

async fn view(state: &AppState, job: &Job) -> ApiResult<Option<Evaluation>> {
    let Some(result) = &job.result else { return Ok(None) };
    let Some(run_id) = result.get("run_id").and_then(Value::as_str).and_then(|id| id.parse().ok()) else {
        return Ok(None);
    };
    let run = store::runs::get(&state.database, run_id).await.ok();
    Ok(Some(Evaluation {
        id: job.id,
        run_id,
        run_number: run.and_then(|run| RunConfig::of(&run).ok()).map(|config| config.number),
        created_at: job.finished_at.unwrap_or(job.updated_at),
        split: result.get("data").and_then(Value::as_str).unwrap_or_default().to_owned(),
        examples: result.get("rows").and_then(Value::as_u64).unwrap_or(0),
        base: quality(result.get("before")),
        adapter: quality(result.get("after")),
        held_out: result.get("held_out").map(|held_out| HeldOut {
            examples: held_out["rows"].as_u64().unwrap_or(0),
            base: quality(held_out.get("before")),
            adapter: quality(held_out.get("after")),
        }),
    }))
}

fn quality(value: Option<&Value>) -> Quality {
    let float = |name: &str| value?.get(name)?.as_f64();
    Quality {
        eval_loss: float("eval_loss"),
        perplexity: float("perplexity"),
        token_accuracy: float("token_accuracy"),
        supervised_tokens: value.and_then(|value| value.get("supervised_tokens")?.as_u64()),
    }
}
