//! `chunk_documents`: reads documents in a child process and cuts them into chunks, counted by the project's tokenizer.

use std::sync::Arc;

use documents::{ChunkOptions, Document};
use engine::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Database;
use store::chunks::{self, NewChunk};
use store::files::File;
use uuid::Uuid;

use super::{JobError, JobKind, Queue, Work};
use crate::library::{self, LibraryError};
use crate::words::{self, Activity, Cause};

/// Sections shorter than this share of a chunk are joined with the next one.
const SHORT_SECTION: usize = 4;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChunkDocuments {
    /// The project.
    pub project_id: Uuid,
    /// Which documents, in this order.
    pub file_ids: Vec<Uuid>,
    /// No chunk is longer.
    pub max_tokens: u32,
    /// Repeated from the chunk before.
    pub overlap_tokens: u32,
}

impl JobKind for ChunkDocuments {
    const KIND: &'static str = "chunk_documents";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let model_id = project_model(&work, self.project_id).await?;
        let folder = work.services.models.dir(&model_id)?;
        let tokenizer = work.blocking(move || Ok(Arc::new(Tokenizer::open(&folder)?))).await?;
        let total = self.file_ids.len() as u64;
        let (mut done, mut failed, mut count) = (Vec::new(), Vec::new(), 0);
        let mut first_error = None;
        for (index, file_id) in (0..).zip(&self.file_ids) {
            work.check()?;
            let file = match store::files::get(work.database(), self.project_id, *file_id).await {
                // It was deleted after the job was stored.
                Err(error) if error.is_not_found() => continue,
                file => file?,
            };
            work.progress(index, total, Activity::Reading { name: file.name.clone() }).await?;
            let library = work.services.library();
            match work.unless_interrupted(library::read_document(&library, &file)).await? {
                Ok(document) => {
                    let chunks = self.cut(&work, document, Arc::clone(&tokenizer)).await?;
                    count +=
                        chunks::replace_for_file(work.database(), self.project_id, file.id, chunks).await?;
                    done.push(file.id);
                }
                Err(error @ LibraryError::Document { .. }) => {
                    failed.push(json!({ "file_id": file.id, "name": file.name, "error": error.to_string() }));
                    first_error.get_or_insert(error);
                }
                Err(LibraryError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        if done.is_empty()
            && let Some(first) = first_error
        {
            let others = match failed.len() - 1 {
                0 => String::new(),
                others => format!(" (and {others} more could not be read)"),
            };
            let text = format!("{first}{others}");
            return Err(JobError::Failed(words::because(first, text)));
        }
        work.progress(total, total, Activity::Done {}).await?;
        Ok(json!({ "files": done.len(), "chunks": count, "failed": failed }))
    }
}

impl ChunkDocuments {
    async fn cut(
        &self,
        work: &Work,
        document: Document,
        tokenizer: Arc<Tokenizer>,
    ) -> Result<Vec<NewChunk>, JobError> {
        let max_tokens = self.max_tokens as usize;
        let options = ChunkOptions {
            max_tokens,
            overlap_tokens: self.overlap_tokens as usize,
            min_tokens: max_tokens / SHORT_SECTION,
        };
        let cut = move || {
            let count = |text: &str| tokenizer.encode(text).len();
            Ok(documents::chunk(&document, &options, &count).into_iter().map(stored).collect())
        };
        work.blocking(cut).await
    }
}

fn stored(chunk: documents::Chunk) -> NewChunk {
    let (first, last) = chunk.pages.unzip();
    NewChunk {
        // PostgreSQL has no place for this character in a text.
        text: chunk.text.replace('\0', " "),
        token_count: chunk.tokens as u64,
        source: json!({
            "page_start": first,
            "page_end": last,
            "start": chunk.span.start,
            "end": chunk.span.end,
            "headings": chunk.heading_path,
        }),
    }
}

/// The model that a project is for.
pub(super) async fn project_model(work: &Work, project_id: Uuid) -> Result<String, JobError> {
    let project = store::projects::get(work.database(), project_id).await?;
    let model_id = project.settings.get("model_id").and_then(Value::as_str);
    match model_id {
        Some(model_id) => Ok(model_id.to_owned()),
        None => {
            let text = "the project names no model; choose one in its settings";
            Err(JobError::Failed(Cause::NoModelChosen {}.error(text)))
        }
    }
}

/// The documents of a project that are meant, in the order of their upload.
pub(super) async fn documents_of(
    work: &Work,
    project_id: Uuid,
    only: Option<&[Uuid]>,
) -> Result<Vec<File>, JobError> {
    let mut found = all_documents(work.database(), project_id).await?;
    if let Some(only) = only {
        found.retain(|file| only.contains(&file.id));
    }
    Ok(found)
}

/// All documents of a project, in the order of their upload.
pub(crate) async fn all_documents(database: &Database, project_id: Uuid) -> store::Result<Vec<File>> {
    let mut found: Vec<File> = Vec::new();
    for number in 1.. {
        let filter = store::files::FileFilter { kind: Some("raw_doc".to_owned()), status: None };
        let page = store::Page::new(number, store::Page::MAX_PER_PAGE);
        let page = store::files::list(database, project_id, page, filter).await?;
        found.extend(page.items);
        if number * store::Page::MAX_PER_PAGE >= page.total {
            break;
        }
    }
    Ok(found)
}
