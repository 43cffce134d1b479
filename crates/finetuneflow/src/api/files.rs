//! Files of a project: documents to read, data sets to import. Streamed in, hashed, kept once.

use std::collections::HashMap;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use documents::BlockKind;
use documents::ocr::Languages;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::BlobKey;
use store::files::{self as rows, FileFilter, NewFile};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{InProject, Json, List, Paging, Path, Query};
use super::jobs::JobStarted;
use super::state::AppState;
use crate::jobs::document_ocr::DocumentOcr;
use crate::library;
use crate::words::Words;

const MAX_NAME: usize = 255;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A document to make chunks and examples of.
    RawDoc,
    /// Training records to import.
    Dataset,
}

impl FileKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RawDoc => "raw_doc",
            Self::Dataset => "dataset",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::RawDoc, Self::Dataset].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How far a file has been worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Its bytes are here.
    Stored,
    /// Its text is known.
    Parsed,
    /// It could not be read; `error` says why.
    Failed,
}

/// An uploaded file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project_id: Uuid,
    /// The name it was uploaded under.
    #[schema(example = "handbook.pdf")]
    pub name: String,
    /// What it is for.
    pub kind: FileKind,
    /// By its name.
    #[schema(example = "application/pdf")]
    pub media_type: String,
    /// Its size.
    pub size_bytes: u64,
    /// Of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// How far it has been worked on.
    pub status: FileStatus,
    /// Known once it was read.
    pub pages: Option<u64>,
    /// Characters of its text; known once it was read.
    pub characters: Option<u64>,
    /// Why it could not be read.
    pub error: Option<String>,
    /// The same for programs: `no_text` (a scan or a picture, whose text can be recognised), `password`, `damaged`, …
    pub reason: Option<String>,
    /// What was left out or repaired while reading.
    pub warnings: Vec<FileWarning>,
    /// Set where text was read off pictures.
    pub recognition: Option<Recognition>,
    /// Only after an upload: it was there already.
    pub duplicate: bool,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// What a reader should know before trusting a document's text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FileWarning {
    /// The page that is meant, from 1; null where all are.
    pub page: Option<u64>,
    /// What is said.
    #[serde(flatten)]
    pub words: Words,
}

/// Text that was read off pictures (OCR).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Recognition {
    /// Program and version.
    #[schema(example = "tesseract 5.3.0")]
    pub engine: String,
    /// The languages that it was to expect.
    #[schema(example = json!(["eng"]))]
    pub languages: Vec<String>,
    /// Pages whose text was recognised.
    pub pages: u32,
    /// How sure the program is of a word, 0 to 100, the mean of all words.
    pub mean_confidence: f32,
}

/// How to recognise text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recognise {
    /// What the text may be in, as `GET /api/settings/ocr` lists it.
    #[schema(example = json!(["eng", "fra"]))]
    pub languages: Vec<String>,
}

/// Files that an upload left in the project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// In the order of the upload.
    pub items: Vec<File>,
}

/// The form of an upload.
#[derive(ToSchema)]
#[allow(dead_code)]
struct UploadForm {
    /// What the files are for; stands before them. Default: `raw_doc`.
    kind: Option<FileKind>,
    /// One or more files.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<Vec<u8>>,
}

/// A page of a document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TextPage {
    /// From 1.
    pub number: u64,
    /// Its first character in the whole text, where the `start` and `end` of passages count from.
    pub start: u64,
    /// Its text.
    pub text: String,
}

/// A document's text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FileText {
    /// The file.
    pub file_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its first heading of the highest level.
    pub title: Option<String>,
    /// As far as it could be told.
    pub language: Option<String>,
    /// Of the whole text.
    pub characters: u64,
    /// Of the whole text.
    pub words: u64,
    /// What was left out or repaired.
    pub warnings: Vec<FileWarning>,
    /// Formats without pages have one, number 1.
    pub pages: Vec<TextPage>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only this kind.
    kind: Option<FileKind>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(upload))
        // Each file is counted while it streams in.
        .layer(DefaultBodyLimit::disable())
        .routes(routes!(list))
        .routes(routes!(text))
        .routes(routes!(ocr))
        .routes(routes!(delete))
}

/// A multipart body; anything else is answered in our error shape.
pub async fn multipart(request: Request, state: &AppState) -> ApiResult<Multipart> {
    Multipart::from_request(request, state).await.map_err(|_| {
        ApiError::new(Code::InvalidUpload, "The request is not multipart/form-data with a boundary.")
    })
}

/// An upload that ended early or broke the form's rules.
pub fn upload_error(error: &MultipartError) -> ApiError {
    ApiError::new(Code::InvalidUpload, format!("The upload could not be read: {}.", error.body_text()))
}

/// Uploads files
///
/// The same bytes again are the same file: the answer then has `duplicate`.
#[utoipa::path(post, path = "/api/projects/{project_id}/files/upload", tag = "files",
    params(("project_id" = Uuid, Path)),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Uploaded)))]
