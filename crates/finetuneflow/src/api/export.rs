//! Exports: a trained model as files that other programs load.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::BlobKey;
use store::run_events::EventFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::certificate::Certificate;
use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::jobs::JobStarted;
use super::runs::{self, RunConfig};
use super::state::AppState;
use crate::jobs::export::{BUNDLE, Export, files_of};
use crate::words::Words;

/// The format that holds all others; the job calls it a bundle.
pub const ZIP: &str = "zip";
/// What goes into the zip when it alone is asked for.
const IN_ZIP: [&str; 3] = ["peft", "merged", "gguf"];

/// What to export.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartExport {
    /// Left out: the newest training with a result.
    pub run_id: Option<Uuid>,
    /// Some of `options.export_formats` in `GET /api/settings`; `zip` (default) is the others that are named, or `peft`,
    /// `merged` and `gguf`, with the run's report, figures, data and log.
    pub formats: Option<Vec<String>>,
    /// Of GGUF files, one of `options.quantizations` in `GET /api/settings`; default `f16`.
    pub quantization: Option<String>,
    /// The same for several: one file each.
    pub quantizations: Option<Vec<String>>,
}

/// A file that an export made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportFile {
    /// For the download.
    pub name: String,
    /// One of `options.export_formats` in `GET /api/settings`.
    #[schema(example = "gguf")]
    pub format: String,
    /// Of GGUF.
    pub quantization: Option<String>,
    /// What the person should know about it.
    pub warnings: Vec<Words>,
    /// Tensors that are of another type than the one asked for.
    pub fallbacks: Vec<TensorFallback>,
    /// The run.
    pub run_id: Uuid,
    /// Its number.
    pub run_number: Option<u64>,
    /// Its size.
    pub size_bytes: u64,
    /// Of its bytes.
    pub sha256: String,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// Where to get it.
    pub download_url: String,
}

/// A tensor that the asked type cannot hold.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TensorFallback {
    /// Its name in the file.
    pub tensor: String,
    /// The asked type.
    pub wanted: String,
    /// The type that was taken.
    pub used: String,
}

/// A file and where its bytes are.
pub struct Found {
    /// As the API shows it.
    pub file: ExportFile,
    /// Its bytes.
    pub key: BlobKey,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only of this run.
    run_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DownloadQuery {
    /// Left out: the newest run that was exported.
    run_id: Option<Uuid>,
    /// The file's name.
    name: Option<String>,
    /// Instead of a name: the newest file of this format.
    format: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(files))
        .routes(routes!(download))
        .routes(routes!(certificate))
}

/// Writes a trained model as files for other programs
#[utoipa::path(post, path = "/api/projects/{project_id}/export", tag = "export",
    params(("project_id" = Uuid, Path)), request_body = StartExport, responses((status = 202, body = JobStarted)))]
async fn start(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<StartExport>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let job = begin(&state, project_id, body).await?;
    Ok(super::jobs::started(job))
}

/// Checks and queues an export.
pub async fn begin(state: &AppState, project_id: Uuid, body: StartExport) -> ApiResult<store::jobs::Job> {
    let wanted = body.formats.unwrap_or_else(|| vec![ZIP.to_owned()]);
    let mut quantizations = body.quantizations.unwrap_or_default();
    quantizations.extend(body.quantization);
    let known = |format: &String| format == ZIP || export::format(format).is_some();
    let types_are_known = quantizations.iter().all(|id| export::Quantization::from_id(id).is_some());
    let mut checks = Checks::default();
    checks
        .require(
            !wanted.is_empty() && wanted.iter().all(known),
            "formats",
            "must be some of options.export_formats in GET /api/settings",
        )
        .require(
            types_are_known,
            "quantizations",
            "are not all in options.quantizations in GET /api/settings",
        );
    checks.finish()?;
    let run = runs::with_result(state, project_id, body.run_id).await?;
    let is_full = RunConfig::of(&run)?.settings.method == "full";
    let needs_adapter = |id: &str| export::format(id).is_some_and(|format| format.needs_adapter);
    if is_full && let Some(format) = wanted.iter().find(|format| needs_adapter(format)) {
        let problem = format!("cannot hold {format}: this run trained all weights");
        return Err(ApiError::invalid_field("formats", problem));
    }
    let bundle = wanted.iter().any(|format| format == ZIP);
    let mut formats: Vec<String> = wanted.into_iter().filter(|format| format != ZIP).collect();
    if formats.is_empty() {
        formats.extend(IN_ZIP.into_iter().filter(|id| !(is_full && needs_adapter(id))).map(str::to_owned));
    }
    let mut seen = HashSet::new();
    formats.retain(|format| seen.insert(format.clone()));
    quantizations.sort_unstable();
    quantizations.dedup();
    let job = Export { project_id, run_id: run.id, formats, quantizations, bundle };
    Ok(crate::jobs::enqueue(&state.database, &job).await?)
}

