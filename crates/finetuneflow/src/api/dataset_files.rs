//! Data sets in and out: uploaded files to examples, examples to files for other programs.

use std::io::Write;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use datasets::formats::{self, Format};
use datasets::{Example, ImportError, ImportOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::BlobKey;
use store::examples::{self as rows, ExampleFilter, ExampleStatus as RowStatus, NewExample};
use store::files::{File, FileChange};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples::{self, ExampleStatus};
use super::export::attachment;
use super::extract::{Json, Path, Query};
use super::files::FileKind;
use super::settings::OptionEntry;
use super::state::AppState;
use crate::library;

/// Faulty rows that an answer names.
const NAMED_PROBLEMS: usize = 100;

/// What to import.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportDataset {
    /// An uploaded file of the kind `dataset`.
    pub file_id: Uuid,
    /// One of `options.import_formats` in the settings; left out: recognised.
    pub format: Option<String>,
    /// The examples start approved; default true.
    pub approve: Option<bool>,
}

/// A row that could not be taken.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RowProblem {
    /// From 1.
    pub row: u64,
    /// Line of the file, where rows are lines.
    pub line: Option<u64>,
    /// Column or path inside the row.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What an import did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// As it was recognised.
    pub format: String,
    /// Rows that are examples now.
    pub imported: u64,
    /// Rows that the project had already, or that stand in the file twice.
    pub duplicates: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// The first 100 of them.
    pub problems: Vec<RowProblem>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// One of `options.dataset_formats` in the settings; default `messages`.
    format: Option<String>,
    /// Only with this status; default approved.
    #[param(inline)]
    status: Option<ExampleStatus>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(export))
}

/// Imports training records from an uploaded file
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/import", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = ImportDataset, responses((status = 200, body = ImportReport)))]
async fn import(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<ImportDataset>,
) -> ApiResult<Json<ImportReport>> {
    let file = store::files::get(&state.database, project_id, body.file_id).await?;
    if file.kind != FileKind::Dataset.as_str() {
        return Err(ApiError::invalid_field("file_id", "names a document; generate examples of it instead"));
    }
    if body.format.as_deref().is_some_and(|id| formats::by_id(id).is_none()) {
        return Err(ApiError::invalid_field(
            "format",
            "is not one of options.import_formats in GET /api/settings",
        ));
    }
    let report = take_in(&state, &file, body.format, body.approve.unwrap_or(true)).await?;
    Ok(Json(report))
}

/// Reads a stored file and keeps its rows as examples.
pub async fn take_in(
    state: &AppState,
    file: &File,
    format: Option<String>,
    approve: bool,
) -> ApiResult<ImportReport> {
    let bytes = state.blobs.get(&BlobKey::parse(&file.blob_key)?).await?;
    let name = file.name.clone();
    let options = ImportOptions { format, mapping: None };
    let read = tokio::task::spawn_blocking(move || datasets::import(&bytes, &name, &options));
    let read = match read.await.map_err(ApiError::internal)? {
        Ok(read) => read,
        Err(error) => {
            let change = FileChange {
                status: Some(library::FAILED.to_owned()),
                details: Some(json!({ "error": error.to_string() })),
            };
            store::files::update(&state.database, file.project_id, file.id, change).await?;
            return Err(refused(&error));
        }
    };
    let status = if approve { RowStatus::Approved } else { RowStatus::Pending };
    let good = read.examples.len() as u64;
    let examples = read.examples.into_iter().map(|example| stored(example, file, status)).collect();
    let imported = rows::insert_many(&state.database, file.project_id, examples).await?;
    let change = FileChange {
        status: Some(library::PARSED.to_owned()),
        details: Some(json!({ "format": read.format, "rows": read.rows })),
    };
    store::files::update(&state.database, file.project_id, file.id, change).await?;
    let problem = |error: &datasets::RowError| RowProblem {
        row: error.row as u64,
        line: error.line.map(|line| line as u64),
        field: error.column.clone(),
        message: error.message.clone(),
    };
    Ok(ImportReport {
        format: read.format,
        imported,
        duplicates: good - imported,
        rejected: read.errors.len() as u64,
        problems: read.errors.iter().take(NAMED_PROBLEMS).map(problem).collect(),
    })
}

fn stored(example: Example, file: &File, status: RowStatus) -> NewExample {
    let mut payload = json!({ "messages": example.messages });
    if let Some(tools) = &example.tools {
        payload["tools"] = tools.clone();
    }
    let mut provenance = json!(example.provenance);
    provenance["source"] = "import".into();
    provenance["file_id"] = json!(file.id);
    NewExample {
        chunk_id: None,
        status,
        content_hash: library::content_hash(&payload),
        payload,
        provenance,
        quality: json!(example.quality),
    }
}

