//! `export`: a completed run as files that other programs load. Each format is written by the `export` command in a child
//! process; everything together, with the run's figures, goes into one zip.

mod bundle;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use export::bundle::Entry;
use export::report::ExportFacts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::runs::Run;
use store::{Blob, BlobKey};
use uuid::Uuid;

pub use bundle::Deliverables;

use super::evaluate::last_value;
use super::train::{completed, run_folder};
use super::{JobError, JobKind, Queue, Work};

/// What GGUF files are made of when the request does not say.
pub const DEFAULT_QUANTIZATION: &str = "f16";

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// The project.
    pub project_id: Uuid,
    /// A completed run.
    pub run_id: Uuid,
    /// Of `peft`, `merged`, `gguf`.
    pub formats: Vec<String>,
    /// Of GGUF: `f32`, `f16`, `bf16`, `q8_0`.
    pub quantization: Option<String>,
}

/// A file of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportedFile {
    /// `peft`, `merged`, `gguf`, or `bundle` for all of them.
    pub format: String,
    /// For people and for saving.
    pub name: String,
    /// Where it is.
    pub key: String,
    /// Its size.
    pub size_bytes: u64,
    /// Of its bytes.
    pub sha256: String,
}

impl JobKind for Export {
    const KIND: &'static str = "export";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let (run, settings) = completed(&work, self.run_id, "export").await?;
        let source = Source {
            base: work.services.models.dir(&settings.model_id)?,
            folder: run_folder(&work.services.blobs, run.project_id, run.id)?,
            is_adapter: settings.method != "full",
        };
        let exports = BlobKey::new(run.project_id, "exports", &run.id.to_string())?;
        let exports =
            work.services.blobs.local_path(&exports).context("exports need a local storage folder")?;
        let scratch = work
            .blocking(move || {
                std::fs::create_dir_all(&exports)?;
                Ok(tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&exports)?)
            })
            .await?;
        let total = self.formats.len() as u64 + 1;
        let mut files = Vec::new();
        let mut parts = Vec::new();
        for (index, format) in (0..).zip(&self.formats) {
            work.progress(index, total, &format!("writing {format}")).await?;
            let written = source.write(&work, format, self.quantization.as_deref(), scratch.path()).await?;
            let file = written.file(&work, scratch.path()).await?;
            files.push(keep(&work, &run, format, &file).await?);
            parts.push(written);
        }
        work.progress(total - 1, total, "packing").await?;
        let deliverables = Deliverables { exports: files.iter().map(facts_of).collect(), certificate: None };
        let bundle = bundle::write(&work, &run, &parts, deliverables.clone(), scratch.path()).await?;
        files.push(keep(&work, &run, "bundle", &bundle).await?);
        work.progress(total, total, "done").await?;
        Ok(json!({ "run_id": run.id, "files": files, "report": deliverables }))
    }
}

/// For the report.
fn facts_of(file: &ExportedFile) -> ExportFacts {
    ExportFacts {
        format: file.format.clone(),
        file_name: file.name.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        ..ExportFacts::default()
    }
}

/// What is exported.
struct Source {
    base: PathBuf,
    folder: PathBuf,
    is_adapter: bool,
}

/// What the command wrote: a file or a folder.
struct Written {
    path: PathBuf,
    is_folder: bool,
}

impl Source {
    async fn write(
        &self,
        work: &Work,
        format: &str,
        quantization: Option<&str>,
        scratch: &Path,
    ) -> Result<Written, JobError> {
        let quantization = quantization.unwrap_or(DEFAULT_QUANTIZATION);
        let (name, is_folder) = match format {
            "peft" if !self.is_adapter => {
                let problem = "the run trained all weights and has no adapter; choose merged or gguf";
                return Err(JobError::Failed(anyhow::anyhow!(problem)));
            }
            "peft" => ("adapter-peft".to_owned(), true),
            "merged" => ("model-merged".to_owned(), true),
            "gguf" => (format!("model-{quantization}.gguf"), false),
            other => {
                return Err(JobError::Failed(anyhow::anyhow!(
                    "`{other}` is not a format; use peft, merged or gguf"
                )));
            }
        };
        let path = scratch.join(name);
        let mut arguments: Vec<OsString> =
            ["export", "--json", "--format", format].map(OsString::from).to_vec();
        let mut flag = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
        flag("--out", &path);
        if self.is_adapter {
            flag("--model", &self.base);
            flag("--adapter", &self.folder);
        } else {
            flag("--model", &self.folder);
        }
        if format == "gguf" {
            arguments.extend(["--quantization".into(), quantization.into()]);
        }
        last_value(work, arguments).await?;
        Ok(Written { path, is_folder })
    }
}

impl Written {
    /// One file: a folder as a zip of itself.
    async fn file(&self, work: &Work, scratch: &Path) -> Result<PathBuf, JobError> {
        if !self.is_folder {
            return Ok(self.path.clone());
        }
        let name = bundle::name_of(&self.path)?;
        let zip = scratch.join(format!("{name}.zip"));
        let (target, cancel) = (zip.clone(), work.cancel_flag());
        let entry = Entry { source: self.path.clone(), name };
        work.blocking(move || bundle::zip(&[entry], &target, &cancel)).await?;
        Ok(zip)
    }
}

/// Puts a file where exports stay.
async fn keep(work: &Work, run: &Run, format: &str, file: &Path) -> Result<ExportedFile, JobError> {
    let name = bundle::name_of(file)?;
    let key = BlobKey::new(run.project_id, "exports", &format!("{}/{name}", run.id))?;
    let Blob { key, size_bytes, sha256 } = work.services.blobs.put_file(&key, file).await?;
    Ok(ExportedFile { format: format.to_owned(), name, key: key.as_str().to_owned(), size_bytes, sha256 })
}

/// The files that an export left, newest export of each name; for lists.
pub fn files_of(result: &Value) -> anyhow::Result<Vec<ExportedFile>> {
    match result.get("files") {
        Some(files) => Ok(serde_json::from_value(files.clone())?),
        None => bail!("this is not the result of an export"),
    }
}
