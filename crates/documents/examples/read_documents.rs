//! Reads the files that are named, each in a child process: `cargo run --example read_documents -- FILE…`.
//! With `--json` first, the whole document on one line.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use documents::isolation::{ChildCommand, Limits, Measured, measure_isolated, run_child};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["parse-child"] {
        return run_child();
    }
    let command = match ChildCommand::current_exe(&["parse-child"]) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let whole = arguments.first().is_some_and(|argument| argument == "--json");
    for file in arguments.drain(usize::from(whole)..) {
        let Measured { outcome, seconds, peak_bytes } =
            measure_isolated(Path::new(&file), &command, &Limits::default(), &AtomicBool::new(false));
        let row = match &outcome {
            Ok(document) if whole => serde_json::json!(document),
            Ok(document) => {
                serde_json::json!({"file": file, "ok": true, "text": document.text, "error": null,
                "seconds": seconds, "peak_mb": peak_bytes.map(|bytes| bytes >> 20)})
            }
            Err(error) => {
                serde_json::json!({"file": file, "ok": false, "text": null, "error": error.to_string(),
                "seconds": seconds, "peak_mb": peak_bytes.map(|bytes| bytes >> 20)})
            }
        };
        println!("{row}");
    }
    ExitCode::SUCCESS
}
