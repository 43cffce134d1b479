//! The base models that can be fine-tuned: the bundled one, and folders under `models/` in the data folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use engine::models::spec_of;
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bundled;

/// The bundled model's id.
pub const BASE: &str = "base";

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// Inside the program.
    Bundled,
    /// A folder under `models/` in the data folder.
    Local,
}

/// A base model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// `base`, or the folder's name.
    #[schema(example = "base")]
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Where it comes from.
    pub source: ModelSource,
    /// What it is for.
    pub description: String,
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
}

/// Knows the models of a data folder.
#[derive(Clone, Debug)]
pub struct Models {
    data_dir: PathBuf,
    /// Reading a tokenizer takes long: a description holds as long as the files do not change.
    described: Arc<Mutex<HashMap<String, (FolderState, Model)>>>,
}

/// What changes when a file of a folder does: number of files, their bytes, the last change.
type FolderState = (usize, u64, Option<SystemTime>);

impl Models {
    /// The models of this data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), described: Arc::default() }
    }

    /// The folder of a model that exists, usable or not. The bundled one is unpacked there when it is first asked for.
    pub fn dir(&self, id: &str) -> anyhow::Result<PathBuf> {
        let dir = self.local_dir().join(id);
        if id == BASE {
            bundled::unpack_base_model(&dir)?;
        }
        anyhow::ensure!(
            is_name(id) && dir.is_dir(),
            "there is no model `{id}` in {}",
            self.local_dir().display()
        );
        Ok(dir)
    }

    /// The model with this id.
    pub fn find(&self, id: &str) -> Option<Model> {
        let dir = self.dir(id).ok()?;
        let state = folder_state(&dir);
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, model)) = described.get(id).filter(|(known, _)| *known == state) {
            return Some(model.clone());
        }
        let model = describe(id, &dir, state.1);
        described.insert(id.to_owned(), (state, model.clone()));
        Some(model)
    }

    /// The bundled model, then the local ones by name.
    pub fn list(&self) -> Vec<Model> {
        let mut ids = vec![BASE.to_owned()];
        let folders = std::fs::read_dir(self.local_dir()).into_iter().flatten().flatten();
        let mut local: Vec<_> = folders
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_name(name) && name != BASE)
            .collect();
        local.sort_unstable();
        ids.append(&mut local);
        ids.iter().filter_map(|id| self.find(id)).collect()
    }

    fn local_dir(&self) -> PathBuf {
        self.data_dir.join("models")
    }
}

/// A single folder name: no way out of `models/`.
fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 200
        && !id.starts_with('.')
        && id.chars().all(|letter| letter.is_alphanumeric() || "._- +".contains(letter))
}

fn describe(id: &str, dir: &Path, size_bytes: u64) -> Model {
    let bundled = id == BASE;
    let mut model = Model {
        id: id.to_owned(),
        name: if bundled { "FineTuneFlow base".to_owned() } else { id.to_owned() },
        source: if bundled { ModelSource::Bundled } else { ModelSource::Local },
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
                Err(error) => model.problem = Some(format!("{error:#}")),
            }
        }
        Err(error) => model.problem = Some(format!("{error:#}")),
    }
    model
}

/// The number of weights, if configuration, weights and tokenizer can be read.
fn usable(config: &ModelConfig, dir: &Path) -> anyhow::Result<u64> {
    let spec = spec_of(config)?;
    engine::weights::SafetensorsDir::open(dir)?;
    engine::tokenizer::Tokenizer::open(dir)?;
    Ok(spec.parameters() as u64)
}

fn folder_state(dir: &Path) -> FolderState {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file);
    files.fold((0, 0, None), |(count, bytes, changed), file| {
        (count + 1, bytes + file.len(), changed.max(file.modified().ok()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
