//! `certify`: exported files beside the model that was trained.

use std::path::PathBuf;

use export::Control;
use export::certificate::{CertificateRequest, Entry, Measured, Verdict, certify};
use serde_json::json;

use super::Context;
use super::interrupt::cancel_flag;

/// Compare exported files with the trained model: token ids, likeliest tokens, distributions, loss
#[derive(clap::Args)]
pub struct Args {
    /// Base model of the training: a folder, or `base` for the bundled model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// PEFT adapter folder of the training; without one the model itself is compared
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// JSONL file of rows as for training; some of them are read
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Rows are cut to so many tokens [default: the model's context]
    #[arg(long)]
    max_seq_len: Option<usize>,
    /// Keep weights in bf16, which takes half the memory of f32
    #[arg(long)]
    bf16: bool,
    /// Threads; 0 takes the machine's cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Adapter folders, merged model folders and GGUF files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let model = context.model_dir(&args.model)?;
    let request = CertificateRequest {
        model: &model,
        adapter: args.adapter.as_deref(),
        rows: &args.data,
        max_seq_len: args.max_seq_len,
        files: &args.files,
        weights_in_bf16: args.bf16,
        threads: args.threads,
    };
    let cancel = cancel_flag()?;
    let progress = |progress: export::Progress| {
        if context.json {
            // A reader that is gone ends the command at its next line that matters.
            let _ =
                context.emit(&json!({"event": "progress", "done": progress.done, "total": progress.total}));
        }
    };
    let certificate = certify(&request, &Control { cancel: &cancel, progress: &progress })?;
    if context.json {
        return context.emit(&certificate);
    }
    let reference = &certificate.reference;
    println!(
        "compared on {} rows, loss {:.4}, and {} tokens after {} prompts",
        reference.rows, reference.loss, reference.positions, reference.prompts
    );
    for entry in &certificate.entries {
        println!("{}", line(entry, reference.positions));
    }
    Ok(())
}

fn line(entry: &Entry, positions: usize) -> String {
    let verdict = match entry.verdict {
        Verdict::Same => "same",
        Verdict::Close => "close",
        Verdict::Different => "DIFFERENT",
    };
    let measured = entry.measured.as_ref().map(|measured| {
        let Measured { tokens_equal, kl_mean, loss_difference, .. } = measured;
        format!("  likeliest tokens {tokens_equal}/{positions}, divergence {kl_mean:.1e}, loss {loss_difference:+.4}")
    });
    let detail = entry.detail.as_ref().filter(|_| entry.verdict == Verdict::Different);
    let detail = detail.map(|detail| format!("\n  {detail}")).unwrap_or_default();
    format!("{verdict:<10}{}{}{detail}", entry.name, measured.unwrap_or_default())
}
