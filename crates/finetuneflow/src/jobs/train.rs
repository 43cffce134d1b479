//! `train`: one run, in a child process. What the child reports becomes run events; how it ends becomes the run's status.
//!
//! A run that was being trained when its server died goes on from its last checkpoint: the child is always started with
//! `--resume`, which begins at the start where there is no checkpoint.

mod settings;

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::jobs::Job;
use store::run_events;
use store::runs::{self, NewRun, Run, RunChange, RunStatus};
use store::{BlobKey, Blobs, Database, StoreError};
use uuid::Uuid;

use super::freeze::freeze;
use super::process::{Line, Process};
use super::{JobError, JobKind, Queue, Signal, Work};
use crate::machine;
use crate::words::{self, Activity, Cause};

pub use settings::TrainSettings;

/// From the request to stop until the child is killed: enough to write a checkpoint.
const GRACE: Duration = Duration::from_secs(30);
/// A child that was killed with its server may take this long to let go of the run folder.
const FOLDER_WAIT: Duration = Duration::from_secs(20);
/// The job's progress is stored at most this often; run events are stored all.
const PROGRESS_PAUSE: Duration = Duration::from_millis(500);

/// The payload. The settings are the run's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Train {
    /// The project.
    pub project_id: Uuid,
    /// The run.
    pub run_id: Uuid,
}

/// Stores a run and the job that trains it: on a frozen dataset version, or on the examples that are approved when the job
/// starts.
pub async fn start(
    database: &Database,
    project_id: Uuid,
    settings: &TrainSettings,
    dataset_version_id: Option<Uuid>,
) -> store::Result<(Run, Job)> {
    let config = serde_json::to_value(settings)
        .map_err(|error| StoreError::Conflict { what: "run settings", reason: error.to_string() })?;
    let run = runs::create(database, NewRun { project_id, dataset_version_id, config }).await?;
    hand_over(database, &run).await
}

/// Lets a stopped run (interrupted, failed or cancelled) go on from its last checkpoint, or from the start without one.
/// A conflict if it is being worked on or completed.
pub async fn resume(database: &Database, run_id: Uuid) -> store::Result<(Run, Job)> {
    let run = runs::get(database, run_id).await?;
    let refuse = |reason: String| Err(StoreError::Conflict { what: "run", reason });
    if !matches!(run.status, RunStatus::Interrupted | RunStatus::Failed | RunStatus::Cancelled) {
        return refuse(format!("it is {} and cannot be resumed", run.status));
    }
    if let Some(job_id) = run.job_id
        && !store::jobs::get(database, job_id).await?.status.is_final()
    {
        return refuse("its job is still there and will go on by itself".to_owned());
    }
    run_events::append(database, run.id, "queued", json!({ "resume": true })).await?;
    hand_over(database, &run).await
}

async fn hand_over(database: &Database, run: &Run) -> store::Result<(Run, Job)> {
    let job = super::enqueue(database, &Train { project_id: run.project_id, run_id: run.id }).await?;
    let change = RunChange { job_id: Some(job.id), ..RunChange::default() };
    Ok((runs::update(database, run.id, change).await?, job))
}

/// Ends the run of a job that was cancelled before a worker took it.
pub(super) async fn end_cancelled_run(database: &Database, job_id: Uuid) -> store::Result<()> {
    if let Some(run) = runs::of_job(database, job_id).await?
        && !run.status.is_final()
    {
        run_events::append(database, run.id, "cancelled", json!({ "job_id": job_id })).await?;
    }
    Ok(())
}

/// The folder of a run: adapter or model at its top, checkpoints inside.
pub fn run_folder(blobs: &Blobs, project_id: Uuid, run_id: Uuid) -> anyhow::Result<PathBuf> {
    let key = BlobKey::new(project_id, "artifacts", &run_id.to_string())?;
    blobs.local_path(&key).ok_or_else(no_local_storage)
}

/// A run that has a result to `purpose` ("export", "evaluate"), and its settings.
pub(super) async fn completed(
    work: &Work,
    run_id: Uuid,
    purpose: &str,
) -> Result<(Run, TrainSettings), JobError> {
    let run = runs::get(work.database(), run_id).await?;
    if run.status != RunStatus::Completed {
        let text = format!("the run is {} and has no result to {purpose}", run.status);
        return Err(JobError::Failed(Cause::RunNotCompleted {}.error(text)));
    }
    let settings = settings_of(&run)?;
    Ok((run, settings))
}

