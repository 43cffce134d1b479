//! The base models that can be fine-tuned: the bundled one, folders and GGUF files under `models/` in the data folder, and
//! what was downloaded from the hub.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use engine::models::spec_of;
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bundled;
use crate::hub::cache::Cache;
use crate::hub::{HubSettings, RepoId};
use crate::words::{self, Cause, Words};

/// The bundled model's id.
pub const BASE: &str = "base";

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// Inside the program.
    Bundled,
    /// A folder or a GGUF file under `models/` in the data folder.
    Local,
    /// The cache of the hub.
    Hub,
}

/// A base model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// `base`, the folder's or file's name, or `org/name`.
    #[schema(example = "base")]
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Where it comes from.
    pub source: ModelSource,
    /// What it is for.
    pub description: String,
    /// Of a downloaded model: what it is pinned to.
    pub commit: Option<String>,
    /// `model_type` of its `config.json`.
    #[schema(example = "llama")]
    pub family: Option<String>,
    /// Number of weights.
    pub parameters: Option<u64>,
    /// Tokens that it can see at once.
    pub context_length: Option<u64>,
    /// Tokens that it knows.
    pub vocabulary_size: Option<u64>,
    /// Its folder's size.
    pub size_bytes: Option<u64>,
    /// It has a chat template.
    pub chat_template: bool,
    /// It can be trained and asked.
    pub usable: bool,
    /// Why not, and what to do.
    pub problem: Option<String>,
    /// The cause of the problem with its values, where it is known; its message says what to do.
    #[serde(default)]
    pub cause: Option<Words>,
}

/// Knows the models of a data folder.
#[derive(Clone, Debug)]
pub struct Models {
    data_dir: PathBuf,
    hub: HubSettings,
    cache: Cache,
    /// Reading a tokenizer takes long: a description holds as long as the files do not change.
    described: Arc<Mutex<HashMap<String, (FolderState, Model)>>>,
}

/// What changes when a file of a folder does: number of files, their bytes, the last change.
type FolderState = (usize, u64, Option<SystemTime>);

impl Models {
    /// The models of this data folder, with the cache inside it.
    pub fn new(data_dir: &Path) -> Self {
        Self::with_hub(data_dir, HubSettings::of_folder(data_dir))
    }

    /// The models of this data folder and of the cache that is set.
    pub fn with_hub(data_dir: &Path, hub: HubSettings) -> Self {
        let cache = Cache::new(&hub.cache);
        Self { data_dir: data_dir.to_owned(), hub, cache, described: Arc::default() }
    }

    /// How the hub is reached.
    pub fn hub(&self) -> &HubSettings {
        &self.hub
    }

    /// What was downloaded.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The folder (or GGUF file) of a model that exists, usable or not. The bundled one is unpacked there when it is first
    /// asked for.
    pub fn dir(&self, id: &str) -> anyhow::Result<PathBuf> {
        if let Some(repo) = RepoId::parse(id) {
            return self.downloaded(&repo).ok_or_else(|| {
                let cache = self.cache.root().display();
                missing(
                    id,
                    format!("the model `{id}` is not in {cache}: `finetuneflow download {id}` downloads it"),
                )
            });
        }
        let dir = self.local_dir().join(id);
        if id == BASE {
            bundled::unpack_base_model(&dir)?;
        }
        if is_name(id) && (dir.is_dir() || is_gguf_file(&dir)) {
            return Ok(dir);
        }
        Err(missing(id, format!("there is no model `{id}` in {}", self.local_dir().display())))
    }

    /// The folder of a model at the commit that something was bound to; without one, as [`Self::dir`].
    ///
    /// # Errors
    /// The model, or this commit of it, is not there.
    pub fn dir_at(&self, id: &str, commit: Option<&str>) -> anyhow::Result<PathBuf> {
        let (Some(repo), Some(commit)) = (RepoId::parse(id), commit) else { return self.dir(id) };
        let known = self.cache.commit_of(&repo, commit);
        known.map(|commit| self.cache.snapshot(&repo, &commit)).ok_or_else(|| {
            let cache = self.cache.root().display();
            let text = format!(
                "the model `{id}` at {commit} is not in {cache}: `finetuneflow download {id} --revision {commit}` downloads it"
            );
            missing(id, text)
        })
    }

