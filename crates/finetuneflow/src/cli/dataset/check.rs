//! `dataset check`: a score with its reasons for each example; nothing is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datasets::checks::{self, CheckOptions, Checked, Part, Subject, TokenLimit};
use datasets::{Example, Sources};
use serde::Serialize;
use serde_json::json;

use super::files::{Output, read_examples, read_sources, tokenizer};
use crate::cli::Context;

/// Examples that are shown without --json.
const SHOWN: usize = 10;

/// Score examples: grounded in their source, length, duplicates, template marks, refusals, personal data
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset check records.jsonl
  finetuneflow dataset check records.jsonl --source chunks.jsonl --model base --max-tokens 1024 --out checked.jsonl
  finetuneflow dataset check train.jsonl --eval recall.jsonl --json
Nothing is removed: --out writes all records with their score and the names of their findings. docs/DATASET_FORMATS.md")]
pub struct Args {
    /// Records, or a file of any format that `dataset import` reads
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file of evaluation examples, to find those whose like is trained on
    #[arg(long, value_name = "FILE")]
    eval: Option<PathBuf>,
    /// The chunks that the examples come from, as `dataset chunk` wrote them
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// Model folder whose tokenizer counts, or `base`
    #[arg(long, value_name = "DIR", requires = "max_tokens")]
    model: Option<PathBuf>,
    /// Tokens that an example may have
    #[arg(long, requires = "model")]
    max_tokens: Option<usize>,
    /// Where to write the records with their scores
    #[arg(long, value_name = "FILE.jsonl")]
    out: Option<PathBuf>,
}

/// An example with findings.
#[derive(Serialize)]
struct Told<'a> {
    event: &'static str,
    file: &'a Path,
    /// From 1.
    number: usize,
    #[serde(flatten)]
    checked: &'a Checked,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut files = vec![(&args.file, Part::Train, read_examples(&args.file, context)?)];
    if let Some(eval) = &args.eval {
        files.push((eval, Part::Eval, read_examples(eval, context)?));
    }
    let sources = args.source.as_deref().map(read_sources).transpose()?;
    let texts: Vec<Option<String>> = files
        .iter()
        .flat_map(|(_, _, examples)| examples)
        .map(|example| text_of(example, &sources))
        .collect();
    let places = files.iter().flat_map(|(file, part, examples)| {
        examples.iter().enumerate().map(move |(index, example)| (*file, *part, index + 1, example))
    });
    let subjects: Vec<Subject> = places
        .clone()
        .zip(&texts)
        .map(|((_, part, _, example), source)| Subject { example, source: source.as_deref(), part })
        .collect();
    let tokenizer = args.model.as_deref().map(|model| tokenizer(model, context)).transpose()?;
    let count = |text: &str| tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(text).len());
    let token_limit = args.max_tokens.map(|max_tokens| TokenLimit { count: &count, max_tokens });
    let checked = checks::check(&subjects, &CheckOptions { token_limit, ..CheckOptions::default() });

    let mut found: Vec<_> =
        places.zip(&checked).filter(|(_, checked)| !checked.findings.is_empty()).collect();
    if !context.json {
        found.sort_by(|(_, one), (_, other)| one.score.total_cmp(&other.score));
    }
    for ((file, _, number, _), checked) in &found {
        if context.json {
            context.emit(&Told { event: "example", file, number: *number, checked })?;
        }
    }
    if !context.json {
        for ((file, _, number, _), checked) in found.iter().take(SHOWN) {
            println!("{}, example {number}: {:.2}", file.display(), checked.score);
            checked.findings.iter().for_each(|finding| println!("    {}", finding.reason));
        }
        if found.len() > SHOWN {
            println!("and {} more examples with findings; --json names them all", found.len() - SHOWN);
        }
    }
    let grounded = texts.iter().filter(|text| text.is_some()).count();
    if let Some(out) = &args.out {
        let mut out = Output::create(out)?;
        for (subject, checked) in subjects.iter().zip(&checked) {
            out.line(&Example { quality: checked.quality(), ..subject.example.clone() })?;
        }
        out.finish()?;
    }
    report(&checked, grounded, sources.is_some(), context)
}

fn text_of(example: &Example, sources: &Option<Sources>) -> Option<String> {
    sources.as_ref()?.text_of(&example.provenance)
}

fn report(checked: &[Checked], grounded: usize, with_source: bool, context: &Context) -> anyhow::Result<()> {
    let mut by_finding: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in checked.iter().flat_map(|checked| &checked.findings) {
        *by_finding.entry(finding.kind.name()).or_default() += 1;
    }
    let with_findings = checked.iter().filter(|checked| !checked.findings.is_empty()).count();
    let mean =
        checked.iter().map(|checked| f64::from(checked.score)).sum::<f64>() / checked.len().max(1) as f64;
    if with_source && grounded < checked.len() {
        let missing = checked.len() - grounded;
        eprintln!("warning: {missing} examples name no place in the source, and were not held against it");
    }
    if context.json {
        return context.emit(&json!({
            "event": "checked", "examples": checked.len(), "with_findings": with_findings, "mean_score": mean,
            "with_source": grounded, "by_finding": by_finding,
        }));
    }
    println!("{} examples, {with_findings} with findings, mean score {mean:.3}", checked.len());
    by_finding.iter().for_each(|(name, count)| println!("  {name:<20} {count}"));
    Ok(())
}
