//! Jobs: what the studio does in the background. One file a kind, one line each in [`REGISTRY`].
//!
//! A kind is a serde struct (the job's payload) with `run`. A job may run again after a crash, so `run` begins by looking at
//! what is there already. Workers ([`worker`]) claim jobs from two queues: `default`, several at a time, and `gpu`, one at a
//! time per device.

pub mod chunk_documents;
pub mod dataset_check;
pub mod dataset_generate;
pub mod dataset_preview;
pub mod dataset_write;
pub mod document_ocr;
pub mod download_model;
pub mod evaluate;
pub mod export;
pub mod freeze;
pub mod label_studio_push;
pub mod label_studio_sync;
pub mod ollama_push;
mod process;
mod start_up;
pub mod train;
pub mod worker;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::jobs::{Job, JobFilter, JobStatus, Lease, NewJob};
use store::{Blobs, Database, StoreError};
use tokio::sync::watch;
use uuid::Uuid;

use crate::hub::HubError;
use crate::inference::Inference;
use crate::label_studio::LabelStudioError;
use crate::library::Library;
use crate::models::Models;
use crate::providers::connection::{self, Connection};
use crate::providers::retry::Passing as _;
use crate::words::{Cause, Words};

pub use start_up::recover;
pub use worker::{WorkerOptions, Workers};

/// What jobs work with. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Rows, the queue, live events.
    pub database: Database,
    /// Bytes.
    pub blobs: Blobs,
    /// Base models.
    pub models: Models,
    /// This program: documents are read and models are trained in child processes of it.
    pub program: PathBuf,
    /// Threads for training; 0 for all cores.
    pub threads: usize,
    /// Models that answer here.
    pub inference: Arc<Inference>,
    /// A connection of this process alone, by its name: a command's, whose key is not to be stored.
    pub own_connection: Option<Arc<(String, Connection)>>,
}

impl Services {
    /// The connection with this name.
    pub async fn connection(&self, id: &str) -> anyhow::Result<Connection> {
        if let Some(own) = self.own_connection.as_ref().filter(|own| own.0 == id) {
            return Ok(own.1.clone());
        }
        connection::get(&self.database, id).await?.ok_or_else(|| {
            let text = format!("there is no connection {id:?}: set it up in the settings");
            Cause::ConnectionMissing { name: id.to_owned() }.error(text)
        })
    }

    /// What reading documents needs.
    pub fn library(&self) -> Library {
        Library { database: self.database.clone(), blobs: self.blobs.clone(), program: self.program.clone() }
    }
}

/// Which workers take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Several at a time.
    Default,
    /// One at a time.
    Gpu,
}

impl Queue {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Gpu => "gpu",
        }
    }
}

/// A kind of job: its payload, and how to do it.
pub trait JobKind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stored name.
    const KIND: &'static str;
    /// Which workers take it.
    const QUEUE: Queue;
    /// Times it may be claimed: a job that kills its worker ends after so many.
    const MAX_ATTEMPTS: u32 = 3;

    /// The project that it belongs to, if it is of one.
    fn project_id(&self) -> Option<Uuid>;

    /// Does the work, or what is left of it. The answer is kept as the job's result.
    fn run(self, work: Work) -> impl Future<Output = Result<Value, JobError>> + Send;
}

/// Stores a job for the workers.
pub async fn enqueue<K: JobKind>(database: &Database, kind: &K) -> store::Result<Job> {
    let payload = serde_json::to_value(kind)
        .map_err(|error| StoreError::Conflict { what: "job payload", reason: error.to_string() })?;
    let job = NewJob {
        project_id: kind.project_id(),
        queue: K::QUEUE.as_str().to_owned(),
        kind: K::KIND.to_owned(),
        payload,
        max_attempts: K::MAX_ATTEMPTS,
    };
    store::jobs::enqueue(database, job).await
}

/// All finished jobs of a kind in a project, newest first.
pub async fn completed_of(database: &Database, project_id: Uuid, kind: &str) -> store::Result<Vec<Job>> {
    let mut found = Vec::new();
    for number in 1.. {
        let filter = JobFilter {
            project_id: Some(project_id),
            kind: Some(kind.to_owned()),
            statuses: vec![JobStatus::Completed],
        };
        let page = store::Page::new(number, store::Page::MAX_PER_PAGE);
        let page = store::jobs::list(database, page, filter).await?;
        found.extend(page.items);
        if page.total <= number * store::Page::MAX_PER_PAGE {
            break;
        }
    }
    Ok(found)
}

/// Asks for a job's end, and ends its run with it if no worker has either. Returns the job.
pub async fn cancel(database: &Database, job_id: Uuid) -> store::Result<Job> {
    let job = store::jobs::request_cancel(database, job_id).await?;
    if job.status == JobStatus::Cancelled {
        train::end_cancelled_run(database, job_id).await?;
    }
    Ok(job)
}

type Running = Pin<Box<dyn Future<Output = Result<Value, JobError>> + Send>>;

/// A line of the registry.
pub struct RegisteredKind {
    /// The stored name.
    pub kind: &'static str,
    /// Which workers take it.
    pub queue: Queue,
    run: fn(Value, Work) -> Running,
}

