//! `dataset split`: one dataset version, a training part and two evaluation parts, named by its content.

use std::path::PathBuf;

use anyhow::bail;
use datasets::{SplitOptions, Status, freeze};
use serde_json::json;

use super::files::{Output, read_examples};
use crate::cli::Context;

/// Split a dataset into train.jsonl, recall.jsonl and held_out.jsonl; the same content gives the same version
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset split records.jsonl --out version
  finetuneflow dataset split records.jsonl --eval 0.1 --held-out 0.1 --seed 7 --out version
recall.jsonl asks about sections that are trained on, held_out.jsonl about sections of which nothing is trained on:
report them apart. Exact duplicates and rejected records are left out; version.json says how many.")]
pub struct Args {
    /// Records, or files of any format that `dataset import` reads
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder for the parts
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Share for recall, 0 to 0.5
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    eval: f64,
    /// Share whose sections are held out whole, 0 to 0.5; records say their section
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    held_out: f64,
    /// Another seed chooses other examples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Take only records that were approved
    #[arg(long)]
    approved_only: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| (0.0..=0.5).contains(share));
    share.ok_or_else(|| "give a share from 0 to 0.5, such as 0.1".to_string())
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut examples = Vec::new();
    for file in &args.files {
        examples.extend(read_examples(file, context)?);
    }
    if !args.approved_only {
        let undecided = examples.iter_mut().filter(|example| example.status == Status::Pending);
        undecided.for_each(|example| example.status = Status::Approved);
    }
    let left_out = examples.iter().filter(|example| example.status != Status::Approved).count();
    let options =
        SplitOptions { eval_fraction: args.eval, held_out_fraction: args.held_out, seed: args.seed };
    let version = freeze(&examples, options);
    if version.train_count == 0 {
        bail!(
            "none of {} examples may be trained on: approve some, or leave --approved-only out",
            examples.len()
        );
    }
    if args.held_out > 0.0 && version.held_out_count == 0 {
        bail!(
            "--held-out {}: the examples do not name two sections or more; import records with their source, or leave it out",
            args.held_out
        );
    }
    let mut parts = vec![
        ("train.jsonl", version.train_jsonl.as_bytes()),
        ("recall.jsonl", version.recall_jsonl.as_bytes()),
    ];
    if version.held_out_count > 0 {
        parts.push(("held_out.jsonl", version.held_out_jsonl.as_bytes()));
    }
    let description = serde_json::to_vec_pretty(&version)?;
    parts.push(("version.json", description.as_slice()));
    for (name, bytes) in &parts {
        let mut file = Output::create(&args.out.join(name))?;
        file.bytes(bytes)?;
        file.finish()?;
    }
    if context.json {
        let mut report = json!({ "event": "split", "out": args.out, "not_approved": left_out });
        if let (Some(report), Ok(serde_json::Value::Object(version))) =
            (report.as_object_mut(), serde_json::to_value(&version))
        {
            report.extend(version);
        }
        return context.emit(&report);
    }
    println!("{}: version {}", args.out.display(), version.content_hash);
    println!(
        "  train {}, recall {}, held out {}",
        version.train_count, version.recall_count, version.held_out_count
    );
    println!("  left out: {} duplicates, {left_out} not approved", version.duplicates);
    Ok(())
}
