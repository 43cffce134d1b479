//! `export`: a completed run as files that other programs load, each compared with the trained model. Each format is
//! written by the `export` command in a child process, `certify` compares them in another; everything together, with the
//! run's figures, goes into one zip where that is asked for.

mod bundle;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use engine::adapters::peft::AdapterConfig;
use export::bundle::Entry;
use export::certificate::Certificate;
use export::report::{CertificateFacts, ExportFacts};
use export::{FileKind, Format, Provenance, Quantization};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::dataset_versions::DatasetVersion;
use store::run_events;
use store::runs::Run;
use store::{Blob, BlobKey};
use uuid::Uuid;

pub use bundle::Deliverables;

use super::evaluate::last_value;
use super::train::{TrainSettings, completed, local, run_folder};
use super::{JobError, JobKind, Queue, Work};
use crate::words::{Activity, Cause, Words};

/// What GGUF files are made of when the request does not say.
pub const DEFAULT_QUANTIZATION: &str = "f16";
/// The zip with everything.
pub const BUNDLE: &str = "bundle";
/// Larger models are compared with their weights in bf16.
const LARGEST_IN_F32: u64 = 1_000_000_000;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// The project.
    pub project_id: Uuid,
    /// A completed run.
    pub run_id: Uuid,
    /// Ids of `export::FORMATS`.
    pub formats: Vec<String>,
    /// Of the formats that hold a GGUF file: one file each. None: [`DEFAULT_QUANTIZATION`].
    #[serde(default)]
    pub quantizations: Vec<String>,
    /// Also a zip with all files and the run's figures.
    #[serde(default)]
    pub bundle: bool,
}

/// A file of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Of `export::FORMATS`, or [`BUNDLE`].
    pub format: String,
    /// For people and for saving.
    pub name: String,
    /// Where it is.
    pub key: String,
    /// Its size.
    pub size_bytes: u64,
    /// Of its bytes.
    pub sha256: String,
    /// Of a GGUF file inside.
    #[serde(default)]
    pub quantization: Option<String>,
    /// What the person should know: what another format would do better, what could not be kept.
    #[serde(default)]
    pub warnings: Vec<Words>,
    /// Tensors that the asked type cannot hold: `{"tensor", "wanted", "used"}` each.
    #[serde(default)]
    pub fallbacks: Vec<Value>,
}

impl JobKind for Export {
    const KIND: &'static str = "export";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let (run, settings) = completed(&work, self.run_id, "export").await?;
        let version = run.dataset_version_id.context("the run names no dataset version")?;
        let version = store::dataset_versions::get(work.database(), run.project_id, version).await?;
        let scratch = scratch_folder(&work, &run).await?;
        let source = Source {
            base: settings.base_dir(&work.services.models)?,
            folder: run_folder(&work.services.blobs, run.project_id, run.id)?,
            settings,
            provenance: scratch.path().join("provenance.json"),
        };
        source.write_provenance(&work, &run, &version).await?;
        let parts = source.parts(&self)?;
        let total = parts.len() as u64 + 1 + u64::from(self.bundle);
        let mut written = Vec::new();
        for (index, part) in (0..).zip(parts) {
            work.progress(index, total, Activity::Writing { name: part.name.clone() }).await?;
            written.push(source.write(&work, part, scratch.path()).await?);
        }
        work.progress(written.len() as u64, total, Activity::Comparing {}).await?;
        let certificate = source.certify(&work, &version, &written).await?;
        if let Some(certificate) = &certificate {
            let payload = serde_json::to_value(certificate).map_err(anyhow::Error::from)?;
            run_events::append(work.database(), run.id, "certificate", payload).await?;
        }
        let mut files = Vec::new();
        for part in &written {
            files.push(part.keep(&work, &run, scratch.path()).await?);
        }
        let deliverables = Deliverables {
            exports: files.iter().map(facts_of).collect(),
            certificate: certificate.as_ref().map(CertificateFacts::from),
        };
        if self.bundle {
            work.progress(total - 1, total, Activity::Packing {}).await?;
            let bundle = bundle::write(&work, &run, &written, deliverables.clone(), scratch.path()).await?;
            let name = bundle::name_of(&bundle)?;
            files.push(stored(put(&work, &run, &bundle).await?, BUNDLE, name));
        }
        work.progress(total, total, Activity::Done {}).await?;
        Ok(json!({ "run_id": run.id, "files": files, "certificate": certificate, "report": deliverables }))
    }
}

