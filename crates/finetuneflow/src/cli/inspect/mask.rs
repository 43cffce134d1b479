//! `inspect mask`: training rows to ids and labels, as training sees them.

use std::path::PathBuf;

use clap::ValueEnum;
use engine::batching::{LossMask, Place, Row, encode_row};
use engine::tokenizer::{ChatTemplate, Tokenizer};
use serde::Serialize;
use serde_json::{Value, json};

use super::lines::for_each_line;
use crate::cli::Context;

/// Ids and labels of training rows: each line on standard input becomes {"ids", "labels"} or {"error"}
///
/// Labels are unshifted; -100 stands where nothing is learned.
#[derive(clap::Args)]
pub struct Args {
    /// A model folder, or a GGUF file
    #[arg(long, value_name = "DIR|FILE.gguf")]
    model: PathBuf,
    /// What is learned
    #[arg(long, value_enum, default_value = "assistant")]
    learn: Learn,
}

#[derive(Clone, Copy, ValueEnum)]
enum Learn {
    /// Every answer of the assistant
    Assistant,
    /// The last answer
    Completion,
    /// All tokens
    All,
}

#[derive(Serialize)]
struct Output {
    ids: Vec<u32>,
    labels: Vec<i32>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::open(&args.model)?;
    let template = ChatTemplate::from_model_dir(&args.model)?;
    let mask = match args.learn {
        Learn::Assistant => LossMask::AssistantOnly,
        Learn::Completion => LossMask::CompletionOnly,
        Learn::All => LossMask::AllTokens,
    };
    for_each_line(|line, value: Value| {
        let place = Place { file: None, line };
        let encoded = Row::from_json(value, place.clone())
            .and_then(|row| encode_row(&row, &tokenizer, template.as_ref(), mask, place));
        match encoded {
            Ok((row, _)) => context.emit(&Output { ids: row.ids, labels: row.labels }),
            Err(error) => context.emit(&json!({ "error": error.to_string() })),
        }
    })
}
