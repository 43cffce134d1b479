//! The parent's side: start the child, wait under limits, and say what became of it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::operating_system::{self, Ending};
use super::{Answer, ChildCommand, Limits, NOT_FOUND, Outcome, REQUEST_VARIABLE, Request, TOOL_OUTPUT, Tool};
use crate::document::Document;
use crate::error::DocumentError;

/// How often the cancel flag is looked at.
const POLL: Duration = Duration::from_millis(100);
/// What is kept of the child's standard error.
const STDERR_BYTES: u64 = 16 << 10;
/// The answer may hold this many bytes beside the text.
const ANSWER_BASE_BYTES: u64 = 16 << 20;
/// Variables that a program needs to start at all.
const INHERITED: &[&str] = &[
    "PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "TESSDATA_PREFIX",
];
/// Few threads, because their stacks and heaps count as address space, and small streams in PDF files.
const SETTINGS: &[(&str, &str)] = &[
    ("MALLOC_ARENA_MAX", "2"),
    ("TOKIO_WORKER_THREADS", "2"),
    ("RAYON_NUM_THREADS", "2"),
    ("OMP_THREAD_LIMIT", "1"),
    ("PDF_OXIDE_MAX_DECOMPRESS_MB", "100"),
];

/// What a child reads on its standard input.
pub enum Input {
    Nothing,
    File(File),
    Bytes(Vec<u8>),
}

/// Parses `file` in a child; also the child's peak memory if it told.
pub fn ask_child(
    file: File,
    name: &str,
    command: &ChildCommand,
    limits: &Limits,
    cancel: &AtomicBool,
) -> (Result<Document, DocumentError>, Option<u64>) {
    let answer_bytes = limits.text_bytes.saturating_mul(8).saturating_add(ANSWER_BASE_BYTES);
    let request = request(name, limits, None);
    let ended = match run(Input::File(file), &request, answer_bytes, command, cancel) {
        Ok(ended) => ended,
        Err(error) => return (Err(error), None),
    };
    match interpret(&ended, name, limits) {
        Ok(Answer { outcome: Outcome::Document(document), peak_bytes }) => (Ok(document), peak_bytes),
        Ok(Answer { outcome: Outcome::Error(error), peak_bytes }) => (Err(error), peak_bytes),
        Err(error) => (Err(error), None),
    }
}

/// Runs a program of the machine over `input` and returns what it writes, at most `output_bytes`. `None`: it is not
/// installed. `name` is the file as errors call it.
pub fn run_tool(
    tool: Tool,
    input: Input,
    name: &str,
    output_bytes: u64,
    command: &ChildCommand,
    limits: &Limits,
    cancel: &AtomicBool,
) -> Result<Option<Vec<u8>>, DocumentError> {
    let program = tool.program.clone();
    let request = request(name, limits, Some(tool));
    let mut ended = run(input, &request, output_bytes + ANSWER_BASE_BYTES, command, cancel)?;
    let begins = ended.output.windows(TOOL_OUTPUT.len()).position(|part| part == TOOL_OUTPUT);
    if let Some(place) = begins.filter(|_| ended.status.success()) {
        return Ok(Some(ended.output.split_off(place + TOOL_OUTPUT.len())));
    }
    if ended.status.code() == Some(NOT_FOUND) {
        return Ok(None);
    }
    Err(match failure(&ended, name, limits) {
        DocumentError::ChildProcess { file, reason } | DocumentError::Crashed { file, how: reason } => {
            DocumentError::Recognition { file, reason: format!("{program}: {reason}") }
        }
        other => other,
    })
}

fn request(name: &str, limits: &Limits, tool: Option<Tool>) -> Request {
    Request { name: name.to_string(), limits: limits.clone(), parent_process: std::process::id(), tool }
}

/// How a child ended, and what it wrote.
struct Ended {
    output: Vec<u8>,
    status: ExitStatus,
    /// The end of its standard error.
    complaint: String,
}

