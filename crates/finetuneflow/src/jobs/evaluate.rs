//! `evaluate`: the base model and a run's result on the same rows, texts and questions, in one child process; on held-out
//! sections apart, where the dataset version has them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Database;
use store::dataset_versions::DatasetVersion;
use store::examples::Example;
use store::run_events;
use store::runs::Run;
use uuid::Uuid;

use super::process::{Line, Process};
use super::train::{TrainSettings, completed, local, run_folder};
use super::{JobError, JobKind, Queue, Signal, Work};
use crate::evaluation::questions::{Candidate, candidates, shares, spread};
use crate::evaluation::{Comparison, MAX_TOKENS, Place, Question, QuestionSet};
use crate::words::{Activity, Words};

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluate {
    /// The project.
    pub project_id: Uuid,
    /// A completed run.
    pub run_id: Uuid,
    /// The person's own questions, asked after those of the examples.
    #[serde(default)]
    pub questions: Vec<String>,
    /// New tokens of an answer.
    #[serde(default)]
    pub max_tokens: Option<usize>,
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
        work.progress(0, 0, Activity::ChoosingQuestions {}).await?;
        let rows = RowFiles::of(&work, &version)?;
        let mut questions = rows.questions(work.database(), run.project_id).await?;
        questions.extend(self.questions.iter().map(|text| Question::own(text)));
        let questions = question_file(&questions)?;

        let mut arguments: Vec<OsString> =
            ["evaluate", "--json", "--compare", "--neutral"].map(Into::into).into();
        arguments.extend(model_flags(&work, &run, &settings)?);
        let mut path = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
        path("--data", &rows.data);
        path("--questions", questions.path());
        if let Some(held_out) = &rows.held_out {
            path("--held-out", held_out);
        }
        arguments.push(format!("--max-tokens={}", self.max_tokens.unwrap_or(MAX_TOKENS)).into());
        let measured: Comparison = serde_json::from_value(measured(&work, arguments).await?)
            .context("the evaluation answered something unexpected")?;

        let result = serde_json::to_value(named(measured, &run, &version, rows.is_training))?;
        run_events::append(work.database(), run.id, "comparison", result.clone()).await?;
        Ok(result)
    }
}

/// What the child does not know.
fn named(measured: Comparison, run: &Run, version: &DatasetVersion, is_training: bool) -> Comparison {
    let (data, rows) = match is_training {
        true => ("training", version.train_count),
        false => ("held_back", version.eval_count),
    };
    let mut measured = measured;
    if let Some(held_out) = &mut measured.held_out {
        held_out.rows = version.details["held_out_count"].as_u64().unwrap_or_default();
    }
    Comparison {
        run_id: Some(run.id),
        dataset_version_id: Some(version.id),
        data: data.to_owned(),
        rows: rows.unsigned_abs(),
        ..measured
    }
}

/// As flags of the `evaluate` command.
fn model_flags(work: &Work, run: &Run, settings: &TrainSettings) -> anyhow::Result<Vec<OsString>> {
    let base = settings.base_dir(&work.services.models)?;
    let folder = run_folder(&work.services.blobs, run.project_id, run.id)?;
    let tuned = if settings.method == "full" { "--tuned" } else { "--adapter" };
    let mut flags: Vec<OsString> = vec!["--model".into(), base.into(), tuned.into(), folder.into()];
    flags.push(format!("--precision={}", settings.precision).into());
    flags.push(format!("--threads={}", work.services.threads).into());
    if let Some(length) = settings.max_seq_len {
        flags.push(format!("--max-seq-len={length}").into());
    }
    Ok(flags)
}

/// The frozen rows that are measured.
struct RowFiles {
    /// Of recall; of the training, where none are held back.
    data: PathBuf,
    is_training: bool,
    held_out: Option<PathBuf>,
}