/// A file that cannot be used as a whole: what happened before the colon or semicolon, what to do behind it.
fn refused(error: &ImportError) -> ApiError {
    let api = ApiError::new(Code::InvalidDataset, super::error::with_full_stop(&error.to_string()));
    match error {
        ImportError::NoUsableRow { first, .. } => {
            api.field(format!("row {}, {}", first.row, first.column), first.message.clone())
        }
        ImportError::Preference { column, row, .. } | ImportError::Multimodal { column, row, .. } => api
            .hint("Only text with one answer a row can be trained on: convert the file and upload it again.")
            .param("column", column.clone())
            .param("row", *row),
        _ => api.hint("Correct the file as the message says and upload it again."),
    }
}

/// Downloads the examples for other programs
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/export", tag = "dataset",
    params(("project_id" = Uuid, Path), ExportQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn export(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    store::projects::get(&state.database, project_id).await?;
    let id = query.format.as_deref().unwrap_or(formats::messages::FORMAT.id);
    let format = formats::by_id(id).ok_or_else(|| {
        ApiError::invalid_field("format", "is not one of options.dataset_formats in GET /api/settings")
    })?;
    let status = query.status.unwrap_or(ExampleStatus::Approved);
    let filter = ExampleFilter { status: Some(status.into()), ..ExampleFilter::default() };
    let mut found = Vec::new();
    examples::for_each(&state, project_id, &filter, |row| {
        found.push(example(&row)?);
        Ok(())
    })
    .await?;
    if found.is_empty() {
        return Err(ApiError::new(Code::NothingToDo, "There is no example to export.")
            .hint("Approve examples, or export those of another status."));
    }
    let written =
        tokio::task::spawn_blocking(move || write(format, &found)).await.map_err(ApiError::internal)?;
    let (name, bytes, skipped) = written.map_err(|error| ApiError::internal(format!("{error:#}")))?;
    let media_type = if name.ends_with(".zip") { "application/zip" } else { "application/octet-stream" };
    let size = bytes.len() as u64;
    let mut response = attachment(Body::from(bytes), &name, media_type, Some(size));
    // Examples that the format cannot hold are not left out in silence.
    response.headers_mut().insert("x-skipped-examples", HeaderValue::from(skipped));
    Ok(response)
}

fn example(row: &rows::Example) -> ApiResult<Example> {
    let messages = row.payload.get("messages").cloned().unwrap_or_default();
    let messages = serde_json::from_value(messages)
        .map_err(|error| ApiError::internal(format!("example {}: {error}", row.id)))?;
    let mut example = Example::new(messages);
    example.tools = row.payload.get("tools").filter(|tools| !tools.is_null()).cloned();
    example.provenance = serde_json::from_value(without_nulls(&row.provenance)).unwrap_or_default();
    Ok(example)
}

fn without_nulls(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The file's name, its bytes, and how many examples it cannot hold; several files go into a zip.
fn write(format: &Format, examples: &[Example]) -> anyhow::Result<(String, Vec<u8>, u64)> {
    let examples: Vec<&Example> = examples.iter().collect();
    let mut written = (format.write)(&examples, "dataset");
    let skipped = written.skipped.len() as u64;
    if written.files.len() == 1 {
        let file = written.files.remove(0);
        return Ok((file.name, file.bytes, skipped));
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for file in &written.files {
        zip.start_file(file.name.as_str(), zip::write::SimpleFileOptions::default())?;
        zip.write_all(&file.bytes)?;
    }
    Ok((format!("dataset-{}.zip", format.id), zip.finish()?.into_inner(), skipped))
}

/// The formats that are recognised.
pub fn import_formats() -> Vec<OptionEntry> {
    let entry = |format: &&Format| OptionEntry {
        id: format.id.to_owned(),
        label: format.name.to_owned(),
        extension: None,
    };
    formats::REGISTRY.iter().map(entry).collect()
}

/// The formats that are written.
pub fn export_formats() -> Vec<OptionEntry> {
    let probe = Example::question("question", "answer");
    let extension = |format: &Format| {
        let written = (format.write)(&[&probe], "dataset");
        match written.files.as_slice() {
            [only] => only.name.rsplit_once('.').map(|(_, ending)| ending.to_owned()),
            _ => Some("zip".to_owned()),
        }
    };
    let entry = |format: &&Format| OptionEntry {
        id: format.id.to_owned(),
        label: format.name.to_owned(),
        extension: extension(format),
    };
    formats::REGISTRY.iter().map(entry).collect()
}
