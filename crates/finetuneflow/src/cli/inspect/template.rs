//! `inspect template`: conversations to the text that a model is given.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use engine::tokenizer::{ChatTemplate, MaskError, RenderInput, Rendered, Tokenizer, loss_mask};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lines::for_each_line;
use crate::cli::Context;

/// Render conversations with a chat template: one line on standard input, one line out
///
/// Lines are {"messages", "add_generation_prompt", "bos_token", "eos_token", "tools"}; further fields are variables of
/// the template. Each becomes {"output", "assistant_text", "error"}, where assistant_text lists what a loss may see.
#[derive(clap::Args)]
pub struct Args {
    /// A file with a Jinja chat template
    #[arg(long, value_name = "FILE", required_unless_present = "model", conflicts_with = "model")]
    template: Option<PathBuf>,
    /// A model folder, or a GGUF file; its BOS and EOS are used where a line names none
    #[arg(long, value_name = "DIR|FILE.gguf")]
    model: Option<PathBuf>,
    /// The day that strftime_now tells the template [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct Input {
    messages: Vec<Value>,
    #[serde(default)]
    add_generation_prompt: bool,
    bos_token: Option<String>,
    eos_token: Option<String>,
    tools: Option<Value>,
    #[serde(flatten)]
    variables: Map<String, Value>,
}

#[derive(Serialize)]
struct Output {
    output: Option<String>,
    /// `None` where the answers could not be told from their surroundings.
    assistant_text: Option<Vec<String>>,
    error: Option<String>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let (mut template, tokenizer) = open(&args)?;
    if let Some(now) = args.today.and_then(|day| day.and_hms_opt(12, 0, 0)) {
        template = template.with_now(now)?;
    }
    let (bos, eos) = tokenizer.map(|t| (t.bos_token(), t.eos_token())).unwrap_or_default();
    for_each_line(|_, input: Input| {
        let render = RenderInput {
            messages: &input.messages,
            add_generation_prompt: input.add_generation_prompt,
            bos_token: input.bos_token.as_deref().unwrap_or(&bos),
            eos_token: input.eos_token.as_deref().unwrap_or(&eos),
            tools: input.tools.as_ref(),
        };
        let output = match template.render_with(&render, &input.variables) {
            Ok(rendered) => Output {
                assistant_text: assistant_text(&template, &render, &rendered).ok(),
                output: Some(rendered.text),
                error: None,
            },
            Err(error) => Output { output: None, assistant_text: None, error: Some(error.to_string()) },
        };
        context.emit(&output)
    })
}

fn open(args: &Args) -> anyhow::Result<(ChatTemplate, Option<Tokenizer>)> {
    if let Some(file) = &args.template {
        let source = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        return Ok((ChatTemplate::from_source(&source)?, None));
    }
    let model: &Path = args.model.as_deref().context("--template or --model is needed")?;
    let template = ChatTemplate::from_model_dir(model)?
        .with_context(|| format!("{}: the model has no chat template", model.display()))?;
    Ok((template, Some(Tokenizer::open(model)?)))
}

fn assistant_text(
    template: &ChatTemplate,
    input: &RenderInput<'_>,
    rendered: &Rendered,
) -> Result<Vec<String>, MaskError> {
    if template.has_generation_blocks() {
        return Ok(rendered.assistant.iter().map(|range| rendered.text[range.clone()].to_string()).collect());
    }
    let training = RenderInput { add_generation_prompt: false, ..*input };
    let rendered = template.render(&training)?;
    let answers = loss_mask::find_answers(template, &training, &rendered, &[input.eos_token])?;
    Ok(answers.into_iter().map(|answer| rendered.text[answer.range].to_string()).collect())
}
