//! `serve`: the studio. API, web app and workers in one process, on one data folder.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use store::{Blobs, DataFolder, Database};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::Context;
use crate::api::{self, AppState};
use crate::config::{Config, Sources};
use crate::jobs::{self, WorkerOptions, Workers};

/// What open requests and jobs may still do after the first Ctrl-C.
const GRACE: Duration = Duration::from_secs(40);

/// Start the studio: web app, API and workers
#[derive(clap::Args)]
#[command(
    after_help = "Every setting can also stand in the environment (FTF_*, see .env.example) or in finetuneflow.toml in \
the data folder.\nWith --json the first line on stdout is {\"listening\": \"http://127.0.0.1:8000\"}."
)]
pub struct Args {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on; 0 picks a free one [default: 8000]
    #[arg(long)]
    port: Option<u16>,
    /// Jobs at the same time, training aside [default: 2]
    #[arg(long)]
    workers: Option<usize>,
    /// Threads for training and for answers; 0 takes all cores [default: 0]
    #[arg(long)]
    threads: Option<usize>,
    /// What is logged, e.g. debug or warn,finetuneflow=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// The settings of this process with the flags that all commands share.
pub fn sources(context: &Context) -> Sources {
    let sources = Sources::from_process();
    let data_dir = context.data_dir.as_ref().map(|path| path.display().to_string());
    // clap also reads the variable: a value equal to it was not given as a flag.
    let from_environment = data_dir.as_ref() == sources.environment.get("FTF_DATA_DIR");
    sources.flag("data_dir", data_dir.filter(|_| !from_environment))
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let sources = sources(context)
        .flag("host", args.host)
        .flag("port", args.port)
        .flag("workers", args.workers)
        .flag("threads", args.threads)
        .flag("log", args.log);
    let config = Config::load(&sources)?;
    start_log(&config)?;
    for name in &config.unknown_variables {
        tracing::warn!("{name} is no setting of this program; .env.example lists them all");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, context))
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter: EnvFilter = config.log.parse()?;
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let started = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!("the log could not be started: {error}"))
}

async fn serve(config: Config, context: &Context) -> anyhow::Result<()> {
    let mut folder = DataFolder::open(&config.data_dir)?;
    let listener = listen(&config).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    folder.announce(Some(&url))?;
    let database = Database::open(&config.database_url, &folder.backups()).await?;
    let blobs = Blobs::local(&folder.files())?;
    let program = std::env::current_exe().context("the path of this program is not known")?;
    // Only SQLite in the locked folder belongs to this process alone.
    if database.backend_name() == "SQLite" {
        for run in jobs::recover(&database).await? {
            tracing::warn!(run = %run.id, "training was interrupted when the server ended");
        }
    }
    let options = WorkerOptions { default_workers: config.workers, gpu_workers: 1 };
    let state = AppState::new(config, database.clone(), blobs, program);
    let workers = Workers::start(&state.services, options);
    tracing::info!(%url, data_dir = %folder.path().display(), database = database.backend_name(), "listening");
    announce(context, &url)?;

    let stopping = state.stopping.clone();
    let app = api::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let ended = tokio::spawn(server.into_future());
    asked_to_stop().await?;
    tracing::info!("stopping: open requests and jobs come to a safe point (once more stops at once)");
    stopping.cancel();
    let orderly = async {
        workers.stop().await;
        ended.await??;
        database.close().await?;
        anyhow::Ok(())
    };
    tokio::select! {
        outcome = tokio::time::timeout(GRACE, orderly) => match outcome {
            Ok(outcome) => outcome?,
            Err(_) => tracing::warn!("not everything ended in time; unfinished jobs go on at the next start"),
        },
        again = asked_to_stop() => again?,
    }
    tracing::info!("stopped");
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(config.host, config.port);
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let port = config.port;
            bail!(
                "port {port} of {} is in use by another program; end it, or choose another port with --port or FTF_PORT (0 picks a free one)",
                config.host
            )
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            bail!(
                "port {} may not be used by this user; choose one above 1023 with --port or FTF_PORT",
                config.port
            )
        }
        Err(error) => Err(error).with_context(|| {
            format!("cannot listen on {address}; choose another address with --host or FTF_HOST")
        }),
    }
}

fn announce(context: &Context, url: &str) -> anyhow::Result<()> {
    if context.json {
        return context.emit(&json!({ "listening": url }));
    }
    println!("FineTuneFlow is at {url} (Ctrl-C stops it)");
    Ok(())
}

/// Ctrl-C, or SIGTERM where there is one.
async fn asked_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
