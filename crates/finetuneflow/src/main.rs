//! The studio's only binary: command line, server, workers and the embedded web app.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::run()
}
