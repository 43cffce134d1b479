//! `dataset_generate`: makes examples of a project's documents with the offline generator, each with its place in the source.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::chunks::{self, Chunk, ChunkFilter};
use store::examples::{self, ExampleStatus, NewExample};
use store::files::File;
use uuid::Uuid;

use super::chunk_documents::documents_of;
use super::{JobError, JobKind, Queue, Work};
use crate::library::{self, LibraryError};
use crate::providers::offline::{self, GeneratedExample, Options};
use crate::words::{self, Activity};

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatasetGenerate {
    /// The project.
    pub project_id: Uuid,
    /// Which documents; `None` for all.
    pub file_ids: Option<Vec<Uuid>>,
    /// How the generator works.
    pub options: Options,
    /// The status that the examples begin with.
    pub status: ExampleStatus,
}

impl JobKind for DatasetGenerate {
    const KIND: &'static str = "dataset_generate";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let files = documents_of(&work, self.project_id, self.file_ids.as_deref()).await?;
        let total = files.len() as u64;
        let (mut made, mut stored, mut failed) = (0, 0, Vec::new());
        let mut first_error = None;
        for (index, file) in (0..).zip(&files) {
            work.check()?;
            work.progress(index, total, Activity::MakingExamples { name: file.name.clone() }).await?;
            let library = work.services.library();
            let document = match work.unless_interrupted(library::read_document(&library, file)).await? {
                Ok(document) => document,
                Err(error @ LibraryError::Document { .. }) => {
                    failed.push(json!({ "file_id": file.id, "name": file.name, "error": error.to_string() }));
                    first_error.get_or_insert(error);
                    continue;
                }
                Err(LibraryError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(error.into()),
            };
            let options = self.options.clone();
            let make = move || Ok(offline::generate(&offline::source_blocks(&document), &options));
            let generated = work.blocking(make).await?;
            let chunks = chunks_of(&work, file).await?;
            let examples: Vec<_> =
                generated.examples.iter().map(|example| self.example(file, &chunks, example)).collect();
            made += examples.len();
            // The same content is stored once, so that a second attempt adds only what is missing.
            stored += examples::insert_many(work.database(), self.project_id, examples).await?;
        }
        if stored == 0
            && made == 0
            && let Some(first) = first_error
        {
            let text = first.to_string();
            return Err(JobError::Failed(words::because(first, text)));
        }
        work.progress(total, total, Activity::Done {}).await?;
        Ok(json!({ "files": files.len() - failed.len(), "examples": made, "new": stored, "failed": failed }))
    }
}

impl DatasetGenerate {
    fn example(&self, file: &File, chunks: &[Chunk], example: &GeneratedExample) -> NewExample {
        let clean = |text: &str| text.replace('\0', " ");
        let payload = json!({ "messages": [
            { "role": "user", "content": clean(&example.question) },
            { "role": "assistant", "content": clean(&example.answer) },
        ] });
        let chunk = chunk_with(chunks, &example.source);
        let place = |name: &str| chunk.and_then(|chunk| chunk.source.get(name)).cloned();
        let page = example.source.page.map(Value::from);
        let provenance = json!({
            "source": "offline",
            "file_id": file.id,
            "file_name": file.name,
            "page_start": page.clone().or_else(|| place("page_start")),
            "page_end": page.or_else(|| place("page_end")),
            "start": place("start"),
            "end": place("end"),
            "headings": example.source.heading_path,
            "sentence": clean(&example.source.sentence),
            "generator": offline::NAME,
            "prompt_version": format!("rules {}", offline::VERSION),
            "question_kind": example.kind,
        });
        NewExample {
            chunk_id: chunk.map(|chunk| chunk.id),
            status: self.status,
            content_hash: library::content_hash(&payload),
            payload,
            provenance,
            quality: json!({ "issues": [] }),
        }
    }
}

/// The chunk that holds the sentence that an example was made of, on its page if the page is known.
fn chunk_with<'a>(chunks: &'a [Chunk], source: &offline::ExampleSource) -> Option<&'a Chunk> {
    let on_page = |chunk: &&Chunk| {
        let page = |name: &str| chunk.source.get(name).and_then(Value::as_u64);
        match (source.page.map(u64::from), page("page_start"), page("page_end")) {
            (Some(page), Some(first), Some(last)) => (first..=last).contains(&page),
            _ => true,
        }
    };
    let mut with_sentence = chunks.iter().filter(|chunk| chunk.text.contains(source.sentence.trim()));
    let first = with_sentence.clone().next();
    with_sentence.find(on_page).or(first)
}

async fn chunks_of(work: &Work, file: &File) -> Result<Vec<Chunk>, JobError> {
    let mut found = Vec::new();
    let of_file = ChunkFilter { file_id: Some(file.id) };
    chunks::for_each(work.database(), file.project_id, of_file, |chunk| found.push(chunk)).await?;
    Ok(found)
}
