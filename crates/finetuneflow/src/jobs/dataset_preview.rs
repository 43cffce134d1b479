//! `dataset_preview`: examples of a few chunks, to be looked at and not stored, with an estimate for all of them.
//!
//! Its replies are kept: what was tried is not paid for again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::chunks;
use store::provider_calls;
use uuid::Uuid;

use super::dataset_write::{caller, chunks_meant};
use super::{JobError, JobKind, Queue, Work};
use crate::generation::Options;
use crate::generation::plan::{Prices, Trial, estimate, representative};
use crate::generation::unit::{Writer, Written};
use crate::records;
use crate::words::Activity;

/// Examples that are shown.
const SHOWN: usize = 10;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatasetPreview {
    /// The project.
    pub project_id: Uuid,
    /// Which documents; `None` for all.
    pub file_ids: Option<Vec<Uuid>>,
    /// What is written, by whom.
    pub options: Options,
}

impl JobKind for DatasetPreview {
    const KIND: &'static str = "dataset_preview";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let all = chunks_meant(&work, self.project_id, self.file_ids.as_deref()).await?;
        let (caller, concurrency) =
            caller(&work, self.project_id, &self.options.connection, work.job.id).await?;
        let writer = Writer::new(caller, self.options.clone())?;
        let lengths: Vec<u64> = all.iter().map(|(_, tokens)| *tokens).collect();
        let tried = representative(&lengths);
        let (mut shown, mut set_aside, mut trial) = (Vec::new(), Vec::new(), Trial::default());
        for (number, place) in (0..).zip(&tried) {
            work.check()?;
            work.progress(number, tried.len() as u64, Activity::TryingChunk {}).await?;
            let chunk = chunks::get(work.database(), self.project_id, all[*place].0).await?;
            let started = std::time::Instant::now();
            let written = writer.write(&chunk).await;
            trial.chunks += 1;
            trial.time += started.elapsed();
            match written {
                Ok(Written::Examples(made, left_out)) => {
                    shown.extend(made.into_iter().map(|made| {
                        let messages = records::payload(&made.example)["messages"].take();
                        json!({ "chunk_id": chunk.id, "source": chunk.source, "messages": messages, "mended": made.mended })
                    }));
                    set_aside.extend(left_out);
                }
                Ok(Written::Nothing(reason)) => set_aside.push(reason),
                Err(error) => return Err(JobError::Failed(error.into())),
            }
        }
        shown.truncate(SHOWN);
        let provider = &writer.caller().provider;
        let taken = provider_calls::usage(work.database(), work.job.id).await?;
        let trial = Trial {
            calls: taken.calls,
            prompt_tokens: taken.prompt_tokens,
            completion_tokens: taken.completion_tokens,
            sent_bytes: taken.sent_bytes,
            ..trial
        };
        let connection = work.services.connection(&self.options.connection).await?;
        let prices = Prices { prompt: connection.prompt_price, completion: connection.completion_price };
        work.progress(tried.len() as u64, tried.len() as u64, Activity::Done {}).await?;
        Ok(json!({
            "examples": shown,
            "set_aside": set_aside,
            "estimate": estimate(&trial, all.len() as u64, concurrency, prices),
            "leaves_the_machine": provider.leaves_the_machine(),
            "address": provider.address(),
        }))
    }
}
