//! `evaluate`: loss, perplexity and token accuracy of a data file.

use std::path::PathBuf;

use engine::batching::{EncodeOptions, LongRows, LossMask, encode_file};
use engine::trainer::evaluate;

use super::Context;
use super::interrupt::cancel_flag;
use super::model::ModelArgs;

/// Measure loss, perplexity and token accuracy on a data file
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// JSONL file of rows: messages, prompt/completion, text, or input_ids with labels
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Rows are cut to so many tokens [default: the model's context]
    #[arg(long)]
    max_seq_len: Option<usize>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let loaded = args.model.load(context)?;
    let max_seq_len = args.max_seq_len.unwrap_or(loaded.decoder.spec.max_position_embeddings);
    let options = EncodeOptions { max_seq_len, mask: LossMask::default(), on_long: LongRows::Truncate };
    let data = encode_file(&args.data, &loaded.tokenizer, loaded.template.as_ref(), &options)?;
    for warning in &data.warnings {
        eprintln!("warning: {}", warning.message);
    }
    let evaluation = evaluate(&loaded.decoder, &data, &*cancel_flag()?)?;
    if context.json {
        return context.emit(&evaluation);
    }
    println!("loss            {:.4}", evaluation.eval_loss);
    println!("perplexity      {:.3}", evaluation.perplexity);
    println!("token accuracy  {:.1} %", 100.0 * evaluation.token_accuracy);
    println!("tokens scored   {}", evaluation.supervised_tokens);
    Ok(())
}
