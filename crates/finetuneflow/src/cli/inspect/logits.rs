//! `inspect logits`: what the model computes for a text.

use std::io::BufRead;

use engine::generation::score;
use serde::Deserialize;
use serde_json::json;

use crate::cli::Context;
use crate::cli::model::ModelArgs;

/// stdin lines {"text"} → {"text","ids","mean_nll","last_logits"}
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let loaded = args.model.load(context)?;
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let Line { text } = serde_json::from_str(&line)
            .map_err(|error| anyhow::anyhow!("stdin line {}: {error}; expected {{\"text\"}}", number + 1))?;
        let ids = loaded.tokenizer.encode_raw_prompt(&text);
        let (last_logits, mean_nll) = score(&loaded.decoder, &ids)?;
        context.emit(&json!({"text": text, "ids": ids, "mean_nll": mean_nll, "last_logits": last_logits}))?;
    }
    Ok(())
}
