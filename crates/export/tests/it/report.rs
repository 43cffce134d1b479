//! The report of a run.

use std::fs;

use export::report::{
    AnswerFacts, DatasetFacts, EvaluationFacts, Metrics, RunFacts, StepFacts, Totals, markdown, metrics,
    write_report,
};
use serde_json::{Value, json};

fn facts() -> RunFacts {
    let step =
        |step: u64| StepFacts { step, loss: 4.0 / step as f64, grad_norm: Some(1.0), learning_rate: None };
    RunFacts {
        title: "Handbook".into(),
        base_model: "base".into(),
        method: "lora".into(),
        configuration: json!({"rank": 16, "target_modules": ["q_proj"], "learning_rate": 2e-4}),
        dataset: DatasetFacts { name: "handbook".into(), sha256: Some("ab12".into()), ..Default::default() },
        steps: (1..=40).map(step).collect(),
        evaluations: vec![
            EvaluationFacts { step: 20, eval_loss: 1.0 },
            EvaluationFacts { step: 40, eval_loss: 0.5 },
        ],
        before: Some(Metrics { perplexity: Some(40.0), facts: Some(0.05), ..Default::default() }),
        after: Some(Metrics { perplexity: Some(2.5), ..Default::default() }),
        answers: vec![AnswerFacts {
            question: "Who | what?\nAnd <script>alert(1)</script>".into(),
            expected: Some("Ada".into()),
            before: Some("I do not know.".into()),
            after: Some("*Ada*".into()),
            before_holds_fact: Some(false),
            after_holds_fact: Some(true),
        }],
        totals: Totals { seconds: Some(83.0), tokens: Some(1_234_567), ..Default::default() },
        environment: vec![("CPU".into(), "two cores".into())],
        notes: vec!["Made by the offline generator.".into()],
        ..Default::default()
    }
}

#[test]
fn the_report_says_what_was_measured_and_nothing_else() {
    let report = markdown(&facts());
    for wanted in [
        "# Handbook",
        "| Steps | 40 |",
        "| Time | 1 min 23 s |",
        "| Tokens | 1,234,567 |",
        "| Perplexity | 40.0000 | 2.5000 |",
        "| Questions answered with the fact | 5.0 % | not measured |",
        "<svg",
        "✗ I do not know.",
        "✓ \\*Ada\\*",
        "| SHA-256 | `ab12` |",
        "| rank | 16 |",
        "| CPU | two cores |",
        "- Made by the offline generator.",
    ] {
        assert!(report.contains(wanted), "{wanted:?} is missing from\n{report}");
    }
    for absent in ["<script>", "Token accuracy", "Evaluation loss", "Peak memory", "Who | what"] {
        assert!(!report.contains(absent), "{absent:?} is in\n{report}");
    }
}

#[test]
fn a_run_of_which_nothing_is_known_gives_a_report_too() {
    let report = markdown(&RunFacts::default());
    assert!(
        report.starts_with("# Fine-tuning report") && !report.contains("NaN") && !report.contains("<svg")
    );
    assert!(metrics(&RunFacts::default()).get("before").is_none());
}

#[test]
fn the_files_are_written_and_read_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = write_report(&folder.path().join("run"), &facts()).expect("written");
    let names: Vec<_> = paths.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["metrics.json", "training_config.json", "report.md"]);
    let read = |path| -> Value { serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON") };
    assert_eq!(read(&paths[1]), facts().configuration);
    let metrics = read(&paths[0]);
    assert_eq!(metrics["steps"].as_array().map(Vec::len), Some(40));
    assert_eq!(metrics["before"], json!({"perplexity": 40.0, "facts": 0.05}));
    let kept: RunFacts = serde_json::from_value(serde_json::to_value(facts()).expect("JSON")).expect("facts");
    assert_eq!(kept, facts());
}
