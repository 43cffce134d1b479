//! The zip with everything of a run: the exported formats, its data, its log, and a report made of its stored events.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use export::Control;
use export::bundle::{Entry, write_bundle};
use export::report::{CertificateFacts, ExportFacts, RunFacts, write_report};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::run_events::{self, EventFilter};
use store::runs::Run;

use super::super::train::local;
use super::super::{JobError, Work};
use super::Written;
use crate::run_report;

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
    let facts = run_report::facts(work.database(), &work.services.blobs, run).await?;
    let facts = RunFacts { exports, certificate, ..facts };
    let log = scratch.join("log");
    write_log(work, run, &log).await?;
    let mut entries = dataset_files(work, run, scratch).await?;
    entries.push(Entry { source: log, name: "log".to_owned() });
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

/// Rows of events that are read at a time.
const PART: u64 = 1000;

/// `log/events.jsonl`, every stored event as it is, and `log/log.txt`, a line of words for each.
async fn write_log(work: &Work, run: &Run, folder: &Path) -> Result<(), JobError> {
    std::fs::create_dir_all(folder)?;
    let mut events = BufWriter::new(File::create(folder.join("events.jsonl"))?);
    let mut log = BufWriter::new(File::create(folder.join("log.txt"))?);
    let mut after = 0;
    loop {
        work.check()?;
        let part =
            run_events::list(work.database(), run.id, &EventFilter { after, kinds: None }, PART).await?;
        let Some(last) = part.last() else { break };
        after = last.sequence;
        for event in &part {
            serde_json::to_writer(&mut events, event)?;
            events.write_all(b"\n")?;
            writeln!(log, "{}", run_report::log_line(event))?;
        }
    }
    events.flush()?;
    log.flush()?;
    Ok(())
}

/// The exact rows of the run, and `dataset/dataset.json` with their digests.
async fn dataset_files(work: &Work, run: &Run, scratch: &Path) -> Result<Vec<Entry>, JobError> {
    let Some(id) = run.dataset_version_id else { return Ok(Vec::new()) };
    let version = store::dataset_versions::get(work.database(), run.project_id, id).await?;
    let parts = [
        ("train.jsonl", Some(version.train_key.as_str())),
        ("eval.jsonl", version.eval_key.as_deref()),
        ("held-out.jsonl", version.details["held_out_key"].as_str()),
    ];
    let mut entries = Vec::new();
    for (name, key) in parts {
        let Some(key) = key else { continue };
        entries.push(Entry { source: local(&work.services.blobs, key)?, name: format!("dataset/{name}") });
    }
    let about = scratch.join("dataset.json");
    let (target, sources) = (about.clone(), entries.clone());
    work.blocking(move || {
        let mut files = BTreeMap::new();
        for Entry { source, name } in sources {
            files.insert(name, digest(&source)?);
        }
        let about = json!({
            "format_version": 1,
            "number": version.number,
            "content_hash": version.content_hash,
            "train_examples": version.train_count,
            "eval_examples": version.eval_count,
            "held_out_examples": version.details["held_out_count"],
            "split": version.details["split"],
            "sha256": files,
        });
        std::fs::write(&target, format!("{about:#}\n"))?;
        Ok(())
    })
    .await?;
    entries.push(Entry { source: about, name: "dataset/dataset.json".to_owned() });
    Ok(entries)
}

/// SHA-256 of a file.
pub(super) fn digest(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher)?;
    Ok(crate::library::hexadecimal(&hasher.finalize()))
}
