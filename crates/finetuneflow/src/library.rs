//! What the application keeps of a project's files: where it lies, how a document's text is read and kept, and how
//! examples are told apart. Shared by the API and the jobs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use documents::isolation::{ChildCommand, Limits, parse_isolated};
use documents::ocr::{self, Languages};
use documents::{Document, DocumentError};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::files::{self, File, FileChange};
use store::{BlobKey, Blobs, Database, StoreError};
use uuid::Uuid;

/// A file's bytes are there.
pub const STORED: &str = "stored";
/// A file's text is known.
pub const PARSED: &str = "parsed";
/// A file could not be read.
pub const FAILED: &str = "failed";

/// Types of files that training records are imported from.
pub const DATASET_EXTENSIONS: &[&str] = &["jsonl", "json", "csv", "tsv", "ndjson", "parquet"];

/// Why a document's text is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document cannot be read; the file's name stands in the message.
    #[error("{message}")]
    Document {
        /// For people.
        message: String,
        /// For programs.
        error: Box<DocumentError>,
    },
    /// Something of ours.
    #[error("{0}")]
    Internal(String),
}

/// What reading documents needs.
#[derive(Clone, Debug)]
pub struct Library {
    /// Rows.
    pub database: Database,
    /// Bytes.
    pub blobs: Blobs,
    /// This program, which reads documents in a child process.
    pub program: PathBuf,
}

