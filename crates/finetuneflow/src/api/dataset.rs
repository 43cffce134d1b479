//! The data set of a project as a whole: make, count, freeze.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::examples::ExampleStatus as RowStatus;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::files::FileKind;
use super::jobs::JobStarted;
use super::state::AppState;
use crate::jobs::dataset_check::DatasetCheck;
use crate::jobs::dataset_generate::DatasetGenerate;
use crate::providers::offline;

/// What makes examples.
pub const GENERATORS: &[(&str, &str)] =
    &[("offline", "From the documents' own structure, without a language model")];
/// Questions for one fact when the request does not say.
pub const DEFAULT_QUESTIONS: usize = 10;

/// Of an example, when a check is not told: the context of a training on most models.
const DEFAULT_MAX_TOKENS: u32 = 1024;

/// How examples are made of documents.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateDataset {
    /// One of `options.generators` in the settings; default `offline`.
    pub generator: Option<String>,
    /// Which documents; left out: all.
    pub file_ids: Option<Vec<Uuid>>,
    /// Phrasings of a question about one fact, 1 to 20; default 10.
    pub questions_per_fact: Option<usize>,
    /// The examples start approved; default false.
    pub approve: Option<bool>,
    /// The same seed makes the same examples.
    pub seed: Option<u64>,
}

/// How examples are checked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckDataset {
    /// Tokens that an example may have, by the model's tokenizer; left out: as many as a training takes by default.
    pub max_tokens: Option<u32>,
}

/// A frozen data set: exactly what a training was trained on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetVersion {
    /// Its id.
    pub id: Uuid,
    /// Within the project, from 1.
    pub number: u64,
    /// Of its content.
    pub content_hash: String,
    /// Examples to train on.
    pub train_examples: u64,
    /// Examples held back of sections that are trained on (recall).
    pub eval_examples: u64,
    /// Examples of sections of which nothing is trained on.
    pub held_out_examples: u64,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(check)).routes(routes!(versions))
}

/// Makes examples of documents
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/generate", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = GenerateDataset,
    responses((status = 202, body = JobStarted)))]
async fn generate(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<GenerateDataset>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let questions_per_fact = body.questions_per_fact.unwrap_or(DEFAULT_QUESTIONS);
    let generator = body.generator.as_deref().unwrap_or("offline");
    let mut checks = Checks::default();
    checks
        .require((1..=20).contains(&questions_per_fact), "questions_per_fact", "must be between 1 and 20")
        .require(
            GENERATORS.iter().any(|(id, _)| *id == generator),
            "generator",
            "is not one of options.generators in GET /api/settings",
        );
    checks.finish()?;
    if super::files::all(&state, project_id, FileKind::RawDoc).await?.is_empty() {
        return Err(ApiError::new(Code::NothingToDo, "The project has no document.")
            .hint("Upload a document first.")
            .reason("no_document"));
    }
    for id in body.file_ids.iter().flatten() {
        store::files::get(&state.database, project_id, *id).await?;
    }
    let options =
        offline::Options { seed: body.seed.unwrap_or(0), questions_per_fact, ..offline::Options::default() };
    let status = if body.approve.unwrap_or(false) { RowStatus::Approved } else { RowStatus::Pending };
    let job = DatasetGenerate { project_id, file_ids: body.file_ids, options, status };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Checks the examples that are not rejected
///
/// Each gets a score and the reasons for it: words, numbers and names that its source does not have, length, repetitions,
/// template tokens, refusals, personal data. Nothing is dropped.
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/check", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = CheckDataset, responses((status = 202, body = JobStarted)))]
async fn check(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<CheckDataset>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let is_possible = body.max_tokens.is_none_or(|tokens| tokens >= 16);
    let mut checks = Checks::default();
    checks.require(is_possible, "max_tokens", "must be at least 16");
    checks.finish()?;
    let counts = store::examples::status_counts(&state.database, project_id).await?;
    if counts.pending + counts.approved == 0 {
        return Err(ApiError::new(Code::NothingToDo, "The project has no example to check.")
            .hint("Generate or import examples first.")
            .reason("no_example"));
    }
    let job = DatasetCheck { project_id, max_tokens: body.max_tokens.or(Some(DEFAULT_MAX_TOKENS)) };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Lists the frozen data sets, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/versions", tag = "dataset",
    params(("project_id" = Uuid, Path), Paging), responses((status = 200, body = List<DatasetVersion>)))]
async fn versions(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<DatasetVersion>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = store::dataset_versions::list(&state.database, project_id, paging.page()?).await?;
    let view = |row: store::dataset_versions::DatasetVersion| DatasetVersion {
        id: row.id,
        number: row.number.unsigned_abs(),
        train_examples: row.train_count.unsigned_abs(),
        eval_examples: row.eval_count.unsigned_abs(),
        held_out_examples: row.details["held_out_count"].as_u64().unwrap_or(0),
        content_hash: row.content_hash,
        created_at: row.created_at,
    };
    Ok(Json(page.map(view).into()))
}
