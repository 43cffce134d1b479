//! The command line: one file a command, one line each in [`Command`].
//!
//! With `--json`, stdout carries only JSON lines, the last one the result; everything else goes to
//! stderr, whose last line is the error. The exit code is not 0 on failure.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

mod inspect;
mod parse_child;

/// Fine-tune language models on your own documents, on your own machine.
#[derive(Parser)]
#[command(name = "finetuneflow", version, max_term_width = 110)]
struct Cli {
    /// Print JSON lines on stdout (the last one is the result); messages go to stderr
    #[arg(long, global = true)]
    json: bool,
    /// Folder for projects, runs and the database [default: the platform's data folder]
    #[arg(long, global = true, env = "FTF_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(inspect::Args),
    #[command(name = parse_child::NAME, hide = true)]
    ParseChild,
}

/// What every command is given besides its own arguments.
pub struct Context {
    /// `--json`: stdout is for JSON lines only.
    pub json: bool,
    /// `--data-dir` or `FTF_DATA_DIR`, if given.
    pub data_dir: Option<PathBuf>,
}

impl Context {
    /// One JSON line on stdout. Printed with and without `--json` by commands whose output is data.
    pub fn emit(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer(&mut stdout, value)?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
        Ok(())
    }
}

/// Parses the arguments, runs the command, and turns its error into the last line of stderr.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context { json: cli.json, data_dir: cli.data_dir };
    let outcome = match cli.command {
        Command::Inspect(args) => inspect::run(args, &context),
        Command::ParseChild => parse_child::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
