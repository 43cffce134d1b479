//! The command line: one file a command, one line each in [`Command`].
//!
//! With `--json`, stdout carries only JSON lines, the last one the result, or `{"event": "error"}` with the message and, as
//! far as they are known, `code`, `params` and `hint` of the cause; everything else goes to stderr, whose last line is the
//! error. The exit code is not 0 on failure.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::config::Config;
use crate::hub::Reference;
use crate::models::Models;
use crate::words;

mod certify;
mod dataset;
mod demo;
mod doctor;
mod download;
mod evaluate;
mod export;
pub mod generate;
mod inspect;
mod interrupt;
mod memory_size;
mod migrate;
pub mod model;
mod ollama;
pub mod parse_child;
mod plan;
mod serve;
mod train;

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
    Serve(serve::Args),
    Demo(demo::Args),
    Train(Box<train::Args>),
    Evaluate(evaluate::Args),
    Generate(generate::Args),
    Export(export::Args),
    Certify(certify::Args),
    Ollama(Box<ollama::Args>),
    Plan(Box<plan::Args>),
    Dataset(dataset::Args),
    Download(download::Args),
    Doctor(doctor::Args),
    Migrate(migrate::Args),
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
    /// The settings, without flags of `serve`.
    pub fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&serve::sources(self))?)
    }

    /// The folder that `--model` names: a path, `base` for the model that the binary carries, or a model of the hub that was
    /// downloaded (`org/name`, or its name in Ollama's library).
    pub fn model_dir(&self, model: &Path) -> anyhow::Result<PathBuf> {
        if model.as_os_str() == crate::models::BASE {
            let (data_dir, _) = serve::sources(self).data_dir()?;
            return Models::new(&data_dir).dir(crate::models::BASE);
        }
        let named = model.to_str().filter(|_| !model.exists());
        let Some(reference) = named.and_then(|text| Reference::parse(text, None)) else {
            return Ok(model.to_path_buf());
        };
        let config = self.config()?;
        let models = Models::with_hub(&config.data_dir, config.hub);
        let id = reference.repo.as_str();
        match &reference.revision {
            None => models.dir(id).with_context(|| format!("there is no folder {}", model.display())),
            Some(revision) => match models.cache().commit_of(&reference.repo, revision) {
                Some(commit) => Ok(models.cache().snapshot(&reference.repo, &commit)),
                None => anyhow::bail!(
                    "the revision {revision} of {id} is not on this computer: `finetuneflow download {id} --revision {revision}` downloads it"
                ),
            },
        }
    }

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
    if let Err(problem) = engine::device::cpu::gemm::check_forced() {
        eprintln!("error: {problem}");
        return ExitCode::FAILURE;
    }
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(args, &context),
        Command::Download(args) => download::run(args, &context),
        Command::Doctor(args) => doctor::run(args, &context),
        Command::Migrate(args) => migrate::run(args, &context),
        Command::Demo(args) => demo::run(args, &context),
        Command::Train(args) => train::run(*args, &context),
        Command::Evaluate(args) => evaluate::run(args, &context),
        Command::Generate(args) => generate::run(args, &context),
        Command::Export(args) => export::run(args, &context),
        Command::Certify(args) => certify::run(args, &context),
        Command::Ollama(args) => ollama::run(*args, &context),
        Command::Plan(args) => plan::run(*args, &context),
        Command::Dataset(args) => dataset::run(args, &context),
        Command::Inspect(args) => inspect::run(args, &context),
        Command::ParseChild => parse_child::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if context.json {
                let mut line = words::stored(words::cause_of(&error));
                line["event"] = "error".into();
                line["message"] = format!("{error:#}").into();
                // Nobody may read any more.
                let _ = context.emit(&line);
            }
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
