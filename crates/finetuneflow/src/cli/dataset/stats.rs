//! `dataset stats`: what is in a dataset.

use std::collections::BTreeMap;
use std::path::PathBuf;

use datasets::{Distribution, statistics};

use super::files::{read_examples, read_sources, tokenizer};
use crate::cli::Context;

/// Count a dataset: lengths, languages, duplicates, findings, how much of the documents is used
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset stats records.jsonl --model base
  finetuneflow dataset stats train.jsonl recall.jsonl --source chunks.jsonl --json")]
pub struct Args {
    /// Records, or files of any format that `dataset import` reads; counted together
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model folder whose tokenizer counts tokens, or `base`
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The chunks that the examples come from, as `dataset chunk` wrote them
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut examples = Vec::new();
    for file in &args.files {
        examples.extend(read_examples(file, context)?);
    }
    let sources = args.source.as_deref().map(read_sources).transpose()?;
    let tokenizer = args.model.as_deref().map(|model| tokenizer(model, context)).transpose()?;
    let count = |text: &str| tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(text).len());
    let count_tokens = tokenizer.is_some().then_some(&count as &dyn Fn(&str) -> usize);
    let found = statistics(&examples, count_tokens, sources.as_ref());
    if context.json {
        return context.emit(&found);
    }
    println!("examples            {}", found.examples);
    println!("exact duplicates    {}", found.duplicates);
    println!("near duplicates     {}", found.near_duplicates);
    println!("plain text          {}", found.plain_text);
    println!("several answers     {}", found.multi_turn);
    println!("with system, tools  {}, {}", found.with_system, found.with_tools);
    distribution("prompt characters", &found.prompt_chars);
    distribution("answer characters", &found.answer_chars);
    if let Some(tokens) = &found.tokens {
        distribution("tokens", tokens);
    }
    counts("languages", &found.by_language);
    counts("files", &found.by_file);
    counts("findings", &found.by_issue);
    counts("rejected, by finding", &found.rejected_by_issue);
    for document in &found.coverage {
        println!(
            "{}: {} of {} chunks and {} of {} pages have examples",
            document.file_name, document.chunks_used, document.chunks, document.pages_used, document.pages
        );
    }
    Ok(())
}

fn distribution(name: &str, found: &Distribution) {
    println!(
        "{name:<19} {} in all; {} to {}, median {}, 95 % up to {}",
        found.sum, found.min, found.max, found.median, found.p95
    );
}

fn counts(name: &str, found: &BTreeMap<String, usize>) {
    const SHOWN: usize = 12;
    if found.is_empty() {
        return;
    }
    let mut sorted: Vec<_> = found.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = sorted
        .iter()
        .take(SHOWN)
        .map(|(name, count)| format!("{} {count}", if name.is_empty() { "unknown" } else { name }));
    println!("{name:<19} {}", shown.collect::<Vec<_>>().join(", "));
}
