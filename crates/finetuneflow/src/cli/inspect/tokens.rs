//! `inspect tokens`: texts to token ids.

use std::path::PathBuf;

use engine::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};

use super::lines::for_each_line;
use crate::cli::Context;

/// Token ids of texts: lines {"text"} on standard input become lines {"ids"}, nothing added
#[derive(clap::Args)]
pub struct Args {
    /// A model folder with tokenizer.json, or a GGUF file
    #[arg(long, value_name = "DIR|FILE.gguf")]
    tokenizer: PathBuf,
}

#[derive(Deserialize)]
struct Input {
    text: String,
}

#[derive(Serialize)]
struct Output {
    ids: Vec<u32>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::open(&args.tokenizer)?;
    for_each_line(|_, input: Input| context.emit(&Output { ids: tokenizer.encode(&input.text) }))
}
