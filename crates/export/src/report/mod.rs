//! What a run did, for people (`report.md`) and for programs (`metrics.json`, `training_config.json`).
//!
//! Everything comes from [`RunFacts`]; what was not measured is absent, never zero.

mod facts;
mod markdown;

use std::fs;
use std::path::{Path, PathBuf};

use engine::weights::write_file_atomically;
use serde_json::{Value, json};

use crate::ExportError;

pub use facts::{
    AnswerFacts, CertificateFacts, CertificateRow, DatasetFacts, EvaluationFacts, ExportFacts, HeldOutFacts,
    Metrics, NeutralFacts, RunFacts, StepFacts, Totals,
};
pub use markdown::markdown;

/// Writes the three files into `dir`, which is created, and gives their paths.
///
/// # Errors
/// What the disk reports.
pub fn write_report(dir: &Path, facts: &RunFacts) -> Result<Vec<PathBuf>, ExportError> {
    fs::create_dir_all(dir).map_err(|error| ExportError::io(dir, error))?;
    let files = [
        ("metrics.json", pretty(&metrics(facts))),
        ("training_config.json", pretty(&facts.configuration)),
        ("report.md", markdown(facts)),
    ];
    let mut paths = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        write_file_atomically(&path, text.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The content of `metrics.json`.
pub fn metrics(facts: &RunFacts) -> Value {
    let mut metrics = json!({
        "format_version": 1, "run_id": facts.run_id, "started_at": facts.started_at, "finished_at": facts.finished_at,
        "base_model": facts.base_model, "method": facts.method, "dataset": facts.dataset, "before": facts.before,
        "after": facts.after, "measured_examples": facts.measured_examples, "held_out": facts.held_out, "neutral": facts.neutral,
        "totals": facts.totals, "steps": facts.steps, "evaluations": facts.evaluations, "answers": facts.answers,
        "exports": facts.exports, "certificate": facts.certificate,
    });
    if let Some(map) = metrics.as_object_mut() {
        map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    metrics
}
