//! The text of `report.md`.

use std::fmt::Write;

use serde_json::Value;

use super::facts::{AnswerFacts, CertificateRow, DatasetFacts, ExportFacts, Metrics, RunFacts};
use crate::loss_curve::{Line, svg};

/// The content of `report.md`.
pub fn markdown(facts: &RunFacts) -> String {
    let mut out = String::new();
    let title = if facts.title.is_empty() { "Fine-tuning report" } else { &facts.title };
    let _ = writeln!(out, "# {}\n", text(title));
    summary(facts, &mut out);
    results(facts, &mut out);
    neutral(facts, &mut out);
    curve(facts, &mut out);
    answers(facts, &mut out);
    exports(&facts.exports, &mut out);
    certificate(facts, &mut out);
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
        list(facts.notes.iter().map(String::as_str), &mut out);
    }
    log(&facts.log, &mut out);
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
    let recall = compared(facts.before.unwrap_or_default(), facts.after.unwrap_or_default());
    if !recall.is_empty() {
        let _ = writeln!(out, "## Before and after{}\n", examples(facts.measured_examples));
        table(&["", "base model", "fine-tuned"], recall, out);
    }
    let held_out = facts.held_out.unwrap_or_default();
    let apart = compared(held_out.before.unwrap_or_default(), held_out.after.unwrap_or_default());
    if !apart.is_empty() {
        let _ = writeln!(out, "## Before and after on held-out sections{}\n", examples(held_out.examples));
        out.push_str("Nothing of these sections was trained on.\n\n");
        table(&["", "base model", "fine-tuned"], apart, out);
    }
}

fn examples(count: Option<u64>) -> String {
    count.map_or_else(String::new, |count| format!(" ({} examples)", grouped(count)))
}

/// A row for each metric that one side has.
fn compared(before: Metrics, after: Metrics) -> Vec<Vec<String>> {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let number = |value: f64| format!("{value:.4}");
    let count = |tokens: f64| grouped(tokens as u64);
    let tokens = |side: Metrics| side.supervised_tokens.map(|tokens| tokens as f64);
    let rows: [(&str, Option<f64>, Option<f64>, Shown); 5] = [
        ("Evaluation loss", before.eval_loss, after.eval_loss, &number),
        ("Perplexity", before.perplexity, after.perplexity, &number),
        ("Token accuracy", before.token_accuracy, after.token_accuracy, &percent),
        ("Tokens measured", tokens(before), tokens(after), &count),
        ("Questions answered with the fact", before.facts, after.facts, &percent),
    ];
    let shown = |value: Option<f64>, format: Shown| match value {
        Some(value) => format(value),
        None => "not measured".to_string(),
    };
    let known = rows.into_iter().filter(|(_, before, after, _)| before.is_some() || after.is_some());
    known
        .map(|(name, before, after, format)| {
            vec![name.to_string(), shown(before, format), shown(after, format)]
        })
        .collect()
}

fn neutral(facts: &RunFacts, out: &mut String) {
    let Some(neutral) = &facts.neutral else { return };
    let tokens = neutral.tokens.map_or_else(String::new, |tokens| format!(" ({} tokens)", grouped(tokens)));
    let _ = writeln!(
        out,
        "## General ability\n\nLoss on neutral texts{tokens}: {:.4} before, {:.4} after ({:+.1} %). {}\n",
        neutral.before_loss,
        neutral.after_loss,
        neutral.change * 100.0,
        text(&neutral.verdict)
    );
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

/// A table for each document, in the order of the first question about it.
fn answers(facts: &RunFacts, out: &mut String) {
    if facts.answers.is_empty() {
        return;
    }
    out.push_str("## Answers\n\n");
    let mut groups: Vec<(Option<&str>, Vec<&AnswerFacts>)> = Vec::new();
    for answer in &facts.answers {
        let name = group(answer);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(answer),
            None => groups.push((name, vec![answer])),
        }
    }
    for (name, members) in groups {
        if let Some(name) = name {
            let _ = writeln!(out, "### {}\n", text(name));
        }
        table(
            &["question", "expected", "base model", "fine-tuned"],
            members.into_iter().map(answer_row),
            out,
        );
    }
}

