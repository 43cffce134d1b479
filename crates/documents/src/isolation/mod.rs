//! Parsing in a child process under limits: a stack overflow, an abort or a lack of memory in a document
//! library ends that child and nothing else.
//!
//! The file is the child's standard input (it opens nothing itself), the request an environment variable, the
//! answer one JSON line on its standard output. The application gives the command that reaches [`run_child`].
//!
//! Programs of the machine that read untrusted bytes ([`crate::ocr`]) run in the same way, as filters from standard input
//! to standard output: the child limits itself and becomes the program.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::DocumentError;

mod child;
mod operating_system;
mod parent;
#[cfg(all(test, unix))]
mod tests;

pub use child::run_child;
pub(crate) use parent::{Input, run_tool};

/// The environment variable that carries the request to the child.
const REQUEST_VARIABLE: &str = "FINETUNEFLOW_PARSE_REQUEST";

/// The command that starts a process which calls [`run_child`] and nothing else.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// Absolute path of the program, usually `std::env::current_exe()`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables beside the few that the child inherits (it gets no secrets of the parent's environment).
    pub environment: Vec<(OsString, OsString)>,
}

impl ChildCommand {
    /// This program with other arguments.
    pub fn current_exe(arguments: &[&str]) -> std::io::Result<Self> {
        let arguments = arguments.iter().map(OsString::from).collect();
        Ok(Self { program: std::env::current_exe()?, arguments, environment: Vec::new() })
    }
}

/// What one file may cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of the child (Linux and other Unix).
    pub memory_bytes: u64,
    /// Processor time of the child (Unix).
    pub cpu_seconds: u64,
    /// From start to answer.
    pub wall: Duration,
    /// Length of the text in UTF-8.
    pub text_bytes: u64,
    /// Size of the file.
    pub file_bytes: u64,
}

impl Default for Limits {
    /// 3 GiB, one minute of processor time, two minutes on the clock, 64 MiB of text, 512 MiB of file.
    fn default() -> Self {
        Self {
            memory_bytes: 3 << 30,
            cpu_seconds: 60,
            wall: Duration::from_secs(120),
            text_bytes: 64 << 20,
            file_bytes: 512 << 20,
        }
    }
}

/// A document and what it cost.
#[derive(Debug, Clone)]
pub struct ParsedReport {
    /// The document.
    pub document: Document,
    /// On the clock, the child's start included.
    pub seconds: f64,
    /// Largest resident memory of the child, where the system tells.
    pub peak_bytes: Option<u64>,
}

/// The same for any outcome.
#[derive(Debug)]
pub struct Measured {
    /// The document, or why there is none.
    pub outcome: Result<Document, DocumentError>,
    /// On the clock, the child's start included.
    pub seconds: f64,
    /// Largest resident memory of the child, where the system tells.
    pub peak_bytes: Option<u64>,
}

/// Reads `path` in a child process. `cancel` is looked at several times a second.
pub fn parse_isolated(
    path: &Path,
    command: &ChildCommand,
    limits: &Limits,
    cancel: &AtomicBool,
) -> Result<ParsedReport, DocumentError> {
    let Measured { outcome, seconds, peak_bytes } = measure_isolated(path, command, limits, cancel);
    outcome.map(|document| ParsedReport { document, seconds, peak_bytes })
}

/// As [`parse_isolated`], with the cost also of a failure.
pub fn measure_isolated(
    path: &Path,
    command: &ChildCommand,
    limits: &Limits,
    cancel: &AtomicBool,
) -> Measured {
    let started = Instant::now();
    let name = path.display().to_string();
    let (outcome, peak_bytes) = match open(path, &name, limits) {
        Ok(file) => parent::ask_child(file, &name, command, limits, cancel),
        Err(error) => (Err(error), None),
    };
    Measured { outcome, seconds: started.elapsed().as_secs_f64(), peak_bytes }
}

/// Opens a regular file of a bearable size (a pipe or a device could block for ever).
pub(crate) fn open(path: &Path, name: &str, limits: &Limits) -> Result<File, DocumentError> {
    let unreadable = |reason: String| DocumentError::Unreadable { file: name.to_string(), reason };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_string()));
    }
    if metadata.len() > limits.file_bytes {
        let (size_bytes, limit_bytes) = (metadata.len(), limits.file_bytes);
        return Err(DocumentError::FileTooLarge { file: name.to_string(), size_bytes, limit_bytes });
    }
    File::open(path).map_err(|error| unreadable(error.to_string()))
}

/// From parent to child.
#[derive(Serialize, Deserialize)]
struct Request {
    name: String,
    limits: Limits,
    parent_process: u32,
    /// What the child becomes; none: it parses.
    tool: Option<Tool>,
}

/// A program of the machine, found in `PATH`. No shell is between.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tool {
    pub program: String,
    pub arguments: Vec<String>,
}

/// What a child writes before its tool writes: programs that start children may have said something before.
const TOOL_OUTPUT: &[u8] = b"\n== output of the tool ==\n";

/// The exit code of a child whose tool is not installed, as shells have it.
const NOT_FOUND: i32 = 127;

/// From child to parent.
#[derive(Serialize, Deserialize)]
struct Answer {
    outcome: Outcome,
    peak_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Document(Document),
    Error(DocumentError),
}
