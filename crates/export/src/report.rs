//! What a run did, for people (`report.md`) and for programs (`metrics.json`, `training_config.json`).
//!
//! Everything comes from [`RunFacts`]; what was not measured is absent, never zero.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use engine::weights::write_file_atomically;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ExportError;
use crate::loss_curve::{Line, svg};

/// What is known about a run. Every `Option` that is `None` and every empty list is left out of the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    pub title: String,
    pub run_id: Option<String>,
    /// RFC 3339.
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub base_model: String,
    /// `lora`, `full`, …
    pub method: String,
    /// The settings of the run, as an object: `training_config.json`.
    pub configuration: Value,
    pub dataset: DatasetFacts,
    pub steps: Vec<StepFacts>,
    pub evaluations: Vec<EvaluationFacts>,
    pub before: Option<Metrics>,
    pub after: Option<Metrics>,
    /// Answers of the base and the tuned model to the same questions.
    pub answers: Vec<AnswerFacts>,
    pub totals: Totals,
    /// Device, threads, versions: name and value, in order.
    pub environment: Vec<(String, String)>,
    /// What a reader must know: limits, warnings, what the data is.
    pub notes: Vec<String>,
}

/// The data that a run learned from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetFacts {
    pub name: String,
    /// Digest of the exact rows.
    pub sha256: Option<String>,
    pub train_examples: Option<u64>,
    pub eval_examples: Option<u64>,
    pub supervised_tokens: Option<u64>,
    /// The documents that the examples were made from.
    pub sources: Vec<String>,
}

/// One optimizer step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StepFacts {
    pub step: u64,
    pub loss: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

/// An evaluation during the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationFacts {
    pub step: u64,
    pub eval_loss: f64,
}

/// What an evaluation of one model measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervised_tokens: Option<u64>,
    /// Share of the questions whose answer holds the fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<f64>,
}

/// One question, before and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerFacts {
    pub question: String,
    /// The fact that a right answer holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_holds_fact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_holds_fact: Option<bool>,
}

/// Sums over the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trainable_parameters: Option<u64>,
}

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
        "after": facts.after, "totals": facts.totals, "steps": facts.steps, "evaluations": facts.evaluations,
        "answers": facts.answers,
    });
    if let Some(map) = metrics.as_object_mut() {
        map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    metrics
}

/// The content of `report.md`.
pub fn markdown(facts: &RunFacts) -> String {
    let mut out = String::new();
    let title = if facts.title.is_empty() { "Fine-tuning report" } else { &facts.title };
    let _ = writeln!(out, "# {}\n", text(title));
    summary(facts, &mut out);
    results(facts, &mut out);
    curve(facts, &mut out);
    answers(facts, &mut out);
    dataset(&facts.dataset, &mut out);
    configuration(facts, &mut out);
    if !facts.environment.is_empty() {
        out.push_str("## Environment\n\n");
        table(
            &["", ""],
            facts.environment.iter().map(|(name, value)| vec![text(name), text(value)]),
            &mut out,
        );
    }
    if !facts.notes.is_empty() {
        out.push_str("## Notes\n\n");
        for note in &facts.notes {
            let _ = writeln!(out, "- {}", text(note));
        }
        out.push('\n');
    }
    out
}

fn summary(facts: &RunFacts, out: &mut String) {
    let totals = &facts.totals;
    let rows = [
        ("Base model", Some(text(&facts.base_model)).filter(|name| !name.is_empty())),
        ("Method", Some(text(&facts.method)).filter(|name| !name.is_empty())),
        ("Run", facts.run_id.as_deref().map(text)),
        ("Started", facts.started_at.as_deref().map(text)),
        ("Finished", facts.finished_at.as_deref().map(text)),
        ("Steps", facts.steps.last().map(|last| last.step.to_string())),
        ("Time", totals.seconds.map(duration)),
        ("Tokens", totals.tokens.map(grouped)),
        ("Speed", totals.tokens_per_second.map(|speed| format!("{speed:.0} tokens/s"))),
        (
            "Peak memory",
            totals.peak_memory_bytes.map(|bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0)),
        ),
        ("Trainable parameters", totals.trainable_parameters.map(grouped)),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_string(), value?]));
    table(&["", ""], rows, out);
}

