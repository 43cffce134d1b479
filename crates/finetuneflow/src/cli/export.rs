//! `export`: a model and its adapter as files that other programs load.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use export::{Control, FORMATS, Fallback, Provenance, Quantization, Request};
use indicatif::{ProgressBar, ProgressStyle};

use super::Context;
use super::interrupt::cancel_flag;

/// Write a PEFT adapter, a merged model folder or a GGUF file that other programs load
#[derive(clap::Args)]
pub struct Args {
    /// Hugging Face model folder, `base` for the bundled model, or the org/name of a downloaded one
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// PEFT adapter folder; without one the model itself is exported (merged, gguf)
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// peft: the adapter alone; merged: a Hugging Face folder; gguf: one file for llama.cpp, Ollama, LM Studio;
    /// gguf-adapter: the adapter alone for llama.cpp and Ollama
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.id)))]
    format: String,
    /// Type of the weights [default: f16 for gguf; f32 for gguf-adapter; the model's own for merged]
    #[arg(long, value_parser = PossibleValuesParser::new(Quantization::ALL.map(Quantization::id)))]
    quantization: Option<String>,
    /// A name for people, kept in the GGUF file [default: the model folder's]
    #[arg(long)]
    name: Option<String>,
    /// JSON file with what the adapter was trained on and by, kept in GGUF files and model cards: run_id, dataset_name,
    /// dataset_sha256, adapter_sha256
    #[arg(long, value_name = "FILE")]
    provenance: Option<PathBuf>,
    /// Where to write: a folder for peft and merged, the file itself for gguf and gguf-adapter
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let format =
        export::format(&args.format).ok_or_else(|| anyhow::anyhow!("unknown format {}", args.format))?;
    let quantization = args.quantization.as_deref().and_then(Quantization::from_id);
    if let Some(asked) = quantization
        && !format.quantizations.contains(&asked)
    {
        anyhow::bail!("--quantization {} has no meaning for the format {}", asked.id(), format.id);
    }
    let model = context.model_dir(&args.model)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} tensors")?);
    let cancel = cancel_flag()?;
    let progress = |progress: export::Progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    };
    let provenance = args.provenance.as_deref().map(read_provenance).transpose()?;
    let request = Request {
        model: &model,
        adapter: args.adapter.as_deref(),
        quantization,
        name: args.name.as_deref(),
        provenance: provenance.as_ref(),
        out: &args.out,
    };
    let exported = (format.export)(&request, &Control { cancel: &cancel, progress: &progress });
    bar.finish_and_clear();
    let exported = exported?;
    if context.json {
        return context.emit(&exported);
    }
    let mebibytes = exported.bytes as f64 / 1_048_576.0;
    println!("{}: {} tensors, {mebibytes:.2} MiB", exported.path.display(), exported.tensors);
    exported.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    for Fallback { tensor, wanted, used } in &exported.fallbacks {
        println!("{tensor}: {used} instead of {wanted}, as its rows are no whole number of blocks");
    }
    Ok(())
}

fn read_provenance(path: &Path) -> anyhow::Result<Provenance> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no provenance", path.display()))
}