/// For the report.
fn facts_of(file: &ExportedFile) -> ExportFacts {
    let fallback = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}: {} instead of {}", text("tensor"), text("used"), text("wanted"))
    };
    ExportFacts {
        format: file.format.clone(),
        file_name: file.name.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        quantization: file.quantization.clone(),
        fallbacks: file.fallbacks.iter().map(fallback).collect(),
        warnings: file.warnings.iter().map(|warning| warning.message.clone()).collect(),
    }
}

/// A folder beside the exports that goes when the job ends.
pub(super) async fn scratch_folder(work: &Work, run: &Run) -> Result<tempfile::TempDir, JobError> {
    let exports = BlobKey::new(run.project_id, "exports", &run.id.to_string())?;
    let exports = work.services.blobs.local_path(&exports).context("exports need a local storage folder")?;
    work.blocking(move || {
        std::fs::create_dir_all(&exports)?;
        Ok(tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&exports)?)
    })
    .await
}

/// What is exported.
struct Source {
    base: PathBuf,
    folder: PathBuf,
    settings: TrainSettings,
    /// What the files say of where they come from.
    provenance: PathBuf,
}

/// One file or folder to write.
struct Part {
    format: &'static Format,
    quantization: Option<Quantization>,
    name: String,
    /// Why this is written in the place of something else.
    note: Option<Words>,
}

/// What the command wrote: a file or a folder.
struct Written {
    part: Part,
    path: PathBuf,
    /// Its last line.
    said: Value,
}

impl Part {
    fn new(format: &'static Format, quantization: Option<Quantization>) -> Self {
        let stem = match format.id {
            "peft" => "adapter-peft",
            "merged" => "model-merged",
            "gguf" => "model",
            "gguf-adapter" => "adapter",
            id => id,
        };
        let quantization_id = quantization.map(|quantization| format!("-{}", quantization.id()));
        let extension = match format.kind {
            FileKind::Folder => String::new(),
            FileKind::File(extension) => format!(".{extension}"),
        };
        let name = format!("{stem}{}{extension}", quantization_id.unwrap_or_default());
        Self { format, quantization, name, note: None }
    }
}

impl Source {
    fn is_adapter(&self) -> bool {
        self.settings.method != "full"
    }

    async fn write_provenance(
        &self,
        work: &Work,
        run: &Run,
        version: &DatasetVersion,
    ) -> Result<(), JobError> {
        let project = store::projects::get(work.database(), run.project_id).await?;
        let mut provenance = Provenance {
            run_id: Some(run.id.to_string()),
            dataset_name: Some(format!("{}, version {}", project.name, version.number)),
            dataset_sha256: Some(version.content_hash.clone()),
            adapter_sha256: None,
        };
        let adapter = self.is_adapter().then(|| self.folder.join("adapter_model.safetensors"));
        let target = self.provenance.clone();
        work.blocking(move || {
            if let Some(adapter) = adapter {
                provenance.adapter_sha256 = Some(bundle::digest(&adapter)?);
            }
            Ok(std::fs::write(target, serde_json::to_vec(&provenance)?)?)
        })
        .await
    }

    /// What is written for a request, one file or folder each.
    fn parts(&self, export: &Export) -> anyhow::Result<Vec<Part>> {
        let mut quantizations = Vec::new();
        for id in &export.quantizations {
            let quantization = Quantization::from_id(id);
            quantizations.push(quantization.with_context(|| format!("`{id}` is not a type of weights"))?);
        }
        if quantizations.is_empty() {
            quantizations.extend(Quantization::from_id(DEFAULT_QUANTIZATION));
        }
        let mut parts = Vec::new();
        for id in &export.formats {
            let format = export::format(id).with_context(|| format!("`{id}` is not an export format"))?;
            if format.needs_adapter && !self.is_adapter() {
                let text = "the run trained all weights and has no adapter; choose merged or gguf";
                return Err(Cause::NoAdapter {}.error(text));
            }
            if format.id == "gguf-adapter" && self.is_dora()? {
                let gguf = export::format("gguf").context("the format is registered")?;
                let note = Words {
                    code: "dora_merged".to_owned(),
                    message: "DoRA has no place in a GGUF adapter, so this is the merged model".to_owned(),
                    ..Words::default()
                };
                parts.extend(quantizations.iter().map(|quantization| Part {
                    note: Some(note.clone()),
                    ..Part::new(gguf, Some(*quantization))
                }));
            } else if format.holds_gguf_types() {
                parts.extend(quantizations.iter().map(|quantization| Part::new(format, Some(*quantization))));
            } else {
                parts.push(Part::new(format, None));
            }
        }
        // What stands for something else may be asked for itself, too.
        let mut names = HashSet::new();
        parts.retain(|part| names.insert(part.name.clone()));
        Ok(parts)
    }

    fn is_dora(&self) -> anyhow::Result<bool> {
        Ok(self.is_adapter() && AdapterConfig::read(&self.folder)?.use_dora)
    }