async fn upload(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    request: Request,
) -> ApiResult<(StatusCode, Json<Uploaded>)> {
    store::projects::get(&state.database, project_id).await?;
    let mut form = multipart(request, &state).await?;
    let mut kind = FileKind::RawDoc;
    let mut items = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| upload_error(&error))? {
        match field.name().unwrap_or_default() {
            "kind" if items.is_empty() => {
                let text = field.text().await.map_err(|error| upload_error(&error))?;
                kind = FileKind::parse(text.trim())
                    .ok_or_else(|| ApiError::invalid_field("kind", "is neither raw_doc nor dataset"))?;
            }
            "kind" => return Err(ApiError::invalid_field("kind", "must stand before the files")),
            "files" if items.len() >= state.config.max_files_per_upload => {
                let limit = state.config.max_files_per_upload;
                let message = format!("There are more than {limit} files.");
                return Err(ApiError::new(Code::PayloadTooLarge, message).param("max_files", limit));
            }
            "files" => items.push(keep(&state, project_id, kind, field).await?),
            other => return Err(ApiError::invalid_field(other, "is not a field of an upload")),
        }
    }
    if items.is_empty() {
        return Err(ApiError::new(Code::InvalidUpload, "The upload has no file."));
    }
    Ok((StatusCode::CREATED, Json(Uploaded { items })))
}

/// Streams one file of a form into the store.
pub async fn keep(state: &AppState, project_id: Uuid, kind: FileKind, field: Field<'_>) -> ApiResult<File> {
    let name = clean_name(field.file_name().unwrap_or_default());
    if name.is_empty() {
        return Err(ApiError::invalid_field("files", "has a part without a file name"));
    }
    check_type(kind, &name)?;
    let id = Uuid::now_v7();
    let blob_key = library::raw_key(project_id, id, &name)?;
    let limit = state.config.max_upload_bytes;
    let stored = state
        .blobs
        .put_stream(&blob_key, field.map_err(std::io::Error::other), limit)
        .await
        .map_err(|error| ApiError::from(error).param("name", name.clone()))?;
    let same = rows::find_by_sha256(&state.database, project_id, kind.as_str(), &stored.sha256).await?;
    if let Some(row) = same {
        state.blobs.delete(&blob_key).await?;
        return Ok(File { duplicate: true, ..view(row) });
    }
    let media_type = mime_guess::from_path(&name).first_or_octet_stream().essence_str().to_owned();
    let new = NewFile {
        id,
        project_id,
        name,
        kind: kind.as_str().to_owned(),
        media_type,
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
        blob_key: blob_key.as_str().to_owned(),
        status: library::STORED.to_owned(),
        details: json!({}),
    };
    Ok(view(rows::create(&state.database, new).await?))
}

/// The last part of a path, without signs that would change how it is shown.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|letter| !letter.is_control());
    visible.take(MAX_NAME).collect::<String>().trim().to_owned()
}

fn check_type(kind: FileKind, name: &str) -> ApiResult<()> {
    let known = match kind {
        FileKind::RawDoc => library::document_extensions(),
        FileKind::Dataset => library::DATASET_EXTENSIONS.to_vec(),
    };
    let extension =
        std::path::Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if known.contains(&extension.as_str()) {
        return Ok(());
    }
    let list = known.join(", ");
    Err(ApiError::new(Code::UnsupportedMediaType, format!("{name} is not of a type that can be read."))
        .hint(format!("Save it as one of these and upload it again: {list}."))
        .param("name", name)
        .param("known", known))
}

/// Lists the files
#[utoipa::path(get, path = "/api/projects/{project_id}/files", tag = "files",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<File>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<File>>> {
    store::projects::get(&state.database, project_id).await?;
    let filter = FileFilter { kind: query.kind.map(|kind| kind.as_str().to_owned()), status: None };
    let page = rows::list(&state.database, project_id, paging.page()?, filter).await?;
    Ok(Json(page.map(view).into()))
}

/// A document's text, page by page
///
/// The document is read when it is asked for the first time.
#[utoipa::path(get, path = "/api/projects/{project_id}/files/{file_id}/text", tag = "files",
    params(("project_id" = Uuid, Path), ("file_id" = Uuid, Path)), responses((status = 200, body = FileText)))]
async fn text(
    State(state): State<AppState>,
    Path((project_id, file_id)): InProject,
) -> ApiResult<Json<FileText>> {
    let row = document_row(&state, project_id, file_id).await?;
    let document = library::read_document(&state.library(), &row).await?;
    let whole = TextPage { number: 1, start: 0, text: document.text.clone() };
    let page = |page: &documents::Page| TextPage {
        number: u64::from(page.number),
        start: page.span.start as u64,
        text: document.slice(page.span).to_owned(),
    };
    let pages: Vec<_> = document.pages.iter().map(page).collect();
    let title = document.blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading(1)));
    Ok(Json(FileText {
        file_id,
        name: row.name,
        title: title.map(|block| document.slice(block.span).to_owned()),
        language: document.language.clone(),
        characters: document.text.chars().count() as u64,
        words: document.text.split_whitespace().count() as u64,
        warnings: document.warnings.iter().map(FileWarning::of).collect(),
        pages: if pages.is_empty() { vec![whole] } else { pages },
    }))
}