/// How a metric is written.
type Shown<'a> = &'a dyn Fn(f64) -> String;

fn results(facts: &RunFacts, out: &mut String) {
    let (before, after) = (facts.before.unwrap_or_default(), facts.after.unwrap_or_default());
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let number = |value: f64| format!("{value:.4}");
    let rows: [(&str, Option<f64>, Option<f64>, Shown); 4] = [
        ("Evaluation loss", before.eval_loss, after.eval_loss, &number),
        ("Perplexity", before.perplexity, after.perplexity, &number),
        ("Token accuracy", before.token_accuracy, after.token_accuracy, &percent),
        ("Questions answered with the fact", before.facts, after.facts, &percent),
    ];
    let shown = |value: Option<f64>, format: Shown| match value {
        Some(value) => format(value),
        None => "not measured".to_string(),
    };
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, before, after, _)| before.is_some() || after.is_some())
        .map(|(name, before, after, format)| {
            vec![name.to_string(), shown(before, format), shown(after, format)]
        })
        .collect();
    if !rows.is_empty() {
        out.push_str("## Before and after\n\n");
        table(&["", "base model", "fine-tuned"], rows, out);
    }
}

fn curve(facts: &RunFacts, out: &mut String) {
    let training = facts.steps.iter().map(|step| (step.step as f64, step.loss)).collect();
    let evaluation = facts.evaluations.iter().map(|step| (step.step as f64, step.eval_loss)).collect();
    let picture = svg(&[
        Line { label: "training loss", color: "#2563eb", points: training },
        Line { label: "evaluation loss", color: "#d97706", points: evaluation },
    ]);
    if let Some(picture) = picture {
        let _ = writeln!(out, "## Loss\n\n{picture}\n");
    }
    if let (Some(first), Some(last)) = (facts.steps.first(), facts.steps.last()) {
        let (first_step, last_step) = (first.step, last.step);
        let _ = writeln!(
            out,
            "Training loss: {:.4} at step {first_step}, {:.4} at step {last_step}.\n",
            first.loss, last.loss
        );
    }
}

fn answers(facts: &RunFacts, out: &mut String) {
    if facts.answers.is_empty() {
        return;
    }
    out.push_str("## Answers\n\n");
    let marked = |answer: &Option<String>, holds: Option<bool>| {
        let mark = match holds {
            Some(true) => "✓ ",
            Some(false) => "✗ ",
            None => "",
        };
        answer.as_deref().map_or_else(String::new, |answer| format!("{mark}{}", text(answer)))
    };
    let row = |answer: &AnswerFacts| {
        vec![
            text(&answer.question),
            answer.expected.as_deref().map_or_else(String::new, text),
            marked(&answer.before, answer.before_holds_fact),
            marked(&answer.after, answer.after_holds_fact),
        ]
    };
    table(&["question", "fact", "base model", "fine-tuned"], facts.answers.iter().map(row), out);
}

fn dataset(dataset: &DatasetFacts, out: &mut String) {
    let rows = [
        ("Name", Some(text(&dataset.name)).filter(|name| !name.is_empty())),
        ("SHA-256", dataset.sha256.as_deref().map(|digest| format!("`{}`", text(digest)))),
        ("Training examples", dataset.train_examples.map(grouped)),
        ("Evaluation examples", dataset.eval_examples.map(grouped)),
        ("Supervised tokens", dataset.supervised_tokens.map(grouped)),
        ("Sources", Some(text(&dataset.sources.join(", "))).filter(|names| !names.is_empty())),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_string(), value?])).collect();
    if !rows.is_empty() {
        out.push_str("## Dataset\n\n");
        table(&["", ""], rows, out);
    }
}

fn configuration(facts: &RunFacts, out: &mut String) {
    let Some(map) = facts.configuration.as_object().filter(|map| !map.is_empty()) else { return };
    out.push_str("## Configuration\n\n");
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    table(&["", ""], map.iter().map(|(name, value)| vec![text(name), text(&shown(value))]), out);
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>, out: &mut String) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

/// Text that stays text in Markdown: one line, no markup, no cell separators.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for character in raw.trim().chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push(' '),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {:02} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {:02} min", s as u64 / 3600, s as u64 % 3600 / 60),
    }
}
