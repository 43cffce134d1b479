//! What is stored of a run, as the facts that its report is made of, and as a log for people.
//!
//! The API shows the report, the export packs it; both are made freshly from the store.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use export::report::{
    AnswerFacts, DatasetFacts, EvaluationFacts, ExportFacts, HeldOutFacts, NeutralFacts, RunFacts, StepFacts,
    Totals,
};
use serde_json::{Value, json};
use store::run_events::{self, RunEvent};
use store::runs::Run;
use store::{Blobs, Database};
use uuid::Uuid;

use crate::evaluation::{AnswerPair, Comparison, QuestionSet};
use crate::jobs::export::{Deliverables, files_of};
use crate::jobs::train::{TrainSettings, run_folder};

/// Lines of the log that the report shows, steps aside: those are in its curve.
const LOG_LINES: usize = 30;
/// Settings of the trainer that name folders of this machine.
const FOLDERS: [&str; 5] = ["model", "data", "output", "init_adapter", "resume"];

/// Everything that is known of a run.
///
/// # Errors
/// What the store reports, and settings that this version does not know.
pub async fn facts(database: &Database, blobs: &Blobs, run: &Run) -> anyhow::Result<RunFacts> {
    let settings: TrainSettings = serde_json::from_value(run.config.clone())?;
    let events = run_events::list_after(database, run.id, 0).await?;
    let last = |kind: &str| events.iter().rfind(|event| event.kind == kind);
    let payload = |kind: &str| last(kind).map_or(&Value::Null, |event| &event.payload);
    let time = |event: &RunEvent| event.created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (plan, summary) = (payload("plan"), payload("completed"));
    let project = store::projects::get(database, run.project_id).await?;
    let comparison: Comparison = serde_json::from_value(payload("comparison").clone()).unwrap_or_default();
    let dataset = dataset(database, run, &project.name, summary).await?;
    let Deliverables { exports, certificate } = deliverables(database, run).await?;
    let facts = RunFacts {
        title: format!("Fine-tuning of {}", project.name),
        run_id: Some(run.id.to_string()),
        started_at: events.iter().find(|event| event.kind == "started").map(time),
        finished_at: last("completed").map(time),
        base_model: match &settings.commit {
            Some(commit) => format!("{} at {commit}", settings.model_id),
            None => settings.model_id.clone(),
        },
        method: settings.method.clone(),
        configuration: configuration(blobs, run, &settings, plan, &dataset)?,
        dataset: dataset.facts,
        steps: by_step(&events, "step"),
        evaluations: by_step::<EvaluationFacts>(&events, "evaluation"),
        totals: serde_json::from_value::<Totals>(summary.clone()).unwrap_or_default(),
        environment: environment(plan, payload("started")),
        exports,
        certificate,
        log: log_excerpt(&events),
        ..RunFacts::default()
    };
    Ok(with_comparison(facts, comparison))
}

