//! The studio's only binary: command line, server, workers and the embedded web app.

use std::process::ExitCode;

fn main() -> ExitCode {
    finetuneflow::cli::run()
}
