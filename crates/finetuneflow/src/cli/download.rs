//! `download`: a model of the hub, into the cache that the studio and other programs use.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use store::Database;

use super::Context;
use super::interrupt::cancel_flag;
use crate::config::Config;
use crate::hub::download::{Plan, download};
use crate::hub::{self, Client, HubError, Reference, facts};
use crate::models::Models;
use crate::remote::Secret;

/// Between two looks at how far it is, and whether it is to end.
const LOOK: Duration = Duration::from_millis(200);

/// Download a model of the hub, for --model org/name and for the studio
#[derive(clap::Args)]
#[command(
    after_help = "Only safetensors, JSON, tokenizer and template files are taken, each checked against the hash that the hub names. \
A download that was interrupted goes on where it was. FTF_HUB_TOKEN or HF_TOKEN is the token for models whose licence must be \
accepted first, where none was entered in the studio; FTF_HUB_ENDPOINT or HF_ENDPOINT another hub; FTF_HUB_CACHE, HF_HUB_CACHE or HF_HOME says where models are kept."
)]
pub struct Args {
    /// org/name, the address of its page, or the name of a model in Ollama's library, such as smollm2:135m
    model: String,
    /// Branch, tag or commit [default: main]
    #[arg(long)]
    revision: Option<String>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let config = context.config()?;
    let models = Models::with_hub(&config.data_dir, config.hub.clone());
    let mut reference = Reference::parse(&args.model, config.hub.endpoint.host_str())
        .with_context(|| format!("{:?} is no model of the hub: write it as org/name", args.model))?;
    if let Some(revision) = args.revision {
        anyhow::ensure!(hub::reference::is_revision(&revision), "{revision:?} is no revision");
        reference.revision = Some(revision);
    }
    if let Some(ollama) = &reference.ollama {
        eprintln!("{ollama} was made of {}", reference.repo);
    }
    let cancel = cancel_flag()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let client = Client::new(&config.hub, token(&config).await)?;
        fetch(&client, &models, &reference, &cancel, context).await
    })
}

/// The token that was entered in the studio of this data folder, or else that of the environment or the file.
async fn token(config: &Config) -> Option<Secret> {
    let found = async {
        let database = Database::open_to_read(&config.database_url).await?;
        let token = hub::token(&database, &config.hub).await;
        database.close().await?;
        token
    };
    match found.await {
        Ok(token) => token.map(|(secret, _)| secret),
        // There is no studio yet, or it is of another version: models that need no token can still be had.
        Err(_) => config.hub.token.clone(),
    }
}

async fn fetch(
    client: &Client,
    models: &Models,
    reference: &Reference,
    cancel: &AtomicBool,
    context: &Context,
) -> anyhow::Result<()> {
    let plan = match facts::plan(client, models, reference).await {
        Ok(plan) => plan,
        Err(error @ HubError::Offline { .. }) => return offline(models, reference, error, context),
        Err(error) => return Err(error.into()),
    };
    let missing = plan.missing_bytes(models.cache());
    let (total, done) = (plan.total_bytes(), AtomicU64::new(0));
    let bar = ProgressBar::new(total);
    bar.set_style(ProgressStyle::with_template(
        "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left",
    )?);
    let mut running = std::pin::pin!(download(client, models.cache(), &plan, &done));
    let folder = loop {
        tokio::select! {
            outcome = &mut running => break outcome?,
            () = tokio::time::sleep(LOOK) => {}
        }
        bar.set_position(done.load(Ordering::Relaxed));
        anyhow::ensure!(!cancel.load(Ordering::Relaxed), "stopped; the same command goes on where it was");
    };
    bar.finish_and_clear();
    tell(&plan, &folder, missing, context)
}

/// Nothing can be asked: what is in the cache is what there is.
fn offline(models: &Models, reference: &Reference, error: HubError, context: &Context) -> anyhow::Result<()> {
    let Some(commit) = models.cache().commit_of(&reference.repo, reference.revision()) else {
        return Err(error.into());
    };
    let folder = models.cache().snapshot(&reference.repo, &commit);
    let plan = Plan {
        repo: reference.repo.clone(),
        revision: reference.revision().to_owned(),
        commit,
        files: Vec::new(),
    };
    tell(&plan, &folder, 0, context)
}

fn tell(plan: &Plan, folder: &std::path::Path, downloaded: u64, context: &Context) -> anyhow::Result<()> {
    if context.json {
        return context.emit(&json!({
            "model": plan.repo.as_str(), "revision": plan.revision, "commit": plan.commit, "path": folder,
            "downloaded_bytes": downloaded,
        }));
    }
    println!("{} at {}\n{}", plan.repo, plan.commit, folder.display());
    Ok(())
}