impl RowFiles {
    fn of(work: &Work, version: &DatasetVersion) -> anyhow::Result<Self> {
        let blobs = &work.services.blobs;
        let held_out = version.details["held_out_key"].as_str();
        Ok(Self {
            data: local(blobs, version.eval_key.as_deref().unwrap_or(&version.train_key))?,
            is_training: version.eval_key.is_none(),
            held_out: held_out.map(|key| local(blobs, key)).transpose()?,
        })
    }

    /// What both models are asked, with the documents that the questions are from.
    async fn questions(&self, database: &Database, project_id: Uuid) -> Result<Vec<Question>, JobError> {
        let set = if self.is_training { QuestionSet::Training } else { QuestionSet::Recall };
        let read = async |path: Option<&Path>, set| -> Result<Vec<Question>, JobError> {
            let Some(path) = path.map(Path::to_owned) else { return Ok(Vec::new()) };
            let found =
                tokio::task::spawn_blocking(move || candidates(BufReader::new(File::open(path)?), set));
            Ok(placed(database, project_id, found.await??).await?)
        };
        let recall = read(Some(&self.data), set).await?;
        let held_out = read(self.held_out.as_deref(), QuestionSet::HeldOut).await?;
        let [of_recall, of_held_out] = shares(recall.len(), held_out.len());
        let mut chosen = spread(recall, of_recall);
        chosen.extend(spread(held_out, of_held_out));
        Ok(chosen)
    }
}

/// The frozen rows know no document; the stored examples of the same content do, unless they were changed or deleted since.
async fn placed(
    database: &Database,
    project_id: Uuid,
    found: Vec<Candidate>,
) -> store::Result<Vec<Question>> {
    let hashes: Vec<String> = found.iter().map(|candidate| candidate.content_hash.clone()).collect();
    let stored = store::examples::with_content(database, project_id, &hashes).await?;
    let places: BTreeMap<String, Place> =
        stored.into_iter().map(|example| (example.content_hash.clone(), place(&example))).collect();
    let with_place = |candidate: Candidate| Question {
        place: places.get(&candidate.content_hash).cloned(),
        ..candidate.question
    };
    Ok(found.into_iter().map(with_place).collect())
}

fn place(example: &Example) -> Place {
    let known = &example.provenance;
    let page = |name: &str| known[name].as_u64().and_then(|page| u32::try_from(page).ok());
    Place {
        example_id: example.id,
        chunk_id: example.chunk_id,
        file_id: known["file_id"].as_str().and_then(|id| id.parse().ok()),
        document: known["file_name"].as_str().map(str::to_owned),
        page_start: page("page_start"),
        page_end: page("page_end"),
    }
}

fn question_file(questions: &[Question]) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    for question in questions {
        serde_json::to_writer(&mut file, question)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(file)
}

/// Runs this program; its last JSON line is the answer. A signal ends it at once.
pub(super) async fn last_value(work: &Work, arguments: Vec<OsString>) -> Result<Value, JobError> {
    follow(work, arguments, false).await
}

/// As [`last_value`]; the progress that the child tells becomes the job's.
async fn measured(work: &Work, arguments: Vec<OsString>) -> Result<Value, JobError> {
    follow(work, arguments, true).await
}

async fn follow(work: &Work, arguments: Vec<OsString>, tells_progress: bool) -> Result<Value, JobError> {
    work.check()?;
    let mut process = Process::start(&work.services.program, arguments).await?;
    let (mut last, mut failure) = (None, None);
    loop {
        tokio::select! {
            line = process.next_line() => match line {
                Some(Line::Json(value)) if value["event"] == "progress" => if tells_progress {
                    let count = |name: &str| value[name].as_u64().unwrap_or_default();
                    let doing = Words::deserialize(&value)?;
                    work.progress(count("done"), count("total"), doing).await?;
                },
                Some(Line::Json(value)) if value["event"] == "error" => failure = Some(value),
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
            return Err(ended.failure(failure.as_ref()));
        }
        last.context("the child process ended without an answer")
    };
    answer().map_err(JobError::Failed)
}
