//! `dataset_check`: a score with its reasons for each example that is not rejected, by the whole set: duplicates need it.

use std::collections::HashMap;
use std::path::Path;

use datasets::checks::{self, CheckOptions, Subject, TokenLimit};
use datasets::{Example, Sources};
use engine::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::chunks::{self, ChunkFilter};
use store::examples::{self, ExampleFilter, ExampleStatus};
use uuid::Uuid;

use super::chunk_documents::{documents_of, project_model};
use super::{JobError, JobKind, Queue, Work};
use crate::records;
use crate::words::Activity;

/// Examples that are read at a time.
const PART: u64 = 1000;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatasetCheck {
    /// The project.
    pub project_id: Uuid,
    /// Tokens that an example may have; `None`: any number.
    pub max_tokens: Option<u32>,
}

impl JobKind for DatasetCheck {
    const KIND: &'static str = "dataset_check";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        work.progress(0, 0, Activity::ReadingExamples {}).await?;
        let mut found = Vec::new();
        for status in [ExampleStatus::Pending, ExampleStatus::Approved] {
            let filter = ExampleFilter { status: Some(status), ..ExampleFilter::default() };
            let mut after = None;
            loop {
                work.check()?;
                let part =
                    examples::list_after(work.database(), self.project_id, &filter, after, PART).await?;
                let Some(last) = part.last() else { break };
                after = Some(last.id);
                for row in &part {
                    found.push((row.id, records::example(row)?, row.quality.clone()));
                }
            }
        }
        // The order of their creation, so that the first of two alike stays.
        found.sort_unstable_by_key(|(id, ..)| *id);
        let sources = self.sources(&work).await?;
        let folder = match project_model(&work, self.project_id).await {
            Ok(model_id) => Some(work.services.models.dir(&model_id)?),
            // Lengths are not counted then.
            Err(_) => None,
        };
        let total = found.len() as u64;
        work.progress(0, total, Activity::Checking {}).await?;
        let max_tokens = self.max_tokens;
        let assessed = work.blocking(move || assess(&found, &sources, folder.as_deref(), max_tokens)).await?;
        work.check()?;
        let with_findings = assessed.iter().filter(|(_, quality)| has_findings(quality)).count();
        examples::assess(work.database(), self.project_id, assessed).await?;
        work.progress(total, total, Activity::Done {}).await?;
        Ok(json!({ "examples": total, "with_findings": with_findings }))
    }
}

impl DatasetCheck {
    async fn sources(&self, work: &Work) -> Result<Sources, JobError> {
        let files = documents_of(work, self.project_id, None).await?;
        let names: HashMap<Uuid, String> = files.into_iter().map(|file| (file.id, file.name)).collect();
        let mut found = Vec::new();
        chunks::for_each(work.database(), self.project_id, ChunkFilter::default(), |chunk| {
            let name = names.get(&chunk.file_id).map_or("", String::as_str);
            found.push(records::source(&chunk, name));
        })
        .await?;
        Ok(Sources::new(found))
    }
}

/// What is to be stored of each example.
fn assess(
    found: &[(Uuid, Example, Value)],
    sources: &Sources,
    model: Option<&Path>,
    max_tokens: Option<u32>,
) -> anyhow::Result<Vec<(Uuid, Value)>> {
    let texts: Vec<Option<String>> =
        found.iter().map(|(_, example, _)| sources.text_of(&example.provenance)).collect();
    let subjects: Vec<Subject> = found
        .iter()
        .zip(&texts)
        .map(|((_, example, _), text)| Subject { source: text.as_deref(), ..Subject::new(example) })
        .collect();
    let tokenizer = model.map(Tokenizer::open).transpose()?;
    let count = |text: &str| tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(text).len());
    let token_limit =
        max_tokens.map(|max_tokens| TokenLimit { count: &count, max_tokens: max_tokens as usize });
    let checked = checks::check(&subjects, &CheckOptions { token_limit, ..CheckOptions::default() });
    let stored = |((id, example, quality), checked): (&(Uuid, Example, Value), &checks::Checked)| {
        let tokens: usize = example.messages.iter().map(|message| count(&message.content)).sum();
        let checked = records::quality(example, checked, tokenizer.as_ref().map(|_| tokens as u64));
        (*id, records::checked_again(quality, checked))
    };
    Ok(found.iter().zip(&checked).map(stored).collect())
}

fn has_findings(quality: &Value) -> bool {
    quality["issues"].as_array().is_some_and(|issues| !issues.is_empty())
}
