//! `inspect document`: files to text, each read in a child process as the studio does.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use documents::isolation::{self, ChildCommand, Limits, Measured};
use serde::Serialize;

use crate::cli::{Context, parse_child};

/// Read documents (PDF, Word, web pages, …): one JSON line for each file
#[derive(clap::Args)]
pub struct Args {
    /// The files to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Row {
    file: String,
    ok: bool,
    text: Option<String>,
    error: Option<String>,
    seconds: f64,
    peak_mb: Option<f64>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let command = parse_child::command()?;
    for file in args.files {
        context.emit(&row(file, &command))?;
    }
    Ok(())
}

/// A file that cannot be read is a row with an error, not the command's failure.
fn row(file: PathBuf, command: &ChildCommand) -> Row {
    let never = AtomicBool::new(false);
    let Measured { outcome, seconds, peak_bytes } =
        isolation::measure_isolated(&file, command, &Limits::default(), &never);
    let peak_mb = peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let (text, error) = match outcome {
        Ok(document) => (Some(document.text), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Row { file: file.display().to_string(), ok: text.is_some(), text, error, seconds, peak_mb }
}
