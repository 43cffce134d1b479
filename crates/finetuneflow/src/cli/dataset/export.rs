//! `dataset export`: a dataset in the format of another program.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use datasets::formats::{self, REGISTRY};
use datasets::{Example, Status};
use serde_json::{Map, Value, json};

use super::files::{Output, read_examples};
use crate::cli::Context;

/// LLaMA-Factory's list of datasets, which one folder shares.
const DATASET_INFO: &str = "dataset_info.json";

/// Write a dataset for other programs; alpaca and sharegpt with LLaMA-Factory's dataset_info.json
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset export records.jsonl --format alpaca --name handbook --out LLaMA-Factory/data
  finetuneflow dataset export records.jsonl --format csv --out tables
Rejected records are left out; an example that the format cannot hold is named. docs/DATASET_FORMATS.md")]
pub struct Args {
    /// Records, or a file of any format that `dataset import` reads
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format to write
    #[arg(long, value_parser = PossibleValuesParser::new(REGISTRY.iter().map(|format| format.id)))]
    format: String,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The dataset's name [default: the file's]
    #[arg(long)]
    name: Option<String>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let format = formats::by_id(&args.format).with_context(|| format!("unknown format {}", args.format))?;
    let stem = args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.or(stem).unwrap_or_default();
    if name.is_empty() || name.contains(['/', '\\']) {
        bail!("--name {name:?} is no file name: give one without folders");
    }
    let read = read_examples(&args.file, context)?;
    let examples: Vec<&Example> = read.iter().filter(|example| example.status != Status::Rejected).collect();
    let export = (format.write)(&examples, &name);
    for (index, reason) in &export.skipped {
        eprintln!("warning: example {} is left out: {reason}", index + 1);
    }
    if !examples.is_empty() && export.skipped.len() == examples.len() {
        bail!(
            "the format {} can hold none of the {} examples; messages holds all",
            format.id,
            examples.len()
        );
    }
    let mut files = Vec::new();
    for file in &export.files {
        let path = args.out.join(&file.name);
        let merged = if file.name == DATASET_INFO { merged(&path, &file.bytes)? } else { None };
        let mut out = Output::create(&path)?;
        out.bytes(merged.as_deref().unwrap_or(&file.bytes))?;
        out.finish()?;
        files.push(path);
    }
    let written = examples.len() - export.skipped.len();
    if context.json {
        return context.emit(&json!({
            "event": "exported", "format": format.id, "files": files, "examples": written,
            "skipped": export.skipped.len(), "rejected": read.len() - examples.len(),
        }));
    }
    files.iter().for_each(|path| println!("{}", path.display()));
    println!("{written} examples, {} left out", export.skipped.len());
    Ok(())
}

/// A list that is there already keeps its other datasets.
fn merged(path: &Path, added: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let Ok(text) = std::fs::read(path) else { return Ok(None) };
    let wrong =
        || format!("{} is there and no JSON object: move it, or choose another --out", path.display());
    let mut all: Map<String, Value> = serde_json::from_slice(&text).with_context(wrong)?;
    all.extend(serde_json::from_slice::<Map<String, Value>>(added)?);
    Ok(Some(serde_json::to_vec_pretty(&all)?))
}
