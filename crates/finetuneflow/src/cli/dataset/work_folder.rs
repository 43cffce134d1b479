//! The folder in which `dataset generate` keeps its work: a data folder as the studio has one, with one project.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use datasets::{Provenance, SourceChunk};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::chunks::{self, NewChunk};
use store::jobs::{Job, JobFilter};
use store::{Blobs, DataFolder, Database};
use uuid::Uuid;

use crate::cli::Context;
use crate::generation::{Budget, Options};
use crate::inference::Inference;
use crate::jobs::dataset_write::DatasetWrite;
use crate::jobs::{JobKind, Services, WorkerOptions, Workers};
use crate::library::hexadecimal;
use crate::models::Models;
use crate::providers::Connection;

/// An open work folder.
pub struct WorkFolder {
    /// What the job works with.
    pub services: Services,
    /// Its only project.
    pub project_id: Uuid,
    /// The places of the chunks as their file has them.
    pub places: HashMap<Uuid, Provenance>,
    _lock: DataFolder,
}

impl WorkFolder {
    /// Opens the folder of this work, or begins it.
    ///
    /// # Errors
    /// Where it belongs to other chunks or options, or another process has it.
    pub async fn open(
        path: &Path,
        chunks: &[SourceChunk],
        options: &Options,
        context: &Context,
        connection: (&str, Connection),
    ) -> anyhow::Result<Self> {
        let lock = DataFolder::open(path)?;
        let database = Database::open(&lock.database_url(), &lock.backups()).await?;
        crate::jobs::recover(&database).await?;
        let work = identity(chunks, options)?;
        let projects = store::projects::list(&database, store::Page::default(), Default::default()).await?;
        let project = match projects.items.into_iter().next() {
            Some(project) if project.settings["work"] == work => project,
            Some(_) => bail!(
                "{} holds the work on other chunks or with other options: give another --out, or delete that folder",
                path.display()
            ),
            None => {
                let project = store::projects::NewProject {
                    name: "dataset generate".into(),
                    description: String::new(),
                    settings: json!({ "work": work }),
                };
                let project = store::projects::create(&database, project).await?;
                keep(&database, project.id, chunks).await?;
                project
            }
        };
        let config = context.config()?;
        let services = Services {
            blobs: Blobs::local(&lock.files())?,
            models: Models::with_hub(&config.data_dir, config.hub),
            program: std::env::current_exe().context("the path of this program is not known")?,
            threads: 0,
            inference: Arc::new(Inference::new(0)),
            own_connection: Some(Arc::new((connection.0.to_owned(), connection.1))),
            database,
        };
        let places = places(&services.database, project.id).await?;
        if places.len() != chunks.len() {
            bail!("{} was begun and not finished: delete it and begin again", path.display());
        }
        Ok(Self { services, project_id: project.id, places, _lock: lock })
    }

    /// The newest job, and the one that its units belong to.
    pub async fn last_job(&self) -> anyhow::Result<Option<(Uuid, Job)>> {
        let filter = JobFilter {
            project_id: Some(self.project_id),
            kind: Some(DatasetWrite::KIND.to_owned()),
            ..JobFilter::default()
        };
        let newest = store::jobs::list(&self.services.database, store::Page::new(1, 1), filter).await?;
        Ok(newest.items.into_iter().next().map(|job| {
            let owner = job.payload["continues"].as_str().and_then(|id| id.parse().ok()).unwrap_or(job.id);
            (owner, job)
        }))
    }

    /// A worker for the job.
    pub fn start_worker(&self) -> Workers {
        Workers::start(&self.services, WorkerOptions { default_workers: 1, gpu_workers: 0 })
    }

    /// Ends the work on the folder.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.services.database.close().await?)
    }
}

/// What may not change between two runs: everything but the bounds.
fn identity(chunks: &[SourceChunk], options: &Options) -> anyhow::Result<String> {
    let unbounded = Options { budget: Budget::default(), ..options.clone() };
    let mut digest = Sha256::new();
    digest.update(serde_json::to_vec(chunks)?);
    digest.update(serde_json::to_vec(&unbounded)?);
    Ok(hexadecimal(&digest.finalize()))
}

/// Stores the chunks, a file of the project for each document. In the order of the file, which names documents together.
async fn keep(database: &Database, project_id: Uuid, all: &[SourceChunk]) -> anyhow::Result<()> {
    let mut documents: Vec<(&str, Vec<NewChunk>)> = Vec::new();
    for chunk in all {
        let name = chunk.provenance.file_name.as_deref().unwrap_or("document");
        let new = NewChunk {
            text: chunk.text.replace('\0', " "),
            token_count: chunk.tokens as u64,
            source: json!({ "place": chunk.provenance, "headings": chunk.provenance.heading_path }),
        };
        match documents.iter_mut().find(|(known, _)| *known == name) {
            Some((_, chunks)) => chunks.push(new),
            None => documents.push((name, vec![new])),
        }
    }
    for (name, new) in documents {
        let id = Uuid::now_v7();
        let file = store::files::NewFile {
            id,
            project_id,
            name: name.to_owned(),
            kind: "raw_doc".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            size_bytes: 0,
            sha256: hexadecimal(&Sha256::digest(name)),
            blob_key: format!("{project_id}/raw/{id}"),
            status: crate::library::PARSED.to_owned(),
            details: json!({}),
        };
        let file = store::files::create(database, file).await?;
        chunks::replace_for_file(database, project_id, file.id, new).await?;
    }
    Ok(())
}

async fn places(database: &Database, project_id: Uuid) -> anyhow::Result<HashMap<Uuid, Provenance>> {
    let mut found = Vec::new();
    chunks::for_each(database, project_id, Default::default(), |chunk| {
        found.push((chunk.id, chunk.source["place"].clone()));
    })
    .await?;
    found.into_iter().map(|(id, place)| Ok((id, serde_json::from_value(place)?))).collect()
}
