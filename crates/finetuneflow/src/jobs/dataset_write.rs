//! `dataset_write`: a language model writes examples of a project's chunks, one durable unit of work a chunk.
//!
//! A unit ends once, with its examples or with the reason why there are none; a killed worker's units that have not ended
//! are done by the next, whose replies come from the cache where they had come already. A job that was cancelled, or has
//! reached its budget, is continued by another one that names its units.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::chunks::{self, Chunk, ChunkFilter};
use store::examples::ExampleStatus;
use store::generation_units::{self as units, Unit, UnitOutcome};
use store::{StoreError, provider_calls};
use uuid::Uuid;

use super::dataset_check::DatasetCheck;
use super::{JobError, JobKind, Queue, Signal, Work};
use crate::generation::Options;
use crate::generation::calls::{CallError, Caller};
use crate::generation::unit::{Writer, Written};
use crate::providers::retry::Patience;
use crate::words::{self, Activity, Cause};

/// Units that are read from the database at a time.
const PART: u64 = 200;
/// Progress is stored no more often.
const PROGRESS: Duration = Duration::from_millis(250);
/// So many units in a row that fail at the other end: it is the other end's fault, not theirs.
const FAILURES_IN_A_ROW: usize = 8;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatasetWrite {
    /// The project.
    pub project_id: Uuid,
    /// Which documents; `None` for all.
    pub file_ids: Option<Vec<Uuid>>,
    /// What is written, by whom.
    pub options: Options,
    /// The status that the examples begin with.
    pub status: ExampleStatus,
    /// The job whose units are continued; `None`: this one's own.
    pub continues: Option<Uuid>,
}

impl JobKind for DatasetWrite {
    const KIND: &'static str = "dataset_write";
    const QUEUE: Queue = Queue::Default;
    // Each attempt goes on where the last one was killed.
    const MAX_ATTEMPTS: u32 = 50;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let owner = self.continues.unwrap_or(work.job.id);
        if self.continues.is_none() {
            let chunks = chunks_meant(&work, self.project_id, self.file_ids.as_deref()).await?;
            let chunk_ids: Vec<Uuid> = chunks.into_iter().map(|(id, _)| id).collect();
            units::plan(work.database(), self.project_id, owner, &chunk_ids).await?;
        }
        let (caller, concurrency) = caller(&work, self.project_id, &self.options.connection, owner).await?;
        let writer = Writer::new(caller, self.options.clone())?;
        let mut run = Run {
            files: HashMap::new(),
            told: Instant::now() - PROGRESS,
            failed_in_a_row: 0,
            work,
            writer: Arc::new(writer),
            owner,
            concurrency,
            status: self.status,
        };
        let stopped = run.go(&self.options).await?;
        let counts = units::counts(run.work.database(), owner).await?;
        let usage = provider_calls::usage(run.work.database(), owner).await?;
        run.tell(true).await?;
        // What only the whole set shows: repetitions, lengths.
        if run.work.services.own_connection.is_none() {
            let check = DatasetCheck { project_id: self.project_id, max_tokens: None };
            super::enqueue(run.work.database(), &check).await?;
        }
        Ok(json!({ "units": counts, "usage": usage, "stopped": stopped, "units_of": owner }))
    }
}

/// Asks the connection's other end on behalf of a job, and how many calls it may have at a time.
pub(super) async fn caller(
    work: &Work,
    project_id: Uuid,
    connection_id: &str,
    job_id: Uuid,
) -> Result<(Caller, u32), JobError> {
    let connection = work.services.connection(connection_id).await?;
    let provider = connection.open(&work.services.inference, &work.services.models)?;
    let caller = Caller {
        database: work.database().clone(),
        provider,
        connection: connection_id.to_owned(),
        project_id,
        job_id: Some(job_id),
        patience: Patience::default(),
    };
    Ok((caller, connection.concurrency))
}

/// The chunks of the documents that are meant, in order: ids and lengths in tokens.
pub(super) async fn chunks_meant(
    work: &Work,
    project_id: Uuid,
    only: Option<&[Uuid]>,
) -> Result<Vec<(Uuid, u64)>, JobError> {
    let mut found = Vec::new();
    chunks::for_each(work.database(), project_id, ChunkFilter::default(), |chunk| {
        if only.is_none_or(|files| files.contains(&chunk.file_id)) {
            found.push((chunk.id, chunk.token_count.unsigned_abs()));
        }
    })
    .await?;
    if found.is_empty() {
        return Err(JobError::Failed(
            Cause::NoPassages {}.error("the project has no chunks: cut its documents into chunks first"),
        ));
    }
    Ok(found)
}

/// A job's way through its units.
struct Run {
    work: Work,
    writer: Arc<Writer>,
    /// Whose units they are.
    owner: Uuid,
    concurrency: u32,
    status: ExampleStatus,
    /// Names of files, by id.
    files: HashMap<Uuid, String>,
    told: Instant,
    failed_in_a_row: usize,
}

