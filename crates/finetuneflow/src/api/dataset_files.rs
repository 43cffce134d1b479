//! Data sets in and out: uploaded files to examples, examples to files for other programs.

use std::io::Write;
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use datasets::formats::{self, Format};
use datasets::{ColumnMapping, Example, Examples, ImportError, ImportOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::BlobKey;
use store::examples::{self as rows, ExampleFilter, ExampleStatus as RowStatus, NewExample};
use store::files::{File, FileChange};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples::{self, ExampleStatus, Message};
use super::export::attachment;
use super::extract::{Json, Path, Query};
use super::files::FileKind;
use super::settings::OptionEntry;
use super::state::AppState;
use crate::{library, records};

/// Faulty rows that an answer names.
const NAMED_PROBLEMS: usize = 100;
/// Examples that a preview shows.
const SHOWN: usize = 5;
/// Examples that are stored together.
const ROWS_AT_ONCE: usize = 500;

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
    /// Which columns hold what; left out: recognised.
    pub mapping: Option<Columns>,
    /// Only says what would be imported; default false.
    pub preview: Option<bool>,
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

/// Which columns hold what, for tables and rows of no known format.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The question or instruction.
    pub prompt: Option<String>,
    /// The answer.
    pub completion: Option<String>,
    /// The system message.
    pub system: Option<String>,
    /// What the question is about; put behind the prompt.
    pub context: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// As it was recognised.
    pub format: String,
    /// The columns of the first rows.
    pub columns: Vec<String>,
    /// Those that are used, where the format has a choice.
    pub mapping: Option<Columns>,
    /// Rows of the file.
    pub rows: u64,
    /// Rows that are examples now.
    pub imported: u64,
    /// Rows that the project had already, or that stand in the file twice.
    pub duplicates: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// The first 100 of them.
    pub problems: Vec<RowProblem>,
    /// The first examples, of a preview.
    pub preview: Vec<Vec<Message>>,
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
    let mapping = body.mapping.map(|columns| ColumnMapping {
        prompt: columns.prompt,
        completion: columns.completion,
        system: columns.system,
        context: columns.context,
    });
    let options = ImportOptions { format: body.format, mapping };
    if body.preview.unwrap_or(false) {
        let (path, _temporary) = library::local_file(&state.blobs, &BlobKey::parse(&file.blob_key)?).await?;
        return Ok(Json(
            look_through(path, file.name.clone(), options).await?.map_err(|error| refused(&error))?,
        ));
    }
    let report = take_in(&state, &file, options, body.approve.unwrap_or(true)).await?;
    Ok(Json(report))
}

/// Reads a stored file, row by row, and keeps its rows as examples. A file that cannot be used as a whole leaves none.
pub async fn take_in(
    state: &AppState,
    file: &File,
    options: ImportOptions,
    approve: bool,
) -> ApiResult<ImportReport> {
    let (path, _temporary) = library::local_file(&state.blobs, &BlobKey::parse(&file.blob_key)?).await?;
    let mut report = match look_through(path.clone(), file.name.clone(), options.clone()).await? {
        Ok(report) => report,
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
    let (sender, mut parts) = tokio::sync::mpsc::channel::<Vec<Example>>(2);
    let name = file.name.clone();
    let reading = tokio::task::spawn_blocking(move || -> Result<(), ImportError> {
        let mut part = Vec::with_capacity(ROWS_AT_ONCE);
        for item in Examples::open_as(&path, &name, &options)? {
            part.extend(item?);
            if part.len() == ROWS_AT_ONCE && sender.blocking_send(std::mem::take(&mut part)).is_err() {
                return Ok(());
            }
        }
        // Whoever listens no more has said why.
        let _ = sender.blocking_send(part);
        Ok(())
    });
    let good = report.imported;
    report.imported = 0;
    while let Some(part) = parts.recv().await {
        let examples = part.into_iter().map(|example| stored(example, file, status)).collect();
        report.imported += rows::insert_many(&state.database, file.project_id, examples).await?;
    }
    reading.await.map_err(ApiError::internal)?.map_err(|error| refused(&error))?;
    report.duplicates = good - report.imported;
    report.preview = Vec::new();
    let change = FileChange {
        status: Some(library::PARSED.to_owned()),
        details: Some(json!({ "format": report.format, "rows": report.rows })),
    };
    store::files::update(&state.database, file.project_id, file.id, change).await?;
    Ok(report)
}

/// What a file holds; `imported` counts its good rows.
async fn look_through(
    path: PathBuf,
    name: String,
    options: ImportOptions,
) -> ApiResult<Result<ImportReport, ImportError>> {
    let look = move || -> Result<ImportReport, ImportError> {
        let mut found = Examples::open_as(&path, &name, &options)?;
        let (mut problems, mut preview) = (Vec::new(), Vec::new());
        let (mut good, mut rejected) = (0, 0);
        for item in &mut found {
            match item? {
                Ok(example) => {
                    good += 1;
                    if preview.len() < SHOWN {
                        preview.push(example.messages.iter().map(Message::of).collect());
                    }
                }
                Err(error) => {
                    rejected += 1;
                    if problems.len() < NAMED_PROBLEMS {
                        problems.push(RowProblem::of(&error));
                    }
                }
            }
        }
        let mapping = found.mapping().cloned().map(|mapping| Columns {
            prompt: mapping.prompt,
            completion: mapping.completion,
            system: mapping.system,
            context: mapping.context,
        });
        Ok(ImportReport {
            format: found.format().to_owned(),
            columns: found.columns().to_vec(),
            mapping,
            rows: found.rows() as u64,
            imported: good,
            duplicates: 0,
            rejected,
            problems,
            preview,
        })
    };
    tokio::task::spawn_blocking(look).await.map_err(ApiError::internal)
}

impl RowProblem {
    fn of(error: &datasets::RowError) -> Self {
        Self {
            row: error.row as u64,
            line: error.line.map(|line| line as u64),
            field: error.column.clone(),
            message: error.message.clone(),
        }
    }
}

fn stored(example: Example, file: &File, status: RowStatus) -> NewExample {
    let payload = records::payload(&example);
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

/// Columns that an error names at most.
const MOST_COLUMNS: usize = 200;

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
        ImportError::UnknownFormat { columns, .. } => api
            .hint("Say with `mapping` which columns hold the prompt and the completion.")
            .param("columns", columns.iter().take(MOST_COLUMNS).cloned().collect::<Vec<_>>()),
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
        found.push(records::example(&row).map_err(ApiError::internal)?);
        Ok(())
    })
    .await?;
    if found.is_empty() {
        return Err(ApiError::new(Code::NothingToDo, "There is no example to export.")
            .hint("Approve examples, or export those of another status.")
            .reason("no_example_of_status"));
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
