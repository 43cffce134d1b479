//! `evaluate`: loss, perplexity and token accuracy of the base model and of a run's result on the same rows; on held-out
//! sections apart, where the dataset version has them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::run_events;
use uuid::Uuid;

use super::process::{Line, Process};
use super::train::{TrainSettings, completed, local, run_folder};
use super::{JobError, JobKind, Queue, Signal, Work};

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluate {
    /// The project.
    pub project_id: Uuid,
    /// A completed run.
    pub run_id: Uuid,
}

impl JobKind for Evaluate {
    const KIND: &'static str = "evaluate";
    const QUEUE: Queue = Queue::Gpu;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let (run, settings) = completed(&work, self.run_id, "evaluate").await?;
        let version = run.dataset_version_id.context("the run names no dataset version")?;
        let version = store::dataset_versions::get(work.database(), run.project_id, version).await?;
        let (data_kind, key) = match &version.eval_key {
            Some(key) => ("held_back", key),
            None => ("training", &version.train_key),
        };
        let held_out = version.details["held_out_key"].as_str();
        let measured = Measured {
            base: work.services.models.dir(&settings.model_id)?,
            folder: run_folder(&work.services.blobs, run.project_id, run.id)?,
            settings,
        };
        let total = if held_out.is_some() { 4 } else { 2 };
        let data = local(&work.services.blobs, key)?;
        work.progress(0, total, "measuring the base model").await?;
        let before = measured.side(&work, &data, false).await?;
        work.progress(1, total, "measuring the fine-tuned model").await?;
        let after = measured.side(&work, &data, true).await?;
        let mut result = json!({
            "run_id": run.id,
            "dataset_version_id": version.id,
            "data": data_kind,
            "rows": if version.eval_key.is_some() { version.eval_count } else { version.train_count },
            "before": before,
            "after": after,
        });
        if let Some(key) = held_out {
            let data = local(&work.services.blobs, key)?;
            work.progress(2, total, "measuring the base model on held-out sections").await?;
            let before = measured.side(&work, &data, false).await?;
            work.progress(3, total, "measuring the fine-tuned model on held-out sections").await?;
            let after = measured.side(&work, &data, true).await?;
            let rows = &version.details["held_out_count"];
            result["held_out"] = json!({ "rows": rows, "before": before, "after": after });
        }
        run_events::append(work.database(), run.id, "comparison", result.clone()).await?;
        work.progress(total, total, "done").await?;
        Ok(result)
    }
}

struct Measured {
    base: PathBuf,
    folder: PathBuf,
    settings: TrainSettings,
}

impl Measured {
    /// The metrics of the base model, or of what the run made of it, on these rows.
    async fn side(&self, work: &Work, data: &Path, tuned: bool) -> Result<Value, JobError> {
        let is_adapter = self.settings.method != "full";
        let model = if tuned && !is_adapter { &self.folder } else { &self.base };
        let mut arguments: Vec<OsString> = vec!["evaluate".into(), "--json".into()];
        let mut path = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
        path("--model", model);
        path("--data", data);
        if tuned && is_adapter {
            path("--adapter", &self.folder);
        }
        arguments.push(format!("--precision={}", self.settings.precision).into());
        arguments.push(format!("--threads={}", work.services.threads).into());
        if let Some(length) = self.settings.max_seq_len {
            arguments.push(format!("--max-seq-len={length}").into());
        }
        last_value(work, arguments).await
    }
}

/// Runs this program; its last JSON line is the answer. A signal ends it at once.
pub(super) async fn last_value(work: &Work, arguments: Vec<OsString>) -> Result<Value, JobError> {
    work.check()?;
    let mut process = Process::start(&work.services.program, arguments).await?;
    let mut last = None;
    loop {
        tokio::select! {
            line = process.next_line() => match line {
                Some(Line::Json(value)) => last = Some(value),
                Some(Line::Text(text)) => tracing::debug!(job = %work.job.id, text, "child"),
                None => break,
            },
            signal = work.interrupted() => {
                return Err(if signal == Signal::Cancel { JobError::Cancelled } else { JobError::Stopped });
            }
        }
    }
    let ended = process.ended().await?;
    let answer = move || -> anyhow::Result<Value> {
        if !ended.success {
            bail!("{}", ended.reason());
        }
        last.context("the child process ended without an answer")
    };
    answer().map_err(JobError::Failed)
}
