//! The child's side: limit oneself, read standard input, parse, answer; or become a program of the machine.

use std::io::{ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use super::{
    Answer, Limits, NOT_FOUND, Outcome, REQUEST_VARIABLE, Request, TOOL_OUTPUT, Tool, operating_system,
};
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats;

/// Stack of the parsing thread: deep nesting is walked by recursion in some libraries. A deeper one would let a hostile
/// file fill more memory before it is stopped.
const STACK_BYTES: usize = 64 << 20;

/// What the hidden subcommand does: parses standard input as the parent asked and answers on standard output.
pub fn run_child() -> ExitCode {
    let request =
        std::env::var(REQUEST_VARIABLE).ok().and_then(|json| serde_json::from_str::<Request>(&json).ok());
    let Some(request) = request else {
        eprintln!("error: this command is started by the program itself, to read one document under limits");
        return ExitCode::FAILURE;
    };
    let Request { name, limits, parent_process, tool } = request;
    if let Err(error) = operating_system::confine(limits.memory_bytes, limits.cpu_seconds, parent_process) {
        eprintln!("error: the limits could not be set: {error}");
        return ExitCode::FAILURE;
    }
    if let Some(tool) = tool {
        become_tool(&tool);
    }
    let worker =
        std::thread::Builder::new().name("parse".to_string()).stack_size(STACK_BYTES).spawn(move || {
            let outcome = parse_standard_input(&name, &limits);
            Answer { outcome: outcome.map_or_else(Outcome::Error, Outcome::Document), peak_bytes: None }
        });
    let answer = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => return ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: the parsing thread could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match write_answer(answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the program in place of this one, under the limits that this one has set itself.
fn become_tool(tool: &Tool) -> ! {
    let mut stdout = std::io::stdout().lock();
    // Without the mark the parent says that the tool gave no answer.
    let _ = stdout.write_all(TOOL_OUTPUT).and_then(|()| stdout.flush());
    let mut command = Command::new(&tool.program);
    command.args(&tool.arguments).env_remove(REQUEST_VARIABLE);
    let error = operating_system::replace_by(&mut command);
    eprintln!("error: {}: {error}", tool.program);
    std::process::exit(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { 1 })
}

fn write_answer(mut answer: Answer) -> std::io::Result<()> {
    answer.peak_bytes = operating_system::peak_bytes();
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    stdout.write_all(b"\n")?;
    serde_json::to_writer(&mut stdout, &answer)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

fn parse_standard_input(name: &str, limits: &Limits) -> Result<Document, DocumentError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(limits.file_bytes)
        .read_to_end(&mut bytes)
        .map_err(|error| read_error(&error, name, limits))?;
    let parsed = catch_unwind(AssertUnwindSafe(|| formats::parse_bytes(&bytes, Some(name))));
    let document = parsed.unwrap_or_else(|panic| {
        let how = format!("panic: {}", panic_message(panic.as_ref()));
        Err(DocumentError::Crashed { file: name.to_string(), how })
    })?;
    if document.text.len() as u64 > limits.text_bytes {
        return Err(DocumentError::TooMuchText { file: name.to_string(), limit_bytes: limits.text_bytes });
    }
    Ok(document)
}

fn read_error(error: &std::io::Error, name: &str, limits: &Limits) -> DocumentError {
    let file = name.to_string();
    match error.kind() {
        ErrorKind::OutOfMemory => DocumentError::OutOfMemory { file, limit_bytes: limits.memory_bytes },
        _ => DocumentError::Unreadable { file, reason: error.to_string() },
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message =
        panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    message.unwrap_or("no message").chars().take(300).collect()
}