    async fn write(&self, work: &Work, part: Part, scratch: &Path) -> Result<Written, JobError> {
        let path = scratch.join(&part.name);
        let mut arguments: Vec<OsString> =
            ["export", "--json", "--format", part.format.id].map(OsString::from).to_vec();
        let mut flag = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
        flag("--out", &path);
        flag("--provenance", &self.provenance);
        if self.is_adapter() {
            flag("--model", &self.base);
            flag("--adapter", &self.folder);
        } else {
            flag("--model", &self.folder);
        }
        if let Some(quantization) = part.quantization {
            arguments.extend(["--quantization".into(), quantization.id().into()]);
        }
        let said = last_value(work, arguments).await?;
        Ok(Written { part, path, said })
    }

    /// The written files beside the trained model, on rows that were held back, or on the training's where there are none.
    async fn certify(
        &self,
        work: &Work,
        version: &DatasetVersion,
        written: &[Written],
    ) -> Result<Option<Certificate>, JobError> {
        let files: Vec<PathBuf> = written.iter().filter_map(Written::comparable).collect();
        if files.is_empty() {
            return Ok(None);
        }
        let rows = local(&work.services.blobs, version.eval_key.as_ref().unwrap_or(&version.train_key))?;
        let mut arguments: Vec<OsString> = vec!["certify".into(), "--json".into()];
        let mut flag = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
        if self.is_adapter() {
            flag("--model", &self.base);
            flag("--adapter", &self.folder);
        } else {
            flag("--model", &self.folder);
        }
        flag("--data", &rows);
        if let Some(length) = self.settings.max_seq_len {
            arguments.push(format!("--max-seq-len={length}").into());
        }
        arguments.push(format!("--threads={}", work.services.threads).into());
        let parameters =
            work.services.models.find(&self.settings.model_id).and_then(|model| model.parameters);
        if parameters.is_some_and(|parameters| parameters > LARGEST_IN_F32) {
            arguments.push("--bf16".into());
        }
        arguments.extend(files.into_iter().map(OsString::from));
        let certificate = serde_json::from_value(last_value(work, arguments).await?);
        Ok(Some(certificate.context("the comparison's answer")?))
    }
}

impl Written {
    /// What `certify` reads of it, if that is anything.
    fn comparable(&self) -> Option<PathBuf> {
        match self.part.format.id {
            "peft" | "merged" | "gguf" | "gguf-adapter" => Some(self.path.clone()),
            _ => None,
        }
    }

    /// Puts it where exports stay, as one file: a folder as a zip of itself.
    async fn keep(&self, work: &Work, run: &Run, scratch: &Path) -> Result<ExportedFile, JobError> {
        let file = match self.part.format.kind {
            FileKind::File(_) => self.path.clone(),
            FileKind::Folder => {
                let zip = scratch.join(format!("{}.zip", self.part.name));
                let (target, cancel) = (zip.clone(), work.cancel_flag());
                let entry = Entry { source: self.path.clone(), name: self.part.name.clone() };
                work.blocking(move || bundle::zip(&[entry], &target, &cancel)).await?;
                zip
            }
        };
        let name = bundle::name_of(&file)?;
        let mut kept = stored(put(work, run, &file).await?, self.part.format.id, name);
        kept.quantization = self.part.quantization.map(|quantization| quantization.id().to_owned());
        let list = |name: &str| self.said.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let warnings = list("warnings").into_iter().filter_map(|said| serde_json::from_value(said).ok());
        kept.warnings = self.part.note.clone().into_iter().chain(warnings).collect();
        kept.fallbacks = list("fallbacks");
        Ok(kept)
    }
}

/// Copies a file to the run's exports.
async fn put(work: &Work, run: &Run, file: &Path) -> Result<Blob, JobError> {
    let name = bundle::name_of(file)?;
    let key = BlobKey::new(run.project_id, "exports", &format!("{}/{name}", run.id))?;
    Ok(work.services.blobs.put_file(&key, file).await?)
}

fn stored(blob: Blob, format: &str, name: String) -> ExportedFile {
    ExportedFile {
        format: format.to_owned(),
        name,
        key: blob.key.as_str().to_owned(),
        size_bytes: blob.size_bytes,
        sha256: blob.sha256,
        quantization: None,
        warnings: Vec::new(),
        fallbacks: Vec::new(),
    }
}

/// The files that an export left, newest export of each name; for lists.
pub fn files_of(result: &Value) -> anyhow::Result<Vec<ExportedFile>> {
    match result.get("files") {
        Some(files) => Ok(serde_json::from_value(files.clone())?),
        None => bail!("this is not the result of an export"),
    }
}