/// Lists the exported files, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/export/files", tag = "export",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<ExportFile>)))]
async fn files(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<ExportFile>>> {
    let page = paging.page()?;
    let all = all(&state, project_id, query.run_id).await?;
    Ok(Json(List::of_all(all.into_iter().map(|found| found.file).collect(), page)))
}

/// Downloads an exported file
#[utoipa::path(get, path = "/api/projects/{project_id}/export/download", tag = "export",
    params(("project_id" = Uuid, Path), DownloadQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn download(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<DownloadQuery>,
) -> ApiResult<Response> {
    let found =
        find(&state, project_id, query.run_id, query.name.as_deref(), query.format.as_deref()).await?;
    send(&state, &found).await
}

/// How the exported files relate to the trained model
#[utoipa::path(get, path = "/api/projects/{project_id}/export/certificate", tag = "export",
    params(("project_id" = Uuid, Path), ListQuery), responses((status = 200, body = Certificate)))]
async fn certificate(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Certificate>> {
    let run = runs::with_result(&state, project_id, query.run_id).await?;
    let kinds = EventFilter { after: 0, kinds: Some(vec!["certificate".to_owned(), "ollama".to_owned()]) };
    let events = store::run_events::list(&state.database, run.id, &kinds, i64::MAX as u64).await?;
    Ok(Json(Certificate::of(run.id, &events)?))
}

/// The newest export with this name or format.
pub async fn find(
    state: &AppState,
    project_id: Uuid,
    run_id: Option<Uuid>,
    name: Option<&str>,
    format: Option<&str>,
) -> ApiResult<Found> {
    if name.is_none() && format.is_none() {
        return Err(ApiError::invalid_field("name", "or format is required"));
    }
    let fits = |found: &Found| {
        name.is_none_or(|name| found.file.name == name)
            && format.is_none_or(|format| found.file.format == format)
    };
    let found = all(state, project_id, run_id).await?.into_iter().find(fits);
    found.ok_or_else(|| {
        let wanted = name.or(format).unwrap_or_default();
        ApiError::new(Code::ExportNotFound, format!("There is no exported file {wanted}."))
            .param("name", wanted)
    })
}

/// All exported files that are there, newest first; a file written again counts once.
async fn all(state: &AppState, project_id: Uuid, run_id: Option<Uuid>) -> ApiResult<Vec<Found>> {
    store::projects::get(&state.database, project_id).await?;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for job in super::evaluate::completed(state, project_id, "export").await? {
        let Some(result) = &job.result else { continue };
        let run = result.get("run_id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
        let Some(run) = run.filter(|run| run_id.is_none_or(|wanted| wanted == *run)) else { continue };
        let row = store::runs::get(&state.database, run).await.ok();
        let number = row.and_then(|row| RunConfig::of(&row).ok()).map(|config| config.number);
        for file in files_of(result).map_err(ApiError::internal)? {
            let key = BlobKey::parse(&file.key)?;
            if !seen.insert(key.clone()) || state.blobs.size(&key).await.is_err() {
                continue;
            }
            let format = if file.format == BUNDLE { ZIP.to_owned() } else { file.format };
            let fallbacks = file.fallbacks.into_iter().map(serde_json::from_value);
            let file = ExportFile {
                quantization: file.quantization,
                warnings: file.warnings,
                fallbacks: fallbacks.collect::<Result<_, _>>().map_err(ApiError::internal)?,
                download_url: format!(
                    "/api/projects/{project_id}/export/download?run_id={run}&name={}",
                    file.name
                ),
                name: file.name,
                format,
                run_id: run,
                run_number: number,
                size_bytes: file.size_bytes,
                sha256: file.sha256,
                created_at: job.finished_at.unwrap_or(job.updated_at),
            };
            found.push(Found { file, key });
        }
    }
    Ok(found)
}

/// The file's bytes as an answer to save.
pub async fn send(state: &AppState, found: &Found) -> ApiResult<Response> {
    let size = state.blobs.size(&found.key).await?;
    let stream = state.blobs.get_stream(&found.key).await?;
    let saved = match found.file.run_number {
        Some(number) => format!("run{number}-{}", found.file.name),
        None => found.file.name.clone(),
    };
    let media_type = if saved.ends_with(".zip") { "application/zip" } else { "application/octet-stream" };
    Ok(attachment(Body::from_stream(stream), &saved, media_type, Some(size)))
}

/// An answer that a browser saves under this name.
pub fn attachment(body: Body, name: &str, media_type: &'static str, size: Option<u64>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if let Some(size) = size {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    response
}
