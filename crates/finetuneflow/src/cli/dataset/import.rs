//! `dataset import`: files of any known format to records, row by row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use datasets::formats::REGISTRY;
use datasets::{ColumnMapping, Examples, ImportOptions, Rule, Status};
use serde::Serialize;

use super::files::{Faults, Output, said};
use crate::cli::Context;

/// Read datasets (JSONL, JSON, CSV, TSV, Parquet, text) into records, naming every faulty row
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset import chats.jsonl more.parquet --out records.jsonl
  finetuneflow dataset import table.csv --map prompt=Question --map completion=Answer --out records.jsonl
A record is {\"messages\", \"provenance\", \"quality\", \"status\"}; `train` reads it as messages. docs/DATASET_FORMATS.md")]
pub struct Args {
    /// The files, of one format or of several
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to write the records, as JSON lines
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
    /// The format of all files [default: recognised, file by file]
    #[arg(long, value_parser = PossibleValuesParser::new(REGISTRY.iter().map(|format| format.id)), conflicts_with = "map")]
    format: Option<String>,
    /// Which column holds what: prompt, completion, system or context
    #[arg(long, value_name = "WHAT=COLUMN", value_parser = choice)]
    map: Vec<(Meaning, String)>,
    /// The examples start approved; without it nobody has decided
    #[arg(long)]
    approve: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    Prompt,
    Completion,
    System,
    Context,
}

fn choice(text: &str) -> Result<(Meaning, String), String> {
    let wrong = "write WHAT=COLUMN, where WHAT is prompt, completion, system or context";
    let (meaning, column) = text.split_once('=').filter(|(_, column)| !column.is_empty()).ok_or(wrong)?;
    let meaning = match meaning {
        "prompt" => Meaning::Prompt,
        "completion" => Meaning::Completion,
        "system" => Meaning::System,
        "context" => Meaning::Context,
        _ => return Err(wrong.into()),
    };
    Ok((meaning, column.to_owned()))
}

fn mapping(choices: &[(Meaning, String)]) -> anyhow::Result<Option<ColumnMapping>> {
    if choices.is_empty() {
        return Ok(None);
    }
    let column =
        |wanted| choices.iter().rfind(|(meaning, _)| *meaning == wanted).map(|(_, column)| column.clone());
    let completion = column(Meaning::Completion);
    if completion.is_none() {
        anyhow::bail!("--map says no completion: add --map completion=COLUMN, the column with the answer");
    }
    let (prompt, system, context) =
        (column(Meaning::Prompt), column(Meaning::System), column(Meaning::Context));
    Ok(Some(ColumnMapping { prompt, completion, system, context }))
}

/// What one file gave.
#[derive(Serialize)]
struct FileReport {
    file: String,
    format: &'static str,
    mapping: Option<ColumnMapping>,
    rows: usize,
    examples: usize,
}

#[derive(Serialize)]
struct Report<'a> {
    event: &'static str,
    out: &'a Path,
    rows: usize,
    examples: usize,
    faults: usize,
    faults_by_rule: BTreeMap<String, usize>,
    files: Vec<FileReport>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let options = ImportOptions { format: args.format, mapping: mapping(&args.map)? };
    let mut out = Output::create(&args.out)?;
    let mut faults = Faults::new(context);
    let mut report = Report {
        event: "imported",
        out: &args.out,
        rows: 0,
        examples: 0,
        faults: 0,
        faults_by_rule: BTreeMap::new(),
        files: Vec::new(),
    };
    for file in &args.files {
        let mut examples = Examples::open(file, &options).map_err(said)?;
        let mut count = 0;
        for item in &mut examples {
            match item.map_err(said)? {
                Ok(mut example) => {
                    if args.approve {
                        example.status = Status::Approved;
                    }
                    out.line(&example)?;
                    count += 1;
                }
                Err(fault) => {
                    faults.tell(file, &fault)?;
                    *report.faults_by_rule.entry(name(fault.rule)).or_default() += 1;
                }
            }
        }
        report.rows += examples.rows();
        report.examples += count;
        report.files.push(FileReport {
            file: file.display().to_string(),
            format: examples.format(),
            mapping: examples.mapping().cloned(),
            rows: examples.rows(),
            examples: count,
        });
    }
    out.finish()?;
    report.faults = faults.count;
    if context.json {
        return context.emit(&report);
    }
    for file in &report.files {
        println!("{}: {} of {} rows, read as {}", file.file, file.examples, file.rows, file.format);
    }
    println!("{}: {} examples", args.out.display(), report.examples);
    Ok(())
}

/// As it is serialized.
fn name(rule: Rule) -> String {
    serde_json::to_value(rule).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