fn settings_of(run: &Run) -> anyhow::Result<TrainSettings> {
    serde_json::from_value(run.config.clone()).map_err(|error| {
        let text = format!("the settings of this run are not ones that this version knows: {error}");
        Cause::OfOtherVersion {}.error(text)
    })
}

/// Whether a run has a checkpoint to go on from.
pub fn has_checkpoint(blobs: &Blobs, run: &Run) -> bool {
    run_folder(blobs, run.project_id, run.id)
        .is_ok_and(|folder| !engine::trainer::checkpoint::list(&folder).is_empty())
}

impl JobKind for Train {
    const KIND: &'static str = "train";
    const QUEUE: Queue = Queue::Gpu;
    const MAX_ATTEMPTS: u32 = 10;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let run = runs::get(work.database(), self.run_id).await?;
        match run.status {
            // The worker died between the run's end and the job's.
            RunStatus::Completed => return Ok(json!({ "run_id": run.id })),
            RunStatus::Cancelled => return Err(JobError::Cancelled),
            RunStatus::Failed => {
                return Err(JobError::Failed(Cause::FailedBefore {}.error("the run has failed before")));
            }
            RunStatus::Running => {
                let reason = "the worker went away during the training";
                run_events::append(work.database(), run.id, "interrupted", json!({ "reason": reason }))
                    .await?;
            }
            RunStatus::Queued | RunStatus::Interrupted => {}
        }
        let outcome = train(&work, &run).await;
        store_end(&work, &run, &outcome).await?;
        outcome
    }
}

/// The event that decides the run's status.
async fn store_end(work: &Work, run: &Run, outcome: &Result<Value, JobError>) -> store::Result<()> {
    let again = work.job.attempts < work.job.max_attempts;
    let (kind, payload) = match outcome {
        Ok(summary) => ("completed", summary.clone()),
        Err(JobError::Cancelled) => ("cancelled", json!({ "job_id": work.job.id })),
        Err(JobError::Stopped) => ("interrupted", json!({ "reason": "the server was stopped" })),
        Err(error @ JobError::Transient(_)) if again => {
            ("interrupted", json!({ "reason": error.to_string() }))
        }
        Err(error) => {
            let mut payload = json!({ "error": error.to_string() });
            if let JobError::Failed(error) | JobError::Transient(error) = error
                && let Value::Object(cause) = words::stored(words::cause_of(error))
                && let Some(payload) = payload.as_object_mut()
            {
                payload.extend(cause);
            }
            ("failed", payload)
        }
    };
    run_events::append(work.database(), run.id, kind, payload).await?;
    Ok(())
}

async fn train(work: &Work, run: &Run) -> Result<Value, JobError> {
    let settings = settings_of(run)?;
    let database = work.database();
    work.progress(0, 0, Activity::Preparing {}).await?;
    let version = match run.dataset_version_id {
        Some(id) => store::dataset_versions::get(database, run.project_id, id).await?,
        None => {
            let split = datasets::SplitOptions {
                eval_fraction: settings.eval_fraction,
                held_out_fraction: settings.held_out_fraction,
                seed: settings.seed,
            };
            let version = freeze(database, &work.services.blobs, run.project_id, split).await?;
            let change = RunChange { dataset_version_id: Some(version.id), ..RunChange::default() };
            runs::update(database, run.id, change).await?;
            version
        }
    };
    work.check()?;
    let folder = run_folder(&work.services.blobs, run.project_id, run.id)?;
    let model = settings.base_dir(&work.services.models)?;
    let data = local(&work.services.blobs, &version.train_key)?;
    let held_back = version.eval_key.as_deref().filter(|_| settings.eval_steps.is_some());
    let held_back = held_back.map(|key| local(&work.services.blobs, key)).transpose()?;
    wait_for_folder(&folder).await?;

    let mut arguments: Vec<OsString> = vec!["train".into(), "--json".into(), "--resume".into()];
    let paths = [("--model", Some(&model)), ("--data", Some(&data)), ("--out", Some(&folder))];
    for (flag, path) in paths.into_iter().chain([("--eval-data", held_back.as_ref())]) {
        arguments.extend(path.into_iter().flat_map(|path| [flag.into(), path.into()]));
    }
    arguments.extend(settings.arguments(work.services.threads, held_back.is_some()));
    let resumes = has_checkpoint(&work.services.blobs, run);
    let payload = json!({
        "attempt": work.job.attempts,
        "job_id": work.job.id,
        "dataset_version_id": version.id,
        "rows": version.train_count,
        "program_version": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "processor": machine::processor_name(),
        "threads": match work.services.threads {
            0 => machine::threads(),
            threads => threads,
        },
    });
    run_events::append(database, run.id, if resumes { "resumed" } else { "started" }, payload).await?;
    let mut process = Process::start(&work.services.program, arguments).await?;
    follow(work, run.id, &mut process).await
}

