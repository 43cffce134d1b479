//! `demo`: from a document to a fine-tuned model in a few minutes, with nothing else installed.

use std::path::PathBuf;

use export::certificate::Verdict;

use super::Context;
use super::interrupt::cancel_flag;
use super::train::Progress;
use crate::demo::{Demo, run as run_demo};

/// Fine-tune the bundled model on a document, from text to files, and show what it learned
#[derive(clap::Args)]
#[command(
    after_help = "Reads the document, makes examples from its structure without any language model, trains a LoRA adapter \
on the bundled base model, asks it questions before and after, and packs the adapter, the merged model, a GGUF file (q8_0) and a \
report into one zip. The bundled model is tiny: it is for trying the studio, not for use."
)]
pub struct Args {
    /// A document (PDF, DOCX, Markdown, …) [default: the sample handbook inside the program]
    file: Option<PathBuf>,
    /// JSON lines of {"question", "facts": […]} that judge the result [default: the sample's own, or made from the document]
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Hugging Face folder of another base model [default: the one inside the program]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Where the zip goes
    #[arg(long, value_name = "DIR", default_value = "finetuneflow-demo")]
    out: PathBuf,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let cancel = cancel_flag()?;
    let mut progress = Progress::new(context.json);
    let mut failed_output = None;
    let result = run_demo(Demo {
        file: args.file,
        questions: args.questions,
        model: args.model,
        out: args.out,
        cancel: &cancel,
        say: &mut |line| eprintln!("{line}"),
        on_train: &mut |event| {
            progress.show(event);
            if context.json && failed_output.is_none() {
                failed_output = context.emit(event).err();
            }
        },
    })?;
    progress.finish();
    if context.json {
        return context.emit(&result);
    }
    println!("perplexity  {:>8.2} → {:.2}", result.perplexity_before, result.perplexity_after);
    println!(
        "facts       {:>6.0} % → {:.0} % of {} questions that were never trained",
        100.0 * result.facts_before,
        100.0 * result.facts_after,
        result.questions
    );
    println!("time        {:>6.0} s", result.seconds);
    println!("files       {}", result.zip.display());
    let verdict = match result.exports {
        Verdict::Same => "answer exactly as the trained model",
        Verdict::Close => "answer as the trained model, but for the rounding of their number formats",
        Verdict::Different => "DIFFER from the trained model: see the report",
    };
    println!("            they {verdict}");
    Ok(())
}