/// Starts a child and waits for its end, within the limits.
fn run(
    input: Input,
    request: &Request,
    output_bytes: u64,
    command: &ChildCommand,
    cancel: &AtomicBool,
) -> Result<Ended, DocumentError> {
    let (name, limits) = (&request.name, &request.limits);
    let failed = |reason: String| DocumentError::ChildProcess { file: name.clone(), reason };
    let started = Instant::now();
    let (stdin, to_write) = match input {
        Input::Nothing => (Stdio::null(), None),
        Input::File(file) => (Stdio::from(file), None),
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
    };
    let mut child = start(stdin, request, command)
        .map_err(|error| failed(format!("{}: {error}", command.program.display())))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        stop(&mut child);
        return Err(failed("its output could not be connected".to_string()));
    };
    if let (Some(mut stdin), Some(bytes)) = (child.stdin.take(), to_write) {
        // A child that reads no further says itself what is wrong.
        std::thread::spawn(move || stdin.write_all(&bytes));
    }
    let complaint = std::thread::spawn(move || tail(stderr));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(bounded(stdout, output_bytes)));
    let waited = wait_for_answer(&receiver, name, limits, cancel, started);
    if waited.is_err() {
        stop(&mut child);
    }
    let status = child.wait();
    let complaint = complaint.join().unwrap_or_default();
    Ok(Ended { output: waited?, status: status.map_err(|error| failed(error.to_string()))?, complaint })
}

fn start(stdin: Stdio, request: &Request, command: &ChildCommand) -> std::io::Result<Child> {
    let inherited = INHERITED.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value)));
    Command::new(&command.program)
        .args(&command.arguments)
        .env_clear()
        .envs(inherited)
        .envs(SETTINGS.iter().copied())
        .envs(command.environment.iter().map(|(name, value)| (name, value)))
        .env(REQUEST_VARIABLE, serde_json::to_string(request)?)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn stop(child: &mut Child) {
    // Fails only if the child has already ended, which is what is wanted.
    let _ = child.kill();
}

/// The child's whole output, or why it is not waited for any longer.
fn wait_for_answer(
    receiver: &mpsc::Receiver<Option<Vec<u8>>>,
    name: &str,
    limits: &Limits,
    cancel: &AtomicBool,
    started: Instant,
) -> Result<Vec<u8>, DocumentError> {
    let file = || name.to_string();
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {
                return Err(DocumentError::TooMuchText { file: file(), limit_bytes: limits.text_bytes });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let reason = "its output ended early".to_string();
                return Err(DocumentError::ChildProcess { file: file(), reason });
            }
            Err(RecvTimeoutError::Timeout) if cancel.load(Ordering::Relaxed) => {
                return Err(DocumentError::Cancelled { file: file() });
            }
            Err(RecvTimeoutError::Timeout) if started.elapsed() > limits.wall => {
                return Err(DocumentError::TimeLimit { file: file(), seconds: limits.wall.as_secs() });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// All of a stream, or `None` if it is longer than allowed.
fn bounded(stream: impl Read, limit: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // A broken pipe leaves what came so far; the child's ending says the rest.
    let _ = stream.take(limit + 1).read_to_end(&mut bytes);
    (bytes.len() as u64 <= limit).then_some(bytes)
}

/// The last part of a stream, which is read to its end so that the child never blocks on it.
fn tail(mut stream: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(STDERR_BYTES as usize);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn interpret(ended: &Ended, name: &str, limits: &Limits) -> Result<Answer, DocumentError> {
    let last = ended.output.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
    let answer = last.and_then(|line| serde_json::from_slice::<Answer>(line).ok());
    answer.ok_or_else(|| failure(ended, name, limits))
}

/// Words of programs, ours and others', that could not have the memory that they asked for.
const OUT_OF_MEMORY: &[&str] =
    &["memory allocation of", "os error 12", "bad_alloc", "Out of memory", "pix_malloc", "calloc fail"];

/// Why a child ended without an answer.
fn failure(ended: &Ended, name: &str, limits: &Limits) -> DocumentError {
    let (file, complaint) = (name.to_string(), &ended.complaint);
    if OUT_OF_MEMORY.iter().any(|words| complaint.contains(words)) {
        return DocumentError::OutOfMemory { file, limit_bytes: limits.memory_bytes };
    }
    if complaint.contains("has overflowed its stack") {
        let how = "stack overflow: its parts are nested too deeply".to_string();
        return DocumentError::Crashed { file, how };
    }
    let last_words = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
    let last_words: String = last_words.chars().take(300).collect();
    match operating_system::ending(ended.status) {
        Ending::CpuLimit => DocumentError::TimeLimit { file, seconds: limits.cpu_seconds },
        Ending::Killed => {
            DocumentError::Crashed { file, how: "killed, probably for want of memory".to_string() }
        }
        Ending::Signal(signal) => {
            DocumentError::Crashed { file, how: format!("signal {signal}: {last_words}") }
        }
        Ending::Code(code) => {
            DocumentError::ChildProcess { file, reason: format!("exit code {code}: {last_words}") }
        }
    }
}
