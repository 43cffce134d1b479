//! `dataset generate`: a language model writes examples of chunks. The same job as in the studio, in a work folder beside
//! the result: what is written and every reply are kept there, so that the command goes on where it was ended.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use datasets::{SourceChunk, Status};
use serde_json::{Value, json};
use store::examples::ExampleFilter;
use store::generation_units::{self as units, UnitStatus};
use store::jobs::{Job, JobStatus};
use store::{Database, Live, Topic, provider_calls};

use super::files::{Output, read_sources};
use super::work_folder::WorkFolder;
use crate::cli::Context;
use crate::cli::interrupt;
use crate::generation::{Budget, Options, Task};
use crate::jobs::dataset_write::DatasetWrite;
use crate::providers::Connection;
use crate::records;

/// The connection of this command, in its list of calls.
const CONNECTION: &str = "command";
/// Reasons that are shown without --json.
const SHOWN: usize = 10;

/// Let a language model write examples of chunks; goes on where it was ended, and pays for no reply twice
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  finetuneflow dataset generate chunks.jsonl --model llama3.2 --out records.jsonl
  finetuneflow dataset generate chunks.jsonl --address http://localhost:8080/v1 --model tiny --task summary --out records.jsonl
  OLLAMA_KEY=… finetuneflow dataset generate chunks.jsonl --provider ollama_cloud --key-from OLLAMA_KEY --model gpt-oss:120b \\
      --max-calls 200 --language French --out records.jsonl
Replies, calls and what is set aside are kept in OUT.work until you delete it. docs/PROMPTS.md")]
pub struct Args {
    /// The chunks, as `dataset chunk` wrote them
    #[arg(value_name = "CHUNKS.jsonl")]
    chunks: PathBuf,
    /// Where to write the records, as JSON lines
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
    /// Who writes
    #[arg(long, default_value = "ollama", value_parser = ["ollama", "ollama_cloud", "openai_compatible", "built_in"])]
    provider: String,
    /// Another address, up to where /chat/completions begins [default: the provider's own]
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Environment variable that holds the key
    #[arg(long, value_name = "NAME")]
    key_from: Option<String>,
    /// The model's name there; with built_in `base` or the name of a folder in the data folder's models
    #[arg(long, value_name = "NAME")]
    model: String,
    /// What is written
    #[arg(long, default_value = "question_answer", value_parser = Task::ALL.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())]
    task: String,
    /// Of the examples, in words
    #[arg(long, default_value = "English")]
    language: String,
    /// In words
    #[arg(long, default_value = "plain and friendly")]
    tone: String,
    /// Examples of a chunk
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    count: u32,
    /// Tokens of a reply at most
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(64..=32_768))]
    max_tokens: u32,
    /// 0 takes the most likely words each time
    #[arg(long, default_value_t = 0.7)]
    temperature: f32,
    /// Send no JSON schema
    #[arg(long)]
    no_schema: bool,
    /// A prompt of your own, in the shape of those in docs/PROMPTS.md
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// Stop before more calls than this, over all runs
    #[arg(long)]
    max_calls: Option<u64>,
    /// Stop when so many tokens were sent and received, over all runs
    #[arg(long)]
    max_total_tokens: Option<u64>,
    /// Calls at the same time [default: the provider's]
    #[arg(long)]
    concurrency: Option<u32>,
    /// Seconds for a whole answer
    #[arg(long, default_value_t = 300)]
    timeout: u64,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let connection = connection(&args)?;
    let options = options(&args)?;
    let chunks = read_sources(&args.chunks)?.into_chunks();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(write(&args, connection, options, chunks, context))
}

fn connection(args: &Args) -> anyhow::Result<Connection> {
    let mut connection = Connection::new(&args.provider)?;
    if let Some(address) = &args.address {
        connection.address = address.clone();
    }
    if let Some(name) = &args.key_from {
        let key =
            std::env::var(name).with_context(|| format!("--key-from {name}: there is no such variable"))?;
        connection.set_key(Some(key))?;
    }
    connection.concurrency = args.concurrency.unwrap_or(connection.concurrency);
    connection.timeout_seconds = args.timeout;
    connection
        .check()
        .map_err(|error| anyhow::anyhow!("--{} {}", error.field.replace('_', "-"), error.message))?;
    Ok(connection)
}

fn options(args: &Args) -> anyhow::Result<Options> {
    let task = Task::ALL.iter().find(|(_, id, _)| *id == args.task).map(|(task, ..)| *task);
    let prompt = args
        .prompt
        .as_ref()
        .map(|path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())));
    let options = Options {
        connection: CONNECTION.to_owned(),
        model: args.model.clone(),
        task: task.unwrap_or(Task::QuestionAnswer),
        language: args.language.clone(),
        tone: args.tone.clone(),
        examples_per_chunk: args.count,
        max_tokens: args.max_tokens,
        temperature: args.temperature,
        use_schema: !args.no_schema,
        prompt: prompt.transpose()?,
        budget: Budget { max_calls: args.max_calls, max_tokens: args.max_total_tokens },
    };
    options.prompt().context("--prompt")?;
    if !(0.0..=2.0).contains(&options.temperature) {
        bail!("--temperature must be between 0 and 2");
    }
    Ok(options)
}

