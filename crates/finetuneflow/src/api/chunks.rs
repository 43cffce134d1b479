//! Chunks: the pieces of the documents that examples are made from.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::chunks::{self as rows, ChunkFilter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, InProject, Json, List, Paging, Path, Query};
use super::files::FileKind;
use super::jobs::JobStarted;
use super::state::AppState;
use crate::jobs::chunk_documents::ChunkDocuments;

/// A chunk's length in tokens when the request does not say.
pub const DEFAULT_MAX_TOKENS: u32 = 256;

/// A piece of a document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Chunk {
    /// Its id; new after every generation.
    pub id: Uuid,
    /// The file that the text comes from.
    pub file_id: Uuid,
    /// Its name.
    pub file_name: String,
    /// Place in the file, from 0.
    pub index: u64,
    /// The text.
    pub text: String,
    /// Its length as the base model counts.
    pub tokens: u64,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// First page; null where the format has none.
    pub page_start: Option<u64>,
    /// Last page.
    pub page_end: Option<u64>,
    /// First character in the file's text.
    pub start: Option<u64>,
    /// One past the last character.
    pub end: Option<u64>,
}

/// How to cut.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateChunks {
    /// Which documents; left out: all.
    pub file_ids: Option<Vec<Uuid>>,
    /// No chunk is longer; 32 to 8192, default 256.
    pub max_tokens: Option<u32>,
    /// Repeated from the chunk before, at most half of `max_tokens`; default 0.
    pub overlap_tokens: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only of this file.
    file_id: Option<Uuid>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(list)).routes(routes!(read))
}

/// Cuts documents into chunks
///
/// Replaces the chunks that these documents have.
#[utoipa::path(post, path = "/api/projects/{project_id}/chunks/generate", tag = "chunks",
    params(("project_id" = Uuid, Path)), request_body = GenerateChunks,
    responses((status = 202, body = JobStarted)))]
async fn generate(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<GenerateChunks>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let max_tokens = body.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let overlap_tokens = body.overlap_tokens.unwrap_or(0);
    let mut checks = Checks::default();
    checks.require((32..=8192).contains(&max_tokens), "max_tokens", "must be between 32 and 8192").require(
        overlap_tokens <= max_tokens / 2,
        "overlap_tokens",
        "must be at most half of max_tokens",
    );
    checks.finish()?;
    let file_ids = documents(&state, project_id, body.file_ids).await?;
    let job = ChunkDocuments { project_id, file_ids, max_tokens, overlap_tokens };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// The given documents, or all of the project; an error when there are none.
async fn documents(state: &AppState, project_id: Uuid, given: Option<Vec<Uuid>>) -> ApiResult<Vec<Uuid>> {
    if let Some(ids) = given {
        for id in &ids {
            let row = store::files::get(&state.database, project_id, *id).await?;
            if row.kind != FileKind::RawDoc.as_str() {
                return Err(ApiError::invalid_field(
                    "file_ids",
                    format!("{} is a data set, not a document", row.name),
                ));
            }
        }
        if ids.is_empty() {
            return Err(ApiError::invalid_field("file_ids", "is empty"));
        }
        return Ok(ids);
    }
    let ids =
        super::files::all(state, project_id, FileKind::RawDoc).await?.into_iter().map(|row| row.id).collect();
    let ids: Vec<Uuid> = ids;
    if ids.is_empty() {
        return Err(ApiError::new(Code::NothingToDo, "The project has no document.")
            .hint("Upload a document first.")
            .reason("no_document"));
    }
    Ok(ids)
}

/// Lists the chunks in the order of files and text
#[utoipa::path(get, path = "/api/projects/{project_id}/chunks", tag = "chunks",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<Chunk>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Chunk>>> {
    store::projects::get(&state.database, project_id).await?;
    let filter = ChunkFilter { file_id: query.file_id };
    let page = rows::list(&state.database, project_id, paging.page()?, filter).await?;
    let names = super::files::names(&state, project_id).await?;
    let view = |row: rows::Chunk| {
        let file_name = names.get(&row.file_id).cloned().unwrap_or_default();
        view(row, file_name)
    };
    Ok(Json(page.map(view).into()))
}

/// One chunk
#[utoipa::path(get, path = "/api/projects/{project_id}/chunks/{chunk_id}", tag = "chunks",
    params(("project_id" = Uuid, Path), ("chunk_id" = Uuid, Path)), responses((status = 200, body = Chunk)))]
async fn read(State(state): State<AppState>, Path((project_id, id)): InProject) -> ApiResult<Json<Chunk>> {
    let row = rows::get(&state.database, project_id, id).await?;
    let file = store::files::get(&state.database, project_id, row.file_id).await?;
    Ok(Json(view(row, file.name)))
}

fn view(row: rows::Chunk, file_name: String) -> Chunk {
    let number = |name: &str| row.source.get(name).and_then(Value::as_u64);
    let headings = row.source.get("headings").and_then(Value::as_array);
    Chunk {
        id: row.id,
        file_id: row.file_id,
        file_name,
        index: row.ordinal.unsigned_abs(),
        tokens: row.token_count.unsigned_abs(),
        headings: headings.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        page_start: number("page_start"),
        page_end: number("page_end"),
        start: number("start"),
        end: number("end"),
        text: row.text,
    }
}
