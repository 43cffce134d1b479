//! `dataset chunk`: documents to chunks, each document read in a child process as the studio does.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::bail;
use datasets::{Provenance, SourceChunk};
use documents::isolation::{ChildCommand, Limits, parse_isolated};
use documents::ocr::{self, Languages};
use documents::{Chunk, ChunkOptions, Document, DocumentError};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::files::{Output, name_of, tokenizer};
use crate::cli::{Context, interrupt, parse_child};
use crate::library::hexadecimal;

/// Sections shorter than this share of a chunk are joined with the next one.
const SHORT_SECTION: usize = 4;

/// Read documents and cut them into chunks, counted by the tokenizer of the model that is to be trained
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset chunk handbook.pdf notes.docx --model base --out chunks.jsonl
  finetuneflow dataset chunk scan.pdf photo.jpg --ocr eng+fra --model base --out chunks.jsonl
  finetuneflow dataset chunk *.md --model models/llama --size 800 --overlap 0 --out chunks.jsonl
A line is {\"text\", \"tokens\", \"file_name\", \"page_start\", \"page_end\", \"start\", \"end\", \"chunk_id\", \"heading_path\"}.")]
pub struct Args {
    /// PDF, Word, PowerPoint, Excel, OpenDocument, web pages, Markdown, text, …
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model folder whose tokenizer counts, or `base`
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Tokens of a chunk at most
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    size: u32,
    /// Tokens repeated from the chunk before at most
    #[arg(long, default_value_t = 50)]
    overlap: u32,
    /// Recognise the text of scanned pages and pictures in these languages (needs tesseract, and poppler for PDF files)
    #[arg(long, value_name = "eng|fra|eng+fra|…")]
    ocr: Option<Languages>,
    /// Where to write the chunks, as JSON lines
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if args.overlap >= args.size {
        bail!("--overlap {} must be below --size {}", args.overlap, args.size);
    }
    let tokenizer = tokenizer(&args.model, context)?;
    let count = |text: &str| tokenizer.encode(text).len();
    let max_tokens = args.size as usize;
    let options = ChunkOptions {
        max_tokens,
        overlap_tokens: args.overlap as usize,
        min_tokens: max_tokens / SHORT_SECTION,
    };
    let command = parse_child::command()?;
    let cancel = interrupt::cancel_flag()?;
    let mut out = Output::create(&args.out)?;
    let (mut total, mut failed) = (0, Vec::new());
    for file in &args.files {
        let document = match read(file, &command, args.ocr.as_ref(), &cancel) {
            Ok(document) => document,
            Err(error @ DocumentError::Cancelled { .. }) => return Err(error.into()),
            Err(error) => {
                eprintln!("warning: {error}");
                failed.push(json!({ "file": file.display().to_string(), "error": error.to_string() }));
                continue;
            }
        };
        let warnings: Vec<&str> = document.warnings.iter().map(|warning| warning.message.as_str()).collect();
        for warning in &warnings {
            eprintln!("warning: {}: {warning}", file.display());
        }
        let chunks = documents::chunk(&document, &options, &count);
        for chunk in &chunks {
            out.line(&stored(chunk, file))?;
        }
        total += chunks.len();
        let tokens: usize = chunks.iter().map(|chunk| chunk.tokens).sum();
        if context.json {
            context.emit(&json!({
                "event": "document", "file": file.display().to_string(), "chunks": chunks.len(), "tokens": tokens,
                "pages": document.pages.len(), "language": document.language, "warnings": warnings,
                "recognition": document.recognition,
            }))?;
        } else {
            println!("{}: {} chunks, {tokens} tokens", file.display(), chunks.len());
        }
    }
    if failed.len() == args.files.len() {
        bail!("no document could be read, nothing was written; the reasons are above");
    }
    out.finish()?;
    let read = args.files.len() - failed.len();
    if context.json {
        context.emit(
            &json!({ "event": "chunked", "out": args.out, "files": read, "chunks": total, "failed": failed }),
        )?;
    } else {
        println!("{}: {total} chunks of {read} documents", args.out.display());
    }
    if !failed.is_empty() {
        bail!(
            "{} of {} documents could not be read (above); those of the others are written",
            failed.len(),
            args.files.len()
        );
    }
    Ok(())
}

fn read(
    file: &Path,
    command: &ChildCommand,
    languages: Option<&Languages>,
    cancel: &AtomicBool,
) -> Result<Document, DocumentError> {
    let limits = Limits::default();
    let Some(languages) = languages else {
        return parse_isolated(file, command, &limits, cancel).map(|report| report.document);
    };
    let tell = &mut |done, total| eprintln!("{}: {done} of {total} pages recognised", file.display());
    ocr::read(file, command, &limits, languages, cancel, tell)
}

fn stored(chunk: &Chunk, file: &Path) -> SourceChunk {
    let file_name = name_of(file);
    let (page_start, page_end) = chunk.pages.unzip();
    let mut digest = Sha256::new();
    for part in [&file_name, &chunk.text] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.update((chunk.span.start as u64).to_le_bytes());
    let mut chunk_id = hexadecimal(&digest.finalize());
    chunk_id.truncate(16);
    SourceChunk {
        text: chunk.text.clone(),
        tokens: chunk.tokens,
        provenance: Provenance {
            file_name: Some(file_name),
            page_start,
            page_end,
            start: Some(chunk.span.start),
            end: Some(chunk.span.end),
            chunk_id: Some(chunk_id),
            heading_path: chunk.heading_path.clone(),
            ..Provenance::default()
        },
    }
}
