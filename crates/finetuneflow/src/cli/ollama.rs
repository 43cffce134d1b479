//! `ollama`: models into a running Ollama. The folder for one that is not running is written by `export --format ollama`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{anyhow, bail};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use export::Quantization;
use export::ollama::{Options, is_name};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Context;
use super::interrupt::cancel_flag;
use crate::inference::{Inference, Weights};
use crate::ollama::push::{Listener, Means, Progress};
use crate::ollama::verify::{Comparison, Verdict};
use crate::ollama::{Client, Push, Pushed, parse_address};

/// Put a model into a running Ollama and check that it is asked there as it was trained
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Push(PushArgs),
}

/// Send the weights, make the model, compare what Ollama renders and answers
#[derive(clap::Args)]
struct PushArgs {
    /// Hugging Face model folder, or `base` for the bundled model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// PEFT adapter folder; without one the model itself is pushed
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// The model's name in Ollama, such as handbook or me/handbook:f16
    #[arg(long)]
    name: String,
    /// Type of the weights
    #[arg(long, default_value = "f16", value_parser = PossibleValuesParser::new(export::ollama::FORMAT.quantizations.iter().map(|quantization| quantization.id())))]
    quantization: String,
    /// Where Ollama is
    #[arg(long, default_value = "http://localhost:11434", value_name = "URL")]
    address: String,
    /// Replace a model of this name
    #[arg(long)]
    replace: bool,
    /// Tokens of its context [default: the model's own, 4096 at most]
    #[arg(long, value_name = "TOKENS")]
    num_ctx: Option<u32>,
    /// A system text of its own
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Its own temperature [default: Ollama's]
    #[arg(long)]
    temperature: Option<f32>,
    /// Threads for the answers here; 0 takes the machine's cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let Action::Push(args) = args.action;
    if !is_name(&args.name) {
        bail!(
            "--name {:?} is no name for Ollama: use letters, digits, dots, dashes and underscores",
            args.name
        );
    }
    let base = parse_address(&args.address).map_err(|reason| anyhow!("--address {reason}"))?;
    let client = Client::new(base)?;
    let push = Push {
        weights: Weights { model: context.model_dir(&args.model)?, adapter: args.adapter },
        name: args.name,
        quantization: Quantization::from_id(&args.quantization)
            .ok_or_else(|| anyhow!("unknown --quantization"))?,
        replace: args.replace,
        options: Options {
            num_ctx: args.num_ctx,
            max_seq_len: None,
            system: args.system,
            temperature: args.temperature,
        },
    };
    let inference = Arc::new(Inference::new(args.threads));
    let scratch = tempfile::tempdir()?;
    let (cancel, listener) = (cancel_flag()?, listener(context)?);
    let means = Means { client: &client, scratch: scratch.path(), inference: &inference, cancel, listener };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let pushed = runtime.block_on(async {
        tokio::select! {
            pushed = push.run(&means) => pushed,
            () = raised(&means.cancel) => bail!("cancelled"),
        }
    })?;
    if context.json {
        let mut line = serde_json::to_value(&pushed)?;
        line["event"] = json!("pushed");
        context.emit(&line)?;
    } else {
        show(&pushed);
    }
    match pushed.prompts.verdict {
        Verdict::Different => bail!(
            "{} is in Ollama, but is asked there in another way than it was trained: see the differences",
            pushed.name
        ),
        _ => Ok(()),
    }
}

/// Ends when the flag is set.
async fn raised(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn listener(context: &Context) -> anyhow::Result<Listener> {
    if context.json {
        return Ok(Arc::new(|_| {}));
    }
    let bar = ProgressBar::new(100).with_style(ProgressStyle::with_template("{bar:30} {msg}")?);
    Ok(Arc::new(move |progress: Progress| {
        bar.set_position(progress.percent() as u64);
        bar.set_message(progress.activity().words().message);
    }))
}

fn show(pushed: &Pushed) {
    println!("{} is in Ollama {} at {}", pushed.name, pushed.version, pushed.address);
    pushed.warnings.iter().for_each(|warning| println!("note: {}", warning.message));
    for (what, comparison) in [("prompts", &pushed.prompts), ("answers", &pushed.answers)] {
        let Comparison { equal, compared, differences, note, .. } = comparison;
        println!("{what}: {equal} of {compared} as here");
        differences.iter().for_each(|difference| println!("  {difference}"));
        note.iter().for_each(|note| println!("  {note}"));
    }
    println!("run it: ollama run {}", pushed.name);
}