/// Where an uploaded file's bytes are. The name's ending stays: it tells kinds of plain text apart.
pub fn raw_key(project_id: Uuid, file_id: Uuid, name: &str) -> Result<BlobKey, StoreError> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let ending = ending.filter(|ending| {
        (1..=10).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    BlobKey::new(
        project_id,
        "raw",
        &ending.map_or(file_id.to_string(), |ending| format!("{file_id}.{ending}")),
    )
}

/// Where a document's text and structure are kept once it was read.
pub fn document_key(project_id: Uuid, file_id: Uuid) -> Result<BlobKey, StoreError> {
    BlobKey::new(project_id, "chunks", &format!("{file_id}.document.json"))
}

/// Endings of documents that can be read.
pub fn document_extensions() -> Vec<&'static str> {
    let all = documents::formats::REGISTRY.iter().flat_map(|reader| reader.extensions.iter().copied());
    let mut known: Vec<_> = all.collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// The identity of a training record: SHA-256 of its messages, white space at their ends aside.
pub fn content_hash(payload: &Value) -> String {
    let mut digest = Sha256::new();
    for message in payload.get("messages").and_then(Value::as_array).into_iter().flatten() {
        for part in ["role", "content"] {
            let text = message.get(part).and_then(Value::as_str).unwrap_or_default().trim();
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
    }
    hexadecimal(&digest.finalize())
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The document's text and structure. The first time it is read in a child process, kept, and its row told. When this
/// is dropped, the child ends too.
pub async fn read_document(library: &Library, file: &File) -> Result<Document, LibraryError> {
    let key = document_key(file.project_id, file.id)?;
    match library.blobs.get(&key).await {
        Ok(bytes) => {
            // An older shape is read again from the file itself.
            if let Ok(document) = serde_json::from_slice(&bytes) {
                return Ok(document);
            }
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    let read = |path: PathBuf, command: ChildCommand, cancel: Arc<AtomicBool>| {
        parse_isolated(&path, &command, &Limits::default(), &cancel).map(|report| report.document)
    };
    let outcome = in_child(library, file, read).await;
    keep(library, file, outcome).await
}

/// Reads the document once more and recognises the text of its pages that have none, in these languages; it takes
/// the place of what was known of it. `progress` is told the pages that are done and how many there are. When this is dropped, the
/// programs end too.
pub async fn recognise_document(
    library: &Library,
    file: &File,
    languages: Languages,
    mut progress: impl FnMut(u32, u32) + Send + 'static,
) -> Result<Document, LibraryError> {
    let read = move |path: PathBuf, command: ChildCommand, cancel: Arc<AtomicBool>| {
        ocr::read(&path, &command, &Limits::default(), &languages, &cancel, &mut progress)
    };
    // A failure changes nothing of what is known.
    let document = in_child(library, file, read).await?;
    keep(library, file, Ok(document)).await
}

/// How this program starts a child that reads documents.
pub fn child_command(program: PathBuf) -> ChildCommand {
    ChildCommand { program, arguments: vec![crate::cli::parse_child::NAME.into()], environment: Vec::new() }
}

/// Keeps what was read, and tells the file's row of it or of the failure.
async fn keep(
    library: &Library,
    file: &File,
    outcome: Result<Document, LibraryError>,
) -> Result<Document, LibraryError> {
    let change = match &outcome {
        Ok(document) => {
            let bytes =
                serde_json::to_vec(document).map_err(|error| LibraryError::Internal(error.to_string()))?;
            library.blobs.put(&document_key(file.project_id, file.id)?, bytes).await?;
            parsed(document)
        }
        Err(LibraryError::Document { message, error }) => {
            let reason = serde_json::to_value(error).ok().and_then(|error| error.get("code").cloned());
            let details = json!({ "error": message, "reason": reason });
            FileChange { status: Some(FAILED.to_owned()), details: Some(details) }
        }
        Err(_) => return outcome,
    };
    files::update(&library.database, file.project_id, file.id, change).await?;
    outcome
}

fn parsed(document: &Document) -> FileChange {
    let details = json!({
        "pages": if document.pages.is_empty() { Value::Null } else { document.pages.len().into() },
        "characters": document.text.chars().count(),
        "language": document.language,
        "warnings": document.warnings,
        "recognition": document.recognition,
    });
    FileChange { status: Some(PARSED.to_owned()), details: Some(details) }
}

/// A blob as a file of this computer. Where blobs are not local files, the bytes go to a temporary one first, which goes
/// with the second value.
pub async fn local_file(
    blobs: &Blobs,
    key: &BlobKey,
) -> Result<(PathBuf, Option<tempfile::TempDir>), LibraryError> {
    if let Some(path) = blobs.local_path(key) {
        return Ok((path, None));
    }
    let internal = |reason: std::io::Error| LibraryError::Internal(reason.to_string());
    let folder = tempfile::tempdir().map_err(internal)?;
    let path = folder.path().join(key.as_str().rsplit('/').next().unwrap_or("file"));
    tokio::fs::write(&path, blobs.get(key).await?).await.map_err(internal)?;
    Ok((path, Some(folder)))
}

/// Sets the flag when it is dropped.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `read` over the file's bytes, on a thread of its own.
async fn in_child(
    library: &Library,
    file: &File,
    read: impl FnOnce(PathBuf, ChildCommand, Arc<AtomicBool>) -> Result<Document, DocumentError> + Send + 'static,
) -> Result<Document, LibraryError> {
    let internal = |reason: &dyn std::fmt::Display| LibraryError::Internal(reason.to_string());
    let (path, temporary) = local_file(&library.blobs, &BlobKey::parse(&file.blob_key)?).await?;
    let command = child_command(library.program.clone());
    let shown = path.display().to_string();
    let cancel = Arc::new(AtomicBool::new(false));
    let _guard = CancelOnDrop(Arc::clone(&cancel));
    let work = move || {
        let outcome = read(path, command, cancel);
        drop(temporary);
        outcome
    };
    let outcome = tokio::task::spawn_blocking(work).await.map_err(|error| internal(&error))?;
    outcome.map_err(|error| LibraryError::Document {
        message: error.to_string().replace(&shown, &file.name),
        error: Box::new(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_the_same_record() {
        let record = |question: &str, answer: &str| json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]});
        assert_eq!(content_hash(&record("a", "b")), content_hash(&record(" a\n", "b")));
        assert_ne!(content_hash(&record("a", "b")), content_hash(&record("ab", "")));
        assert_ne!(content_hash(&record("a", "b")), content_hash(&record("b", "a")));
    }

    #[test]
    fn keys_keep_only_harmless_endings() {
        let id = Uuid::nil();
        for (name, ending) in [("a.PDF", ".pdf"), ("a", ""), ("a.tar.gz", ".gz"), ("a.p/df", ""), ("a.", "")]
        {
            let key = raw_key(id, id, name).expect("a key");
            assert_eq!(key.as_str(), format!("{id}/raw/{id}{ending}"));
        }
    }
}