async fn document_row(state: &AppState, project_id: Uuid, file_id: Uuid) -> ApiResult<rows::File> {
    let row = rows::get(&state.database, project_id, file_id).await?;
    if row.kind != FileKind::RawDoc.as_str() {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            format!("{} is a data set, not a document.", row.name),
        )
        .hint("Import it into the data set of the project."));
    }
    Ok(row)
}

/// Recognises the text of a scanned document or a picture
///
/// Pages that have text keep it. Needs tesseract, and poppler for PDF files: `GET /api/settings/ocr` says what is there.
/// The document's chunks are not made again.
#[utoipa::path(post, path = "/api/projects/{project_id}/files/{file_id}/ocr", tag = "files",
    params(("project_id" = Uuid, Path), ("file_id" = Uuid, Path)), request_body = Recognise,
    responses((status = 202, body = JobStarted)))]
async fn ocr(
    State(state): State<AppState>,
    Path((project_id, file_id)): InProject,
    Json(body): Json<Recognise>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let row = document_row(&state, project_id, file_id).await?;
    let languages = body.languages.join("+").parse::<Languages>();
    let languages = languages.map_err(|_| {
        ApiError::invalid_field(
            "languages",
            "must be one to five languages as GET /api/settings/ocr lists them",
        )
    })?;
    let job = DocumentOcr { project_id, file_id: row.id, languages };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Deletes a file and its chunks
///
/// Examples that were made from it stay and keep saying where they come from.
#[utoipa::path(delete, path = "/api/projects/{project_id}/files/{file_id}", tag = "files",
    params(("project_id" = Uuid, Path), ("file_id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(state): State<AppState>,
    Path((project_id, file_id)): InProject,
) -> ApiResult<StatusCode> {
    let row = rows::delete(&state.database, project_id, file_id).await?;
    state.blobs.delete(&BlobKey::parse(&row.blob_key)?).await?;
    state.blobs.delete(&library::document_key(project_id, file_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All files of a kind, in the order of their upload.
pub async fn all(state: &AppState, project_id: Uuid, kind: FileKind) -> ApiResult<Vec<rows::File>> {
    let mut found = Vec::new();
    for number in 1.. {
        let filter = FileFilter { kind: Some(kind.as_str().to_owned()), status: None };
        let page = store::Page::new(number, store::Page::MAX_PER_PAGE);
        let page = rows::list(&state.database, project_id, page, filter).await?;
        found.extend(page.items);
        if found.len() as u64 >= page.total || page.total <= number * store::Page::MAX_PER_PAGE {
            break;
        }
    }
    Ok(found)
}

/// The names of a project's documents.
pub async fn names(state: &AppState, project_id: Uuid) -> ApiResult<HashMap<Uuid, String>> {
    let documents = all(state, project_id, FileKind::RawDoc).await?;
    Ok(documents.into_iter().map(|row| (row.id, row.name)).collect())
}

impl FileWarning {
    fn of(warning: &documents::Warning) -> Self {
        Self { page: warning.page.map(u64::from), words: warning.into() }
    }

    /// Older versions stored the words alone.
    fn stored(value: &Value) -> Option<Self> {
        let page = value.get("page").and_then(Value::as_u64);
        Some(Self { page, words: Words::deserialize(value).ok()? })
    }
}

/// A stored file as the API shows it.
pub fn view(row: rows::File) -> File {
    let number = |name: &str| row.details.get(name).and_then(Value::as_u64);
    let warnings = row.details.get("warnings").and_then(Value::as_array);
    File {
        id: row.id,
        project_id: row.project_id,
        kind: FileKind::parse(&row.kind).unwrap_or(FileKind::RawDoc),
        size_bytes: row.size_bytes.unsigned_abs(),
        status: match row.status.as_str() {
            library::PARSED => FileStatus::Parsed,
            library::FAILED => FileStatus::Failed,
            _ => FileStatus::Stored,
        },
        pages: number("pages"),
        characters: number("characters"),
        error: row.details.get("error").and_then(Value::as_str).map(str::to_owned),
        reason: row.details.get("reason").and_then(Value::as_str).map(str::to_owned),
        recognition: row
            .details
            .get("recognition")
            .and_then(|value| serde_json::from_value(value.clone()).ok()),
        warnings: warnings.into_iter().flatten().filter_map(FileWarning::stored).collect(),
        duplicate: false,
        created_at: row.created_at,
        name: row.name,
        media_type: row.media_type,
        sha256: row.sha256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_paths() {
        for (given, expected) in [
            ("handbook.pdf", "handbook.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\docs\\a.docx", "a.docx"),
            ("a\u{0}\nb.txt", "ab.txt"),
            ("..", ".."),
            ("", ""),
        ] {
            assert_eq!(clean_name(given), expected);
        }
    }
}
