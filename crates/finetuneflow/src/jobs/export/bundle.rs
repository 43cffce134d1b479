//! The zip with everything of a run: the exported formats and a report made of its stored events.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use export::Control;
use export::bundle::{Entry, write_bundle};
use export::report::{
    CertificateFacts, DatasetFacts, ExportFacts, Metrics, RunFacts, StepFacts, Totals, write_report,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::run_events::{self, EventFilter, RunEvent};
use store::runs::Run;

use super::super::train::TrainSettings;
use super::super::{JobError, Work};
use super::Written;

/// What an export says of itself in the report: part of its job's result under `report`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deliverables {
    /// The files.
    pub exports: Vec<ExportFacts>,
    /// How they compare with the trainer.
    pub certificate: Option<CertificateFacts>,
}

/// Writes `finetuneflow-export.zip` into the scratch folder.
pub(super) async fn write(
    work: &Work,
    run: &Run,
    parts: &[Written],
    deliverables: Deliverables,
    scratch: &Path,
) -> Result<PathBuf, JobError> {
    let Deliverables { exports, certificate } = deliverables;
    let facts = RunFacts { exports, certificate, ..facts(work, run).await? };
    let mut entries: Vec<Entry> = Vec::with_capacity(parts.len() + 3);
    for part in parts {
        entries.push(Entry { source: part.path.clone(), name: name_of(&part.path)? });
    }
    let (target, report) = (scratch.join("finetuneflow-export.zip"), scratch.join("report"));
    let (path, cancel) = (target.clone(), work.cancel_flag());
    work.blocking(move || {
        for file in write_report(&report, &facts)? {
            entries.push(Entry { name: name_of(&file)?, source: file });
        }
        zip(&entries, &path, &cancel)
    })
    .await?;
    Ok(target)
}

/// Packs files and folders.
pub(super) fn zip(entries: &[Entry], target: &Path, cancel: &AtomicBool) -> anyhow::Result<()> {
    write_bundle(target, entries, &Control { cancel, progress: &|_| {} })?;
    Ok(())
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no name", path.display()))?.to_owned())
}

/// What the stored events say about the run.
async fn facts(work: &Work, run: &Run) -> Result<RunFacts, JobError> {
    let settings: TrainSettings = serde_json::from_value(run.config.clone())?;
    let kinds = ["started", "step", "evaluation", "completed", "comparison"].map(str::to_owned).to_vec();
    let filter = EventFilter { after: 0, kinds: Some(kinds) };
    let events = run_events::list(work.database(), run.id, &filter, i64::MAX as u64).await?;
    let last = |kind: &str| events.iter().rfind(|event| event.kind == kind);
    let time = |event: Option<&RunEvent>| event.map(|event| event.created_at.to_rfc3339());
    let summary = last("completed").map(|event| &event.payload).unwrap_or(&Value::Null);
    let comparison = last("comparison").map(|event| &event.payload).unwrap_or(&Value::Null);
    let side = |name: &str| serde_json::from_value::<Metrics>(comparison.get(name)?.clone()).ok();
    let project = store::projects::get(work.database(), run.project_id).await?;
    let notes = match comparison.get("data").and_then(Value::as_str) {
        Some("training") => {
            vec!["Before and after were measured on the training examples: none were held back.".to_owned()]
        }
        _ => Vec::new(),
    };
    Ok(RunFacts {
        title: format!("Fine-tuning of {}", project.name),
        run_id: Some(run.id.to_string()),
        started_at: time(events.iter().find(|event| event.kind == "started")),
        finished_at: time(last("completed")),
        base_model: settings.model_id.clone(),
        method: settings.method.clone(),
        configuration: serde_json::to_value(&settings)?,
        dataset: dataset(work, run, &project.name, summary).await?,
        steps: steps(&events),
        before: side("before"),
        after: side("after"),
        totals: serde_json::from_value::<Totals>(summary.clone()).unwrap_or_default(),
        notes,
        ..RunFacts::default()
    })
}

/// Each step once: a resumed run repeats those since its checkpoint, with the same figures.
fn steps(events: &[RunEvent]) -> Vec<StepFacts> {
    let steps = events.iter().filter(|event| event.kind == "step");
    let read = steps.filter_map(|event| serde_json::from_value::<StepFacts>(event.payload.clone()).ok());
    read.map(|step| (step.step, step)).collect::<BTreeMap<_, _>>().into_values().collect()
}

async fn dataset(work: &Work, run: &Run, name: &str, summary: &Value) -> Result<DatasetFacts, JobError> {
    let mut facts = DatasetFacts {
        name: name.to_owned(),
        sha256: summary.get("data_sha256").and_then(Value::as_str).map(str::to_owned),
        supervised_tokens: summary.get("supervised_tokens").and_then(Value::as_u64),
        ..DatasetFacts::default()
    };
    if let Some(id) = run.dataset_version_id {
        let version = store::dataset_versions::get(work.database(), run.project_id, id).await?;
        facts.name = format!("{name}, version {}", version.number);
        facts.train_examples = Some(version.train_count.unsigned_abs());
        facts.eval_examples = Some(version.eval_count.unsigned_abs());
    }
    let documents = super::super::chunk_documents::documents_of(work, run.project_id, None).await?;
    facts.sources = documents.into_iter().map(|file| file.name).collect();
    Ok(facts)
}
