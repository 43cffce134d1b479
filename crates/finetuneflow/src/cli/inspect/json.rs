//! `inspect json`: a language model's JSON, repaired.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lines::for_each_line;
use crate::cli::Context;

/// Repair JSON: lines {"input"} on standard input become lines {"index","value"} or {"index","error"}
#[derive(clap::Args)]
pub struct Args {}

#[derive(Deserialize)]
struct Input {
    input: String,
}

#[derive(Serialize)]
struct Output {
    /// Number of the line, from 0.
    index: u64,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Value(Value),
    Error(String),
}

pub fn run(_: Args, context: &Context) -> anyhow::Result<()> {
    for_each_line(|number, Input { input }| {
        let outcome = match datasets::json_repair::parse(&input) {
            Ok(value) => Outcome::Value(value),
            Err(error) => Outcome::Error(error.to_string()),
        };
        context.emit(&Output { index: number - 1, outcome })
    })
}