impl RegisteredKind {
    const fn of<K: JobKind>() -> Self {
        Self { kind: K::KIND, queue: K::QUEUE, run: start::<K> }
    }
}

/// Every kind of job.
pub const REGISTRY: &[RegisteredKind] = &[
    RegisteredKind::of::<chunk_documents::ChunkDocuments>(),
    RegisteredKind::of::<document_ocr::DocumentOcr>(),
    RegisteredKind::of::<dataset_check::DatasetCheck>(),
    RegisteredKind::of::<dataset_generate::DatasetGenerate>(),
    RegisteredKind::of::<dataset_preview::DatasetPreview>(),
    RegisteredKind::of::<dataset_write::DatasetWrite>(),
    RegisteredKind::of::<label_studio_push::LabelStudioPush>(),
    RegisteredKind::of::<label_studio_sync::LabelStudioSync>(),
    RegisteredKind::of::<train::Train>(),
    RegisteredKind::of::<evaluate::Evaluate>(),
    RegisteredKind::of::<export::Export>(),
    RegisteredKind::of::<download_model::DownloadModel>(),
    RegisteredKind::of::<ollama_push::OllamaPush>(),
];

fn start<K: JobKind>(payload: Value, work: Work) -> Running {
    Box::pin(async move {
        let kind: K = serde_json::from_value(payload).map_err(|error| {
            let text =
                format!("the payload of this {} job is not one that this version knows: {error}", K::KIND);
            Cause::OfOtherVersion {}.error(text)
        })?;
        kind.run(work).await
    })
}

/// Why a job did not come to its end.
#[derive(Debug)]
pub enum JobError {
    /// Somebody asked for its end.
    Cancelled,
    /// The worker stops; another one will go on.
    Stopped,
    /// Another attempt would fail in the same way.
    Failed(anyhow::Error),
    /// Another attempt may succeed.
    Transient(anyhow::Error),
}

impl std::fmt::Display for JobError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled => formatter.write_str("cancelled"),
            Self::Stopped => formatter.write_str("the worker stopped"),
            Self::Failed(error) | Self::Transient(error) => write!(formatter, "{error:#}"),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for JobError {
    fn from(error: E) -> Self {
        let error = error.into();
        let store =
            matches!(error.downcast_ref(), Some(StoreError::Database(_) | StoreError::Storage { .. }));
        let label_studio = error.downcast_ref().is_some_and(LabelStudioError::is_passing);
        let hub = error.downcast_ref().is_some_and(HubError::is_passing);
        if store || label_studio || hub { Self::Transient(error) } else { Self::Failed(error) }
    }
}

/// What a worker tells a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Nothing.
    GoOn,
    /// Somebody asked for its end.
    Cancel,
    /// The worker stops.
    Stop,
}

/// A claimed job in work.
#[derive(Clone)]
pub struct Work {
    /// What it works with.
    pub services: Services,
    /// The job as it was claimed.
    pub job: Job,
    lease: Lease,
    signal: watch::Receiver<Signal>,
    flag: Arc<AtomicBool>,
}

impl Work {
    /// The database.
    pub fn database(&self) -> &Database {
        &self.services.database
    }

    /// Stores how far the job is: `done` of `total`, and what it is doing.
    pub async fn progress(&self, done: u64, total: u64, doing: impl Into<Words>) -> store::Result<()> {
        let percent = if total == 0 { 0.0 } else { 100.0 * done.min(total) as f64 / total as f64 };
        let Words { code, params, message } = doing.into();
        let progress = serde_json::json!({
            "done": done, "total": total, "percent": percent, "code": code, "params": params, "message": message,
        });
        store::jobs::report_progress(self.database(), &self.lease, progress).await
    }

    /// An error as soon as the job is to end or to stop. To be asked between the parts of the work.
    pub fn check(&self) -> Result<(), JobError> {
        match *self.signal.borrow() {
            Signal::GoOn => Ok(()),
            Signal::Cancel => Err(JobError::Cancelled),
            Signal::Stop => Err(JobError::Stopped),
        }
    }

    /// Waits until the job is to end or to stop.
    pub async fn interrupted(&self) -> Signal {
        let mut signal = self.signal.clone();
        match signal.wait_for(|signal| *signal != Signal::GoOn).await {
            Ok(signal) => *signal,
            // The worker is gone.
            Err(_) => Signal::Stop,
        }
    }

    /// Waits for work that ends when it is dropped, which it is as soon as the job is to end or to stop.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, JobError> {
        tokio::select! {
            outcome = work => Ok(outcome),
            signal = self.interrupted() => Err(match signal {
                Signal::Cancel => JobError::Cancelled,
                Signal::Stop | Signal::GoOn => JobError::Stopped,
            }),
        }
    }

    /// A flag that is set with the signal, for code that knows no async.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Runs code that computes or waits on a thread of its own; what it reports after a signal is the signal.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, JobError> {
        let outcome = tokio::task::spawn_blocking(work).await.map_err(|error| match error.is_panic() {
            true => {
                let text = format!("an error of the program itself: {error}");
                Cause::ProgramError { detail: error.to_string() }.error(text)
            }
            false => error.into(),
        })?;
        if self.flag.load(Ordering::Relaxed) {
            self.check()?;
        }
        Ok(outcome?)
    }
}
