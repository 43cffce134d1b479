//! `dataset`: from documents and files to a dataset, on files alone, without a server. One file a step, one line each in
//! [`Step`].

use clap::Subcommand;

use super::Context;

mod check;
mod chunk;
mod export;
mod files;
mod generate;
mod import;
mod split;
mod stats;
mod work_folder;

/// Make, check and split datasets, for scripts: files in, files out
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset chunk handbook.pdf --model base --out chunks.jsonl
  finetuneflow dataset generate chunks.jsonl --model llama3.2 --out records.jsonl
  finetuneflow dataset import answers.csv --out records.jsonl --map prompt=Question --map completion=Answer
  finetuneflow dataset check records.jsonl --source chunks.jsonl --out checked.jsonl
  finetuneflow dataset split checked.jsonl --held-out 0.1 --out version
  finetuneflow train --model base --data version/train.jsonl --eval-data version/recall.jsonl --out run")]
pub struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    Chunk(chunk::Args),
    Generate(generate::Args),
    Import(import::Args),
    Check(check::Args),
    Stats(stats::Args),
    Split(split::Args),
    Export(export::Args),
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.step {
        Step::Chunk(args) => chunk::run(args, context),
        Step::Generate(args) => generate::run(args, context),
        Step::Import(args) => import::run(args, context),
        Step::Check(args) => check::run(args, context),
        Step::Stats(args) => stats::run(args, context),
        Step::Split(args) => split::run(args, context),
        Step::Export(args) => export::run(args, context),
    }
}
