//! `inspect document`: files to text, each read in a child process as the studio does.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use documents::Recognition;
use documents::isolation::{self, ChildCommand, Limits};
use documents::ocr::{self, Languages};
use serde::Serialize;

use crate::cli::{Context, parse_child};

/// Read documents (PDF, Word, web pages, …): one JSON line for each file
#[derive(clap::Args)]
pub struct Args {
    /// The files to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Recognise the text of scanned pages and pictures in these languages (needs tesseract, and poppler for PDF files)
    #[arg(long, value_name = "eng|fra|eng+fra|…")]
    ocr: Option<Languages>,
}

#[derive(Serialize)]
struct Row {
    file: String,
    ok: bool,
    text: Option<String>,
    error: Option<String>,
    seconds: f64,
    peak_mb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recognition: Option<Recognition>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let command = parse_child::command()?;
    for file in args.files {
        context.emit(&row(file, args.ocr.as_ref(), &command))?;
    }
    Ok(())
}

/// A file that cannot be read is a row with an error, not the command's failure.
fn row(file: PathBuf, languages: Option<&Languages>, command: &ChildCommand) -> Row {
    let (never, limits) = (AtomicBool::new(false), Limits::default());
    let started = Instant::now();
    let (outcome, peak_bytes) = match languages {
        None => {
            let measured = isolation::measure_isolated(&file, command, &limits, &never);
            (measured.outcome, measured.peak_bytes)
        }
        Some(languages) => (ocr::read(&file, command, &limits, languages, &never, &mut |_, _| {}), None),
    };
    let seconds = started.elapsed().as_secs_f64();
    let peak_mb = peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let (text, error, recognition) = match outcome {
        Ok(document) => (Some(document.text), None, document.recognition),
        Err(error) => (None, Some(error.to_string()), None),
    };
    Row { file: file.display().to_string(), ok: text.is_some(), text, error, seconds, peak_mb, recognition }
}