    /// The folder of a downloaded model.
    fn downloaded(&self, repo: &RepoId) -> Option<PathBuf> {
        Some(self.cache.snapshot(repo, &self.cache.current(repo)?))
    }

    /// Whether a download of this commit came to its end, and it is what the model's id stands for.
    pub fn has_commit(&self, repo: &RepoId, commit: &str) -> bool {
        self.cache.current(repo).as_deref() == Some(commit)
    }

    /// The model with this id.
    pub fn find(&self, id: &str) -> Option<Model> {
        let dir = self.dir(id).ok()?;
        let state = folder_state(&dir);
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, model)) = described.get(id).filter(|(known, _)| *known == state) {
            return Some(model.clone());
        }
        let mut model = describe(id, &dir, state.1);
        if model.source == ModelSource::Hub {
            model.commit = dir.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        }
        described.insert(id.to_owned(), (state, model.clone()));
        Some(model)
    }

    /// The bundled model, the local ones by name, then those of the hub by name.
    pub fn list(&self) -> Vec<Model> {
        let mut ids = vec![BASE.to_owned()];
        let entries = std::fs::read_dir(self.local_dir()).into_iter().flatten().flatten();
        let mut local: Vec<_> = entries
            .filter(|entry| entry.path().is_dir() || is_gguf_file(&entry.path()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_name(name) && name != BASE)
            .collect();
        local.sort_unstable();
        ids.append(&mut local);
        ids.extend(self.cache.repositories().iter().map(ToString::to_string));
        ids.iter().filter_map(|id| self.find(id)).collect()
    }

    /// Makes a folder or a GGUF file of this computer one of the local models, by a link under `models/`. One that is
    /// linked already stays as it is.
    pub fn link(&self, path: &Path) -> Result<Model, LinkError> {
        if !path.is_absolute() {
            return Err(LinkError::NotAbsolute);
        }
        let target = path.canonicalize().map_err(|_| LinkError::Missing)?;
        if !target.is_dir() && !is_gguf_file(&target) {
            return Err(LinkError::NoModel);
        }
        let name =
            target.file_name().and_then(|name| name.to_str()).filter(|name| is_name(name) && *name != BASE);
        let name = name.ok_or(LinkError::BadName)?;
        let place = self.local_dir().join(name);
        let is_same = place.canonicalize().is_ok_and(|known| known == target);
        if !is_same && place.symlink_metadata().is_ok() {
            return Err(LinkError::NameTaken(name.to_owned()));
        }
        let model = describe(name, &target, folder_state(&target).1);
        if let Some(reason) = model.problem {
            return Err(LinkError::Unusable { name: name.to_owned(), reason });
        }
        if !is_same {
            std::fs::create_dir_all(self.local_dir()).and_then(|()| make_link(&target, &place))?;
        }
        self.find(name).ok_or(LinkError::Missing)
    }

    fn local_dir(&self) -> PathBuf {
        self.data_dir.join("models")
    }
}

/// Why a folder or file was not taken as a model.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A path has to say all of the way.
    #[error("must be a whole path, from the root of the disk")]
    NotAbsolute,
    /// Or may not be seen.
    #[error("is not on the computer of the studio")]
    Missing,
    /// Neither a folder nor a GGUF file.
    #[error("must be a folder or a file that ends in .gguf")]
    NoModel,
    /// It would not be a name of a model.
    #[error("ends in a name that a model cannot have")]
    BadName,
    /// Another model has it.
    #[error("there is another model named {0} already")]
    NameTaken(String),
    /// Its files do not make a model that can be trained.
    #[error("the model {name} cannot be used: {reason}")]
    Unusable {
        /// Of the folder or file.
        name: String,
        /// As the reader of its files says.
        reason: String,
    },
    /// The link could not be made.
    #[error("could not be linked: {0}")]
    Io(#[from] std::io::Error),
}