fn group(answer: &AnswerFacts) -> Option<&str> {
    match answer.set.as_deref() {
        Some("own") => Some("Questions of one's own"),
        // Imported examples, and those of runs that asked without a set, have no document.
        Some(_) => Some(answer.document.as_deref().unwrap_or("Of no document")),
        None => answer.document.as_deref(),
    }
}

fn answer_row(answer: &AnswerFacts) -> Vec<String> {
    let shown = |said: &Option<String>, holds: Option<bool>, words: Option<f64>| {
        let mark = match holds {
            Some(true) => "✓ ",
            Some(false) => "✗ ",
            None => "",
        };
        let words = words.map_or_else(String::new, |share| format!(" ({:.0} % of the words)", share * 100.0));
        said.as_deref().map_or_else(String::new, |said| format!("{mark}{}{words}", text(said)))
    };
    let page = answer.page.map(|page| format!("page {page}"));
    let set = answer.set.as_deref().filter(|set| *set == "held_out").map(|_| "held out".to_owned());
    let place: Vec<String> = page.into_iter().chain(set).collect();
    let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(", ")) };
    vec![
        format!("{}{place}", text(&answer.question)),
        answer.expected.as_deref().map_or_else(String::new, text),
        shown(&answer.before, answer.before_holds_fact, answer.before_words),
        shown(&answer.after, answer.after_holds_fact, answer.after_words),
    ]
}

fn exports(files: &[ExportFacts], out: &mut String) {
    if files.is_empty() {
        return;
    }
    out.push_str("## Exports\n\n");
    let row = |file: &ExportFacts| {
        vec![
            text(&file.format),
            text(&file.file_name),
            text(file.quantization.as_deref().unwrap_or_default()),
            format!("{:.1} MiB", file.size_bytes as f64 / 1_048_576.0),
            format!("`{}`", text(&file.sha256)),
        ]
    };
    table(&["format", "file", "quantization", "size", "SHA-256"], files.iter().map(row), out);
    for file in files {
        for (title, lines) in
            [("Kept in another form than asked for", &file.fallbacks), ("Warnings", &file.warnings)]
        {
            if !lines.is_empty() {
                let _ = writeln!(out, "{title}, {}:\n", text(&file.file_name));
                list(lines.iter().map(String::as_str), out);
            }
        }
    }
}

fn certificate(facts: &RunFacts, out: &mut String) {
    let Some(certificate) = &facts.certificate else { return };
    let _ = writeln!(out, "## Parity certificate\n\n{}\n", text(&certificate.verdict));
    let words = |value: &Option<String>| value.as_deref().map_or_else(String::new, text);
    let row = |row: &CertificateRow| {
        vec![
            text(&row.what),
            words(&row.quantization),
            row.ids_equal.map_or("", |equal| if equal { "equal" } else { "different" }).to_owned(),
            words(&row.greedy_equal),
            row.kl_mean.map_or_else(String::new, |kl| format!("{kl:.2e}")),
            row.loss_difference.map_or_else(String::new, |difference| format!("{difference:+.4}")),
            text(&row.verdict),
            words(&row.reason),
        ]
    };
    let head = [
        "what",
        "quantization",
        "token ids",
        "greedy text",
        "mean KL",
        "loss difference",
        "verdict",
        "reason",
    ];
    if !certificate.rows.is_empty() {
        table(&head, certificate.rows.iter().map(row), out);
    }
}

/// As code: nothing in it is markup.
fn log(lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    out.push_str("## Log\n\n");
    for line in lines {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(out, "    {}", line.trim_end());
    }
    out.push('\n');
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
    // What is nested is for programs; it stands in `training_config.json`.
    let flat = map.iter().filter(|(_, value)| !value.is_object());
    table(&["", ""], flat.map(|(name, value)| vec![text(name), text(&shown(value))]), out);
}

fn list<'a>(lines: impl IntoIterator<Item = &'a str>, out: &mut String) {
    for line in lines {
        let _ = writeln!(out, "- {}", text(line));
    }
    out.push('\n');
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
