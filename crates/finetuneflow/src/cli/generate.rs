//! `generate`: one answer from a model.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use engine::generation::{GenerationOptions, Sampling, generate};
use serde_json::{Value, json};

use super::Context;
use super::model::{Loaded, ModelArgs};

/// Continue a prompt or answer a conversation
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The user's message (or the text to continue, with --raw)
    #[arg(long, value_name = "TEXT", required_unless_present = "messages", conflicts_with = "messages")]
    prompt: Option<String>,
    /// JSON file with a list of {"role", "content"}
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
    /// No chat template: continue the text itself; an empty prompt is the beginning-of-text token alone
    #[arg(long, conflicts_with = "messages")]
    raw: bool,
    /// 0 takes the most likely token each time
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Draw from this many most likely tokens; 0: all
    #[arg(long, default_value_t = 0)]
    top_k: usize,
    /// Draw from the most likely tokens that together reach this probability
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Draw from tokens with at least this share of the most likely one's probability; 0: all
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    /// Make the last 64 tokens less likely to come again: 1.1 a little, 1 not at all
    #[arg(long, default_value_t = 1.0)]
    repeat_penalty: f32,
    /// A text that ends the answer and is not part of it; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// New tokens at most
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if !(args.temperature.is_finite() && args.temperature >= 0.0) {
        bail!("--temperature must be 0 or more");
    }
    if !(args.top_p > 0.0 && args.top_p <= 1.0) {
        bail!("--top-p must be above 0 and at most 1");
    }
    if !(0.0..=1.0).contains(&args.min_p) {
        bail!("--min-p must be between 0 and 1");
    }
    if !(args.repeat_penalty.is_finite() && args.repeat_penalty > 0.0) {
        bail!("--repeat-penalty must be above 0");
    }
    let loaded = args.model.load(context)?;
    let prompt = prompt_ids(&args, &loaded)?;
    let options = GenerationOptions {
        sampling: Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            min_p: args.min_p,
            repeat_penalty: args.repeat_penalty,
            seed: args.seed,
        },
        max_tokens: args.max_tokens,
        stop: args.stop.clone(),
        stop_ids: loaded.tokenizer.stop_ids().to_vec(),
        with_adapter: true,
    };
    let cancel = AtomicBool::new(false);
    let mut show = |text: &str| {
        if !context.json {
            print!("{text}");
            std::io::stdout().flush().ok();
        }
    };
    let answer = generate(&loaded.decoder, &loaded.tokenizer, &prompt, &options, &cancel, &mut show)?;
    if !context.json {
        println!();
        return Ok(());
    }
    context.emit(&json!({
        "text": answer.text,
        "ids": answer.ids,
        "finish": answer.finish,
        "prompt_tokens": answer.prompt_tokens,
        "prompt_seconds": answer.prompt_time.as_secs_f64(),
        "decode_steps": answer.decode_steps,
        "decode_seconds": answer.decode_time.as_secs_f64(),
    }))
}

fn prompt_ids(args: &Args, loaded: &Loaded) -> anyhow::Result<Vec<u32>> {
    let prompt = args.prompt.as_deref().unwrap_or_default();
    if args.raw {
        let ids = loaded.tokenizer.encode_raw_prompt(prompt);
        if ids.is_empty() {
            bail!("this model has no beginning-of-text token, so --prompt must not be empty");
        }
        return Ok(ids);
    }
    let messages: Vec<Value> = match &args.messages {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text)
                .with_context(|| format!("{}: expected a JSON list of messages", path.display()))?
        }
        None => vec![json!({"role": "user", "content": prompt})],
    };
    loaded.chat_prompt(&messages)
}