#[cfg(unix)]
fn make_link(target: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(windows)]
fn make_link(target: &Path, place: &Path) -> std::io::Result<()> {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, place)
    } else {
        std::os::windows::fs::symlink_file(target, place)
    }
}

fn missing(id: &str, text: String) -> anyhow::Error {
    Cause::ModelMissing { model: id.to_owned() }.error(text)
}

/// A single folder name: no way out of `models/`.
fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 200
        && !id.starts_with('.')
        && id.chars().all(|letter| letter.is_alphanumeric() || "._- +".contains(letter))
}

fn is_gguf_file(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"))
}

fn describe(id: &str, dir: &Path, size_bytes: u64) -> Model {
    let bundled = id == BASE;
    let mut model = Model {
        id: id.to_owned(),
        name: if bundled { "FineTuneFlow base".to_owned() } else { id.to_owned() },
        source: match bundled {
            true => ModelSource::Bundled,
            false if RepoId::parse(id).is_some() => ModelSource::Hub,
            false => ModelSource::Local,
        },
        commit: None,
        description: if bundled {
            "A very small model inside the program: for trying the studio, not for use.".to_owned()
        } else {
            String::new()
        },
        family: None,
        parameters: None,
        context_length: None,
        vocabulary_size: None,
        size_bytes: Some(size_bytes),
        chat_template: matches!(engine::tokenizer::ChatTemplate::from_model_dir(dir), Ok(Some(_))),
        usable: false,
        problem: None,
        cause: None,
    };
    match ModelConfig::open(dir).map_err(anyhow::Error::from) {
        Ok(config) => {
            model.family = Some(config.model_type.clone());
            model.context_length = Some(config.max_position_embeddings as u64);
            model.vocabulary_size = Some(config.vocab_size as u64);
            match usable(&config, dir) {
                Ok(parameters) => {
                    model.parameters = Some(parameters);
                    model.usable = true;
                }
                Err(error) => model.refuse(&error),
            }
        }
        Err(error) => model.refuse(&error),
    }
    model
}

impl Model {
    fn refuse(&mut self, error: &anyhow::Error) {
        self.problem = Some(format!("{error:#}"));
        self.cause = words::cause_of(error);
    }
}

/// The number of weights, if configuration, weights and tokenizer can be read.
fn usable(config: &ModelConfig, dir: &Path) -> anyhow::Result<u64> {
    let spec = spec_of(config)?;
    engine::weights::ModelWeights::open(dir)?;
    engine::tokenizer::Tokenizer::open(dir)?;
    Ok(spec.parameters() as u64)
}

fn folder_state(dir: &Path) -> FolderState {
    let inside = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let paths: Vec<PathBuf> = if dir.is_dir() { inside.collect() } else { vec![dir.to_owned()] };
    // What lies in the cache is a link to its bytes.
    let files =
        paths.iter().filter_map(|path| std::fs::metadata(path).ok()).filter(std::fs::Metadata::is_file);
    files.fold((0, 0, None), |(count, bytes, changed), file| {
        (count + 1, bytes + file.len(), changed.max(file.modified().ok()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_cannot_be_used_says_why_for_translations_too() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.json"), "{ cut off").expect("written");
        let model = describe("broken", folder.path(), 9);
        assert!(!model.usable && model.problem.is_some());
        assert_eq!(model.cause.expect("known").code, "model_damaged");
    }

    #[test]
    fn names_stay_inside_the_folder() {
        for (name, good) in [
            ("tinyllama-1.1b", true),
            ("..", false),
            ("../x", false),
            ("a/b", false),
            (".hidden", false),
            ("", false),
            ("a\\b", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