/// Stores what the child says until it ends. The answer is its summary.
async fn follow(work: &Work, run_id: Uuid, process: &mut Process) -> Result<Value, JobError> {
    let (mut summary, mut failure) = (None, None);
    let mut told: Option<Instant> = None;
    let mut signal = Signal::GoOn;
    let deadline = tokio::time::sleep(Duration::MAX);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            line = process.next_line() => match line {
                None => break,
                Some(line) => {
                    let (kind, payload) = event_of(line);
                    if kind == "step" && told.is_none_or(|told| told.elapsed() >= PROGRESS_PAUSE) {
                        told = Some(Instant::now());
                        report(work, &payload).await?;
                    }
                    match kind {
                        "summary" => summary = Some(payload),
                        "error" => failure = Some(payload),
                        kind => drop(run_events::append(work.database(), run_id, kind, payload).await?),
                    }
                }
            },
            asked = work.interrupted(), if signal == Signal::GoOn => {
                signal = asked;
                process.terminate();
                deadline.as_mut().reset(tokio::time::Instant::now() + GRACE);
            }
            () = &mut deadline, if signal != Signal::GoOn => {
                tracing::warn!(run = %run_id, "the trainer did not stop in time and is killed");
                process.kill();
                // Its outputs close now.
                deadline.as_mut().reset(tokio::time::Instant::now() + GRACE);
            }
        }
    }
    let ended = process.ended().await?;
    match (ended.success, summary, signal) {
        (true, Some(summary), _) => {
            report(work, &summary).await?;
            Ok(summary)
        }
        (_, _, Signal::Cancel) => Err(JobError::Cancelled),
        (_, _, Signal::Stop) => Err(JobError::Stopped),
        (true, None, Signal::GoOn) => {
            Err(JobError::Failed(anyhow::anyhow!("the trainer ended without a result")))
        }
        (false, _, Signal::GoOn) => Err(JobError::Failed(ended.failure(failure.as_ref()))),
    }
}

/// Which event a line of the child is. The kinds that decide a run's status are not among them.
fn event_of(line: Line) -> (&'static str, Value) {
    let mut value = match line {
        Line::Text(text) => return ("log", json!({ "line": text })),
        Line::Json(value) => value,
    };
    let has = |name: &str| value.get(name).is_some();
    let kind = match value.get("event").and_then(Value::as_str) {
        Some("started") => "plan",
        Some("warning") => "warning",
        Some("error") => "error",
        Some("checkpoint") => "checkpoint",
        Some("evaluation") => {
            // The child keeps `step` for training steps.
            value["step"] = value["at_step"].clone();
            "evaluation"
        }
        Some(_) => "log",
        None if has("step") && has("loss") => "step",
        None if has("train_loss") => "summary",
        None => "log",
    };
    (kind, value)
}

async fn report(work: &Work, step: &Value) -> store::Result<()> {
    let number = |name: &str| step.get(name).and_then(Value::as_u64);
    let done = number("step").or_else(|| number("steps")).unwrap_or(0);
    let total = number("total_steps").unwrap_or(done);
    let doing = match step.get("loss").and_then(Value::as_f64) {
        Some(loss) => Activity::StepLoss { step: done, total, loss },
        None => Activity::Step { step: done, total },
    };
    work.progress(done, total, doing).await
}

fn no_local_storage() -> anyhow::Error {
    Cause::NoLocalStorage {}.error("training needs a local storage folder")
}

pub(super) fn local(blobs: &Blobs, key: &str) -> anyhow::Result<PathBuf> {
    let path = blobs.local_path(&BlobKey::parse(key)?).ok_or_else(no_local_storage)?;
    if !path.is_file() {
        let text = format!(
            "the dataset file {} is missing; approve the examples again and start a new run",
            path.display()
        );
        return Err(Cause::DataMissing {}.error(text));
    }
    Ok(path)
}

/// Waits until no other process writes to the run folder. A trainer killed with its server needs a moment to end.
async fn wait_for_folder(folder: &Path) -> anyhow::Result<()> {
    let until = Instant::now() + FOLDER_WAIT;
    while is_locked(&folder.join(".lock"))? {
        if Instant::now() > until {
            let text =
                format!("another process still writes to {}; end it and resume the run", folder.display());
            return Err(Cause::RunBusy {}.error(text));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn is_locked(path: &Path) -> anyhow::Result<bool> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}
