//! `migrate`: brings the database up to date and says what it did.

use serde_json::json;
use store::{DataFolder, Database};

use super::Context;
use super::serve::sources;
use crate::config::Config;

/// Bring the database up to date (serve does it too)
///
/// Before an SQLite database is changed, a copy is put into backups/ in the data folder.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: Args, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&sources(context))?;
    let folder = DataFolder::open(&config.data_dir)?;
    let before = backups(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (version, backend) = runtime.block_on(async {
        let database = Database::open(&config.database_url, &folder.backups()).await?;
        let version = database.schema_version().await?;
        let backend = database.backend_name();
        database.close().await?;
        anyhow::Ok((version, backend))
    })?;
    let backup = backups(&folder).into_iter().find(|path| !before.contains(path));
    if context.json {
        return context.emit(&json!({ "database": backend, "schema": version, "backup": backup }));
    }
    println!("{backend} database of {} has schema {version}, the newest", folder.path().display());
    match backup {
        Some(path) => println!("a copy from before is {}", path.display()),
        None => println!("no copy was needed"),
    }
    Ok(())
}

fn backups(folder: &DataFolder) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.backups()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