async fn write(
    args: &Args,
    connection: Connection,
    options: Options,
    chunks: Vec<SourceChunk>,
    context: &Context,
) -> anyhow::Result<()> {
    let mut path = args.out.clone().into_os_string();
    path.push(".work");
    let path = PathBuf::from(path);
    let folder = WorkFolder::open(&path, &chunks, &options, context, (CONNECTION, connection)).await?;
    let last = folder.last_job().await?;
    let job = DatasetWrite {
        project_id: folder.project_id,
        file_ids: None,
        options,
        status: store::examples::ExampleStatus::Pending,
        continues: last.as_ref().map(|(owner, _)| *owner),
    };
    let interrupted = interrupt::cancel_flag()?;
    // One that was killed in its work goes on by itself.
    let job = match last {
        Some((_, job)) if !job.status.is_final() => job,
        _ => crate::jobs::enqueue(&folder.services.database, &job).await?,
    };
    let ended = follow(&folder, job, &interrupted, context).await?;
    let outcome = tell(args, &folder, &ended, context).await;
    folder.close().await?;
    outcome
}

/// Lets a worker do the job, and says how far it is.
async fn follow(
    folder: &WorkFolder,
    mut job: Job,
    interrupted: &std::sync::atomic::AtomicBool,
    context: &Context,
) -> anyhow::Result<Job> {
    let database = &folder.services.database;
    let mut news = database.live().subscribe(Topic::Job(job.id));
    let workers = folder.start_worker();
    let mut told = Value::Null;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(200));
    while !job.status.is_final() && !interrupted.load(std::sync::atomic::Ordering::Relaxed) {
        tokio::select! {
            news = news.next() => if let Some(Live::Event(_)) = news { job = store::jobs::get(database, job.id).await? },
            _ = look.tick() => continue,
        }
        if job.progress != told {
            told = job.progress.clone();
            if context.json {
                context.emit(&json!({ "event": "progress", "progress": told }))?;
            } else if let Some(message) = told["message"].as_str() {
                let (done, total) = (told["done"].as_u64().unwrap_or(0), told["total"].as_u64().unwrap_or(0));
                eprintln!("{done} of {total}: {message}");
            }
        }
    }
    workers.stop().await;
    Ok(store::jobs::get(database, job.id).await?)
}

/// Writes the records that are there, and says what became of the rest.
async fn tell(args: &Args, folder: &WorkFolder, job: &Job, context: &Context) -> anyhow::Result<()> {
    let database = &folder.services.database;
    let (owner, _) = folder.last_job().await?.context("the work folder holds no job")?;
    let records = records_of(database, folder).await?;
    let mut out = Output::create(&args.out)?;
    for record in &records {
        out.line(record)?;
    }
    out.finish()?;
    let counts = units::counts(database, owner).await?;
    let usage = provider_calls::usage(database, owner).await?;
    set_aside(database, owner, context).await?;
    let stopped = job.result.as_ref().and_then(|result| result["stopped"].as_str());
    if context.json {
        context.emit(&json!({
            "event": "generated", "out": args.out, "examples": records.len(), "units": counts, "usage": usage,
            "stopped": stopped, "status": job.status,
        }))?;
    } else {
        println!("{}: {} examples of {} chunks", args.out.display(), records.len(), counts.done);
        println!("  set aside: {} chunks; to be done: {}", counts.quarantined, counts.pending);
        println!(
            "  {} calls, {} tokens sent, {} received",
            usage.calls, usage.prompt_tokens, usage.completion_tokens
        );
    }
    match job.status {
        JobStatus::Completed => {
            if let Some(stopped) = stopped {
                eprintln!("warning: stopped: {stopped}; raise --max-calls or --max-total-tokens to go on");
            }
            Ok(())
        }
        JobStatus::Failed | JobStatus::Cancelled => {
            bail!("{}", job.error.as_deref().unwrap_or("the work was ended"))
        }
        _ => bail!("interrupted; the same command goes on"),
    }
}

/// The records, each with the place that its chunk had in the file.
async fn records_of(database: &Database, folder: &WorkFolder) -> anyhow::Result<Vec<datasets::Example>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let filter = ExampleFilter::default();
        let part = store::examples::list_after(database, folder.project_id, &filter, after, 1000).await?;
        let Some(last) = part.last() else { return Ok(found) };
        after = Some(last.id);
        for row in &part {
            let mut record = records::example(row)?;
            record.status = Status::Pending;
            record.quality = serde_json::from_value(row.quality.clone()).unwrap_or_default();
            if let Some(place) = row.chunk_id.and_then(|id| folder.places.get(&id)) {
                let written = record.provenance;
                record.provenance = datasets::Provenance {
                    generator: written.generator.map(|_| address_of(row)),
                    prompt_version: written.prompt_version,
                    model: written.model,
                    ..place.clone()
                };
            }
            found.push(record);
        }
    }
}

/// Where the model is: the address, for a record that outlives this command.
fn address_of(row: &store::examples::Example) -> String {
    row.provenance["address"].as_str().unwrap_or(CONNECTION).to_owned()
}

async fn set_aside(database: &Database, owner: uuid::Uuid, context: &Context) -> anyhow::Result<()> {
    let mut shown = 0;
    for number in 1.. {
        let page = store::Page::new(number, store::Page::MAX_PER_PAGE);
        let page = units::list(database, owner, page, Some(UnitStatus::Quarantined)).await?;
        for unit in &page.items {
            let reason = unit.reason.as_deref().unwrap_or_default();
            if context.json {
                context
                    .emit(&json!({ "event": "set_aside", "chunk": unit.ordinal + 1, "reason": reason }))?;
            } else if shown < SHOWN {
                eprintln!("warning: chunk {} is set aside: {reason}", unit.ordinal + 1);
            } else if shown == SHOWN {
                eprintln!("warning: and more chunks; --json names them all");
            }
            shown += 1;
        }
        if number * store::Page::MAX_PER_PAGE >= page.total {
            break;
        }
    }
    Ok(())
}
