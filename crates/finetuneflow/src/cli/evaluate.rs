//! `evaluate`: loss, perplexity and token accuracy of a data file; with `--compare` of the base model and of the tuned one,
//! on several files and in answers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use engine::batching::{EncodeOptions, LongRows, LossMask, encode_file};
use engine::trainer::evaluate;
use export::report::Metrics;
use serde_json::json;

use super::Context;
use super::interrupt::cancel_flag;
use super::model::ModelArgs;
use crate::evaluation::compare::{Material, Models, Watch, compare};
use crate::evaluation::{Comparison, MAX_TOKENS, Question};
use crate::words::{Activity, Words};

/// Progress is written at most this often, and at the begin of each part.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);

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
    /// Measure the model without and with its adapter (or --tuned), loading it once
    #[arg(long)]
    compare: bool,
    /// The tuned model, where all weights were trained and there is no adapter
    #[arg(long, value_name = "DIR", requires = "compare", conflicts_with = "adapter")]
    tuned: Option<PathBuf>,
    /// More rows, measured apart
    #[arg(long, value_name = "FILE", requires = "compare")]
    held_out: Option<PathBuf>,
    /// JSONL file of questions that both models answer: {"set", "messages", "expected"}
    #[arg(long, value_name = "FILE", requires = "compare")]
    questions: Option<PathBuf>,
    /// Measure the loss on built-in neutral texts too: what the training cost in general ability
    #[arg(long, requires = "compare")]
    neutral: bool,
    /// New tokens of an answer at most
    #[arg(long, default_value_t = MAX_TOKENS, requires = "compare")]
    max_tokens: usize,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if args.compare {
        return both(&args, context);
    }
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

fn both(args: &Args, context: &Context) -> anyhow::Result<()> {
    if args.model.adapter.is_none() && args.tuned.is_none() {
        bail!(
            "--compare needs the tuned model: --adapter DIR, or --tuned DIR where all weights were trained"
        );
    }
    let material = Material {
        data: args.data.clone(),
        held_out: args.held_out.clone(),
        questions: args.questions.as_deref().map(read_questions).transpose()?.unwrap_or_default(),
        neutral: args.neutral,
        max_seq_len: args.max_seq_len,
        max_tokens: args.max_tokens,
    };
    let cancel = cancel_flag()?;
    let mut told: Option<(Activity, Instant)> = None;
    let mut progress = |done: usize, total: usize, doing: &Activity| {
        if told.as_ref().is_some_and(|(said, when)| said == doing && when.elapsed() < PROGRESS_PAUSE) {
            return;
        }
        told = Some((doing.clone(), Instant::now()));
        let Words { code, params, message } = doing.words();
        if context.json {
            // Nobody reads any more: the end will say so.
            let _ = context.emit(&json!({
                "event": "progress", "done": done, "total": total, "code": code, "params": params, "message": message,
            }));
        } else {
            eprintln!("{done} of {total}: {message}");
        }
    };
    let watch = Watch { cancel: &cancel, progress: &mut progress };
    let comparison = match &args.tuned {
        None => compare(&Models::Adapter(&args.model.load(context)?), &material, watch)?,
        Some(tuned) => {
            let load =
                |model: &Path| ModelArgs { model: model.to_path_buf(), ..args.model.clone() }.load(context);
            let (base, tuned) = (|| load(&args.model.model), || load(tuned));
            compare(&Models::Full([&base, &tuned]), &material, watch)?
        }
    };
    if context.json {
        return context.emit(&comparison);
    }
    print(&comparison);
    Ok(())
}

fn read_questions(path: &Path) -> anyhow::Result<Vec<Question>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{} line {number}", path.display()))
    };
    lines.map(read).collect()
}

fn print(comparison: &Comparison) {
    let figures = |name: &str, before: &Metrics, after: &Metrics| {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        println!("{name}");
        for (label, before, after) in [
            ("loss", before.eval_loss, after.eval_loss),
            ("perplexity", before.perplexity, after.perplexity),
            ("token accuracy", before.token_accuracy, after.token_accuracy),
        ] {
            println!("  {label:<15} {:>10} {:>10}", number(before), number(after));
        }
    };
    figures("examples                  before      after", &comparison.before, &comparison.after);
    if let Some(held_out) = &comparison.held_out {
        figures("held-out sections", &held_out.before, &held_out.after);
    }
    if let Some(neutral) = &comparison.neutral {
        println!(
            "neutral texts\n  {:<15} {:>10.4} {:>10.4}",
            "loss", neutral.before_loss, neutral.after_loss
        );
        println!("  {}", neutral.verdict.sentence());
    }
    for answer in &comparison.answers {
        println!("\n{}", answer.question);
        println!("  before: {}\n  after:  {}", answer.before.text, answer.after.text);
        if let Some(expected) = &answer.expected {
            println!("  expected: {expected}");
        }
    }
}
