//! The report of a run.

use std::fs;

use export::report::{
    AnswerFacts, CertificateFacts, CertificateRow, DatasetFacts, EvaluationFacts, ExportFacts, HeldOutFacts,
    Metrics, NeutralFacts, RunFacts, StepFacts, Totals, markdown, metrics, write_report,
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
            ..Default::default()
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

/// The text between this heading of the second level and the next.
fn section<'a>(report: &'a str, heading: &str) -> &'a str {
    let (_, rest) = report.split_once(&format!("## {heading}\n\n")).expect("the section is there");
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

#[test]
fn recall_and_held_out_stand_apart() {
    let side = |loss: f64, tokens| Metrics {
        eval_loss: Some(loss),
        supervised_tokens: Some(tokens),
        ..Default::default()
    };
    let report = markdown(&RunFacts {
        before: Some(side(3.0, 1200)),
        after: Some(side(1.0, 1200)),
        measured_examples: Some(20),
        held_out: Some(HeldOutFacts {
            examples: Some(7),
            before: Some(side(3.5, 80)),
            after: Some(side(3.25, 80)),
        }),
        neutral: Some(NeutralFacts {
            before_loss: 2.0,
            after_loss: 2.2,
            change: 0.1,
            verdict: "Slightly lost.".into(),
            tokens: Some(900),
        }),
        ..Default::default()
    });
    let head = "|  | base model | fine-tuned |\n|---|---|---|\n";
    let recall = "| Evaluation loss | 3.0000 | 1.0000 |\n| Tokens measured | 1,200 | 1,200 |\n";
    assert_eq!(section(&report, "Before and after (20 examples)"), format!("{head}{recall}"));
    let apart = "| Evaluation loss | 3.5000 | 3.2500 |\n| Tokens measured | 80 | 80 |\n";
    assert_eq!(
        section(&report, "Before and after on held-out sections (7 examples)"),
        format!("Nothing of these sections was trained on.\n\n{head}{apart}")
    );
    let expected =
        "Loss on neutral texts (900 tokens): 2.0000 before, 2.2000 after (+10.0 %). Slightly lost.\n\n";
    assert_eq!(section(&report, "General ability"), expected);
}

#[test]
fn answers_stand_by_document() {
    let of = |question: &str, document: Option<&str>, set: &str| AnswerFacts {
        question: question.into(),
        document: document.map(str::to_owned),
        page: document.map(|_| 3),
        set: Some(set.into()),
        after: Some("Yes.".into()),
        after_words: Some(0.5),
        ..Default::default()
    };
    let answers = vec![
        of("A?", Some("a_b.pdf"), "recall"),
        of("Own?", None, "own"),
        of("B?", Some("a_b.pdf"), "held_out"),
        of("C?", None, "recall"),
    ];
    let report = markdown(&RunFacts { answers, ..Default::default() });
    let head = "| question | expected | base model | fine-tuned |\n|---|---|---|---|\n";
    let said = "|  |  | Yes. (50 % of the words) |\n";
    let expected = format!(
        "### a\\_b.pdf\n\n{head}| A? (page 3) {said}| B? (page 3, held out) {said}\n### Questions of one's own\n\n{head}| Own? \
         {said}\n### Of no document\n\n{head}| C? {said}\n"
    );
    assert_eq!(section(&report, "Answers"), expected);
}

#[test]
fn exports_certificate_and_log_are_told() {
    let report = markdown(&RunFacts {
        exports: vec![ExportFacts {
            format: "gguf".into(),
            file_name: "model-q4_k_m.gguf".into(),
            size_bytes: 3 << 19,
            sha256: "ab".into(),
            quantization: Some("q4_k_m".into()),
            fallbacks: vec!["blk.0.ffn_down.weight: q5_0, its rows are not divisible by 256".into()],
            warnings: vec!["no chat template".into()],
        }],
        certificate: Some(CertificateFacts {
            verdict: "One file differs.".into(),
            rows: vec![CertificateRow {
                what: "gguf".into(),
                quantization: Some("q4_k_m".into()),
                ids_equal: Some(true),
                kl_mean: Some(0.0125),
                loss_difference: Some(0.02),
                verdict: "differs".into(),
                reason: Some("quantized".into()),
                ..Default::default()
            }],
        }),
        log: vec!["12:00 step 1 <b>".into()],
        ..Default::default()
    });
    let files = section(&report, "Exports");
    assert!(files.contains("| gguf | model-q4\\_k\\_m.gguf | q4\\_k\\_m | 1.5 MiB | `ab` |"), "{files}");
    assert!(
        files.contains("- blk.0.ffn\\_down.weight: q5\\_0, its rows") && files.contains("- no chat template")
    );
    let certificate = section(&report, "Parity certificate");
    let row = "| gguf | q4\\_k\\_m | equal |  | 1.25e-2 | +0.0200 | differs | quantized |";
    assert!(certificate.starts_with("One file differs.\n") && certificate.contains(row), "{certificate}");
    assert_eq!(section(&report, "Log"), "    12:00 step 1 <b>\n\n");
}