/// Each step once: a resumed run repeats those since its checkpoint, with the same figures.
fn by_step<Facts: serde::de::DeserializeOwned + AtStep>(events: &[RunEvent], kind: &str) -> Vec<Facts> {
    let events = events.iter().filter(|event| event.kind == kind);
    let read = events.filter_map(|event| serde_json::from_value::<Facts>(event.payload.clone()).ok());
    read.map(|facts| (facts.step(), facts)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// What has a step.
trait AtStep {
    fn step(&self) -> u64;
}

impl AtStep for StepFacts {
    fn step(&self) -> u64 {
        self.step
    }
}

impl AtStep for EvaluationFacts {
    fn step(&self) -> u64 {
        self.step
    }
}

fn with_comparison(facts: RunFacts, comparison: Comparison) -> RunFacts {
    if comparison.run_id.is_none() {
        return facts;
    }
    let mut notes = facts.notes;
    if comparison.data == "training" {
        notes
            .push("Before and after were measured on the training examples: none were held back.".to_owned());
    }
    if comparison.answers.iter().any(|answer| answer.set == QuestionSet::Training) {
        notes.push("The questions are training examples: none were held back.".to_owned());
    }
    if comparison.answers.iter().any(|answer| !(answer.before.complete && answer.after.complete)) {
        let most = comparison.max_tokens.unwrap_or_default();
        notes.push(format!("Answers were cut at {most} tokens."));
    }
    RunFacts {
        measured_examples: Some(comparison.rows),
        held_out: comparison.held_out.map(|sides| HeldOutFacts {
            examples: Some(sides.rows),
            before: Some(sides.before),
            after: Some(sides.after),
        }),
        neutral: comparison.neutral.map(|neutral| NeutralFacts {
            before_loss: neutral.before_loss,
            after_loss: neutral.after_loss,
            change: neutral.change,
            verdict: neutral.verdict.sentence().to_owned(),
            tokens: Some(neutral.tokens as u64),
        }),
        answers: comparison.answers.into_iter().map(answer).collect(),
        before: Some(comparison.before),
        after: Some(comparison.after),
        notes,
        ..facts
    }
}

fn answer(pair: AnswerPair) -> AnswerFacts {
    let place = pair.place.unwrap_or_default();
    let words = |text: String, problem: Option<String>| Some(problem.unwrap_or(text));
    AnswerFacts {
        question: pair.question,
        document: place.document,
        page: place.page_start.map(u64::from),
        set: Some(pair.set.as_str().to_owned()),
        expected: pair.expected,
        before_words: pair.before.words,
        after_words: pair.after.words,
        before: words(pair.before.text, pair.before.problem),
        after: words(pair.after.text, pair.after.problem),
        ..AnswerFacts::default()
    }
}

/// The data of a run: for people, and for `training_config.json`.
struct Dataset {
    facts: DatasetFacts,
    version: Value,
}

async fn dataset(database: &Database, run: &Run, name: &str, summary: &Value) -> anyhow::Result<Dataset> {
    let mut facts = DatasetFacts {
        name: name.to_owned(),
        sha256: summary.get("data_sha256").and_then(Value::as_str).map(str::to_owned),
        supervised_tokens: summary.get("supervised_tokens").and_then(Value::as_u64),
        ..DatasetFacts::default()
    };
    let mut version = Value::Null;
    if let Some(id) = run.dataset_version_id {
        let row = store::dataset_versions::get(database, run.project_id, id).await?;
        facts.name = format!("{name}, version {}", row.number);
        facts.train_examples = Some(row.train_count.unsigned_abs());
        facts.eval_examples = Some(row.eval_count.unsigned_abs());
        version = json!({
            "number": row.number,
            "content_hash": row.content_hash,
            "train_examples": row.train_count,
            "eval_examples": row.eval_count,
            "held_out_examples": row.details["held_out_count"],
            "split": row.details["split"],
        });
    }
    let documents = crate::jobs::chunk_documents::all_documents(database, run.project_id).await?;
    facts.sources = documents.into_iter().map(|file| file.name).collect();
    Ok(Dataset { facts, version })
}

/// What was asked for, and what the trainer made of it.
fn configuration(
    blobs: &Blobs,
    run: &Run,
    settings: &TrainSettings,
    plan: &Value,
    dataset: &Dataset,
) -> anyhow::Result<Value> {
    let mut configuration = serde_json::to_value(settings)?;
    configuration["program"] = json!({ "name": "FineTuneFlow", "version": env!("CARGO_PKG_VERSION") });
    configuration["dataset"] = dataset.version.clone();
    // The trainer's own file has every option with its value; its folder may be on another machine.
    let written = run_folder(blobs, run.project_id, run.id)
        .ok()
        .and_then(|folder| std::fs::read(folder.join("training_config.json")).ok());
    let trainer = written.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if let Some(Value::Object(mut trainer)) = trainer {
        trainer.retain(|name, _| !FOLDERS.contains(&name.as_str()));
        configuration["trainer"] = trainer.into();
    }
    let mut plan = plan.as_object().cloned().unwrap_or_default();
    plan.retain(|name, _| name != "event" && name != "setup_seconds");
    configuration["effective"] = plan.into();
    Ok(configuration)
}

fn environment(plan: &Value, started: &Value) -> Vec<(String, String)> {
    let known = [
        ("Program", started["program_version"].as_str().map(|version| format!("FineTuneFlow {version}"))),
        ("System", started["system"].as_str().map(str::to_owned)),
        ("Processor", started["processor"].as_str().map(str::to_owned)),
        ("Device", plan["device"].as_str().map(str::to_owned)),
        ("Threads", started["threads"].as_u64().map(|threads| threads.to_string())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What exports told of the files that they made of this run; a file that was written again counts once.
async fn deliverables(database: &Database, run: &Run) -> anyhow::Result<Deliverables> {
    let mut found = Deliverables::default();
    let mut seen = BTreeSet::new();
    for job in crate::jobs::completed_of(database, run.project_id, "export").await? {
        let Some(result) = job.result.filter(|result| names(result, run.id)) else { continue };
        let told: Deliverables = match result.get("report") {
            Some(report) => serde_json::from_value(report.clone()).unwrap_or_default(),
            None => Deliverables { exports: listed(&result), certificate: None },
        };
        found.exports.extend(told.exports.into_iter().filter(|file| seen.insert(file.file_name.clone())));
        found.certificate = found.certificate.or(told.certificate);
    }
    Ok(found)
}

fn names(result: &Value, run_id: Uuid) -> bool {
    result["run_id"].as_str().and_then(|id| id.parse::<Uuid>().ok()) == Some(run_id)
}

/// The files of an export that told nothing of them.
fn listed(result: &Value) -> Vec<ExportFacts> {
    let files = files_of(result).unwrap_or_default();
    let fact = |file: crate::jobs::export::ExportedFile| ExportFacts {
        format: file.format,
        file_name: file.name,
        size_bytes: file.size_bytes,
        sha256: file.sha256,
        ..ExportFacts::default()
    };
    files.into_iter().filter(|file| file.format != "bundle").map(fact).collect()
}

fn log_excerpt(events: &[RunEvent]) -> Vec<String> {
    let lines: Vec<String> = events.iter().filter(|event| event.kind != "step").map(log_line).collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].to_vec()
}

/// An event as a line for people: when, what, and the figures that matter.
pub fn log_line(event: &RunEvent) -> String {
    let payload = &event.payload;
    let number = |name: &str| payload[name].as_f64().map_or("?".to_owned(), |value| format!("{value:.4}"));
    let whole = |name: &str| payload[name].as_u64().map_or("?".to_owned(), |value| value.to_string());
    let text = |name: &str| payload[name].as_str().unwrap_or("?").to_owned();
    let words = match event.kind.as_str() {
        "step" => format!(
            "{} of {}, loss {}, gradient norm {}, learning rate {:.3e}",
            whole("step"),
            whole("total_steps"),
            number("loss"),
            number("grad_norm"),
            payload["learning_rate"].as_f64().unwrap_or_default()
        ),
        "evaluation" => {
            format!(
                "after step {}: loss {}, perplexity {}",
                whole("step"),
                number("eval_loss"),
                number("perplexity")
            )
        }
        "plan" => format!(
            "{} steps, {} rows, {} trainable parameters, on {}",
            whole("total_steps"),
            whole("rows"),
            whole("trainable_parameters"),
            text("device")
        ),
        "checkpoint" => format!("after step {}", whole("at_step")),
        "completed" => {
            let seconds =
                payload["seconds"].as_f64().map_or("?".to_owned(), |seconds| format!("{seconds:.1}"));
            format!("{} steps in {seconds} s, mean loss {}", whole("steps"), number("train_loss"))
        }
        "comparison" => {
            let loss = |side: &str| payload[side]["eval_loss"].as_f64().unwrap_or(f64::NAN);
            format!("loss {:.4} before, {:.4} after", loss("before"), loss("after"))
        }
        "warning" => text("message"),
        "failed" => text("error"),
        "interrupted" => text("reason"),
        "log" => match payload.get("line").and_then(Value::as_str) {
            Some(line) => line.to_owned(),
            None => payload.to_string(),
        },
        "queued" | "started" | "resumed" | "cancelled" => String::new(),
        _ => payload.to_string(),
    };
    let time = event.created_at.format("%Y-%m-%d %H:%M:%S");
    format!("{time} {:<11} {}", event.kind, words.replace(['\n', '\r'], " ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn events_become_lines() {
        let line = |kind: &str, payload: Value| {
            let created_at = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
            log_line(&RunEvent {
                run_id: Uuid::nil(),
                sequence: 1,
                kind: kind.to_owned(),
                payload,
                created_at,
            })
        };
        let step =
            json!({ "step": 3, "total_steps": 9, "loss": 1.5, "grad_norm": 0.25, "learning_rate": 2e-4 });
        let rows = [
            ("step", step, "step        3 of 9, loss 1.5000, gradient norm 0.2500, learning rate 2.000e-4"),
            ("queued", json!({}), "queued"),
            ("failed", json!({ "error": "two\nlines" }), "failed      two lines"),
            ("unheard", json!({ "a": 1 }), r#"unheard     {"a":1}"#),
            ("completed", json!({}), "completed   ? steps in ? s, mean loss ?"),
        ];
        for (kind, payload, expected) in rows {
            assert_eq!(line(kind, payload), format!("2023-11-14 22:13:20 {expected}"));
        }
    }
}