/// A unit and what became of it.
type Ended = (Unit, Option<Chunk>, Result<Written, CallError>);

impl Run {
    /// Does what is to be done; `Some`: why it stopped before the end.
    async fn go(&mut self, options: &Options) -> Result<Option<String>, JobError> {
        let mut from = 0;
        loop {
            let part = units::pending(self.work.database(), self.owner, from, PART).await?;
            let Some(last) = part.last().map(|unit| unit.ordinal) else { return Ok(None) };
            if let Some(reached) = self.part(part, options).await? {
                return Ok(Some(reached));
            }
            from = last + 1;
        }
    }

    async fn part(&mut self, part: Vec<Unit>, options: &Options) -> Result<Option<String>, JobError> {
        let (writer, database) = (Arc::clone(&self.writer), self.work.database().clone());
        let project_id = writer.caller().project_id;
        let ended = move |unit: Unit| {
            let (writer, database) = (Arc::clone(&writer), database.clone());
            async move {
                let Some(chunk_id) = unit.chunk_id else { return Ok((unit, None, gone())) };
                let chunk = match chunks::get(&database, project_id, chunk_id).await {
                    Err(error) if error.is_not_found() => return Ok((unit, None, gone())),
                    chunk => chunk?,
                };
                let written = writer.write(&chunk).await;
                Ok::<Ended, StoreError>((unit, Some(chunk), written))
            }
        };
        // Taken one by one, so that a budget that is reached begins no further unit.
        let mut waiting = part.into_iter();
        let mut running = futures::stream::FuturesUnordered::new();
        let signals = self.work.clone();
        loop {
            self.work.check()?;
            let reached = match options.budget.is_set() {
                true => {
                    options.budget.reached(&provider_calls::usage(self.work.database(), self.owner).await?)
                }
                false => None,
            };
            while reached.is_none() && running.len() < self.concurrency as usize {
                let Some(unit) = waiting.next() else { break };
                running.push(ended(unit));
            }
            // Dropping `running` ends the calls that are on their way.
            let next = tokio::select! {
                next = running.next() => next,
                signal = signals.interrupted() => return Err(match signal {
                    Signal::Cancel => JobError::Cancelled,
                    _ => JobError::Stopped,
                }),
            };
            let Some(next) = next else { return Ok(reached.filter(|_| waiting.len() > 0)) };
            self.end(next?).await?;
        }
    }

    async fn end(&mut self, (unit, chunk, written): Ended) -> Result<(), JobError> {
        let outcome = match (written, &chunk) {
            (Ok(Written::Examples(made, left_out)), Some(chunk)) => {
                self.failed_in_a_row = 0;
                let file_name = self.file_name(chunk).await?;
                let stored =
                    made.into_iter().map(|made| self.writer.stored(chunk, &file_name, made, self.status));
                let left_out = (!left_out.is_empty()).then(|| left_out.join("; "));
                UnitOutcome::Done(stored.collect(), left_out)
            }
            (Ok(Written::Nothing(reason)), _) => {
                self.failed_in_a_row = 0;
                UnitOutcome::Quarantined(reason)
            }
            (Ok(Written::Examples(..)), None) => UnitOutcome::Quarantined(GONE.into()),
            (Err(CallError::Store(error)), _) => return Err(error.into()),
            (Err(CallError::Provider(error)), _) => {
                self.failed_in_a_row += 1;
                if error.concerns_all() || self.failed_in_a_row >= FAILURES_IN_A_ROW {
                    // The unit stays to be done: it is not its fault.
                    let text = format!("{error}; what is done is kept, continue when it is mended");
                    return Err(JobError::Failed(words::because(error, text)));
                }
                UnitOutcome::Quarantined(error.to_string())
            }
        };
        units::finish(self.work.database(), unit.id, outcome).await?;
        self.tell(false).await
    }

    async fn file_name(&mut self, chunk: &Chunk) -> Result<String, JobError> {
        if let Some(name) = self.files.get(&chunk.file_id) {
            return Ok(name.clone());
        }
        let file = store::files::get(self.work.database(), chunk.project_id, chunk.file_id).await?;
        self.files.insert(chunk.file_id, file.name.clone());
        Ok(file.name)
    }

    async fn tell(&mut self, at_once: bool) -> Result<(), JobError> {
        if at_once || self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            let counts = units::counts(self.work.database(), self.owner).await?;
            let ended = counts.done + counts.quarantined;
            let doing = Activity::ChunksWritten { done: counts.done, aside: counts.quarantined };
            self.work.progress(ended, counts.total(), doing).await?;
        }
        Ok(())
    }
}

const GONE: &str = "the chunk is no longer there: the document was cut anew";

fn gone() -> Result<Written, CallError> {
    Ok(Written::Nothing(GONE.into()))
}
