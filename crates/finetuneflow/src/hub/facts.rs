//! What there is to know of a model before it is chosen: of the hub, of the cache, or of a folder here.

use std::path::Path;

use engine::models::spec_of;
use engine::trainer::fit::free_memory_bytes;
use engine::weights::ModelConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::download::Plan;
use super::listing::Repository;
use super::memory::{self, MethodMemory};
use super::{Client, HubError, Reference, RepoId};
use crate::machine;
use crate::models::{Model, ModelSource, Models};

/// What is known of a model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// What projects name it by: `base`, a folder's name, or `org/name`.
    #[schema(example = "HuggingFaceTB/SmolLM2-135M-Instruct")]
    pub id: String,
    /// Where it is from.
    pub source: ModelSource,
    /// The name in Ollama's library that was asked for.
    pub ollama: Option<String>,
    /// Branch, tag or commit; null for folders here.
    pub revision: Option<String>,
    /// The commit that it was at; null for folders here. A download that names it gets what is described here.
    pub commit: Option<String>,
    /// Its page.
    pub page: Option<String>,
    /// All of it is on this computer.
    pub downloaded: bool,
    /// `model_type` of its `config.json`.
    #[schema(example = "llama")]
    pub family: Option<String>,
    /// Number of weights.
    pub parameters: Option<u64>,
    /// Tokens that it can see at once.
    pub context_length: Option<u64>,
    /// Tokens that it knows.
    pub vocabulary_size: Option<u64>,
    /// As its card says.
    #[schema(example = "apache-2.0")]
    pub license: Option<String>,
    /// A licence must be accepted on its page before it can be downloaded.
    pub gated: bool,
    /// Of all files that are used.
    pub size_bytes: Option<u64>,
    /// Still to download.
    pub download_bytes: Option<u64>,
    /// Where models are kept; null where the system does not tell.
    pub free_disk_bytes: Option<u64>,
    /// What a training may take; null where the system does not tell.
    pub available_memory_bytes: Option<u64>,
    /// Memory for each way of training; empty where the configuration cannot be read.
    pub methods: Vec<MethodMemory>,
}

/// The facts, and why the model cannot be used as things are.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// See [`Facts`].
    pub facts: Facts,
    /// Of a model of the hub.
    pub problem: Option<HubError>,
    /// Of a folder here.
    pub local_problem: Option<String>,
}

impl Facts {
    fn new(id: &str, source: ModelSource) -> Self {
        Self {
            id: id.to_owned(),
            source,
            ollama: None,
            revision: None,
            commit: None,
            page: None,
            downloaded: false,
            family: None,
            parameters: None,
            context_length: None,
            vocabulary_size: None,
            license: None,
            gated: false,
            size_bytes: None,
            download_bytes: None,
            free_disk_bytes: None,
            available_memory_bytes: free_memory_bytes(),
            methods: Vec::new(),
        }
    }

    /// Shape and memory; why the engine cannot train it otherwise.
    fn read_config(&mut self, config: &ModelConfig) -> Result<(), String> {
        self.family = Some(config.model_type.clone());
        self.context_length = Some(config.max_position_embeddings as u64);
        self.vocabulary_size = Some(config.vocab_size as u64);
        let spec = spec_of(config).map_err(|error| error.to_string())?;
        self.context_length = Some(spec.max_position_embeddings as u64);
        self.parameters = Some(spec.parameters() as u64);
        if let Some(method) = quantized_by(&config.raw) {
            return Err(format!(
                "its weights are quantized ({method}); choose the model that it was made from"
            ));
        }
        self.methods = memory::methods(&spec);
        Ok(())
    }
}

/// How the weights of a repository were quantized.
fn quantized_by(config: &Value) -> Option<&str> {
    let quantization = config.get("quantization_config").filter(|value| !value.is_null())?;
    Some(quantization["quant_method"].as_str().unwrap_or("quantization_config"))
}

/// The facts of a model that is here already: `base`, a folder or file under `models/`, or one in the cache.
pub fn of_local(models: &Models, model: &Model) -> Resolved {
    let mut facts = Facts::new(&model.id, model.source);
    facts.downloaded = true;
    facts.commit.clone_from(&model.commit);
    facts.family.clone_from(&model.family);
    (facts.parameters, facts.context_length) = (model.parameters, model.context_length);
    (facts.vocabulary_size, facts.size_bytes) = (model.vocabulary_size, model.size_bytes);
    facts.download_bytes = Some(0);
    let mut local_problem = model.problem.clone();
    if let Ok(dir) = models.dir(&model.id) {
        facts.license = license_of_card(&dir);
        if let Ok(config) = ModelConfig::open(&dir)
            && let Err(reason) = facts.read_config(&config)
        {
            local_problem.get_or_insert(reason);
        }
    }
    Resolved { facts, problem: None, local_problem }
}

/// `license:` in the lines between dashes that a model card begins with.
fn license_of_card(dir: &Path) -> Option<String> {
    let card = std::fs::read_to_string(dir.join("README.md")).ok()?;
    let head = card.strip_prefix("---")?.split("\n---").next()?;
    let value = |key: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(key))?;
        let text = line.trim().trim_matches(['"', '\'']);
        (!text.is_empty()).then(|| text.to_owned())
    };
    match value("license:").as_deref() {
        Some("other") => value("license_name:").or_else(|| Some("other".to_owned())),
        license => license.map(str::to_owned),
    }
}

/// The facts of a model of the hub. What the hub cannot be asked for is answered from the cache.
///
/// # Errors
/// Where there is no such model, or neither hub nor cache answer. What stands in the way of a model that exists is the
/// answer's `problem`.
pub async fn of_hub(client: &Client, models: &Models, reference: &Reference) -> Result<Resolved, HubError> {
    let repository = match client.repository(&reference.repo, reference.revision()).await {
        Ok(repository) => repository,
        Err(error @ (HubError::Offline { .. } | HubError::Unreachable { .. })) => {
            return cached(client, models, reference).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let mut facts = hub_facts(client, reference, &repository.commit);
    facts.family.clone_from(&repository.family);
    facts.license.clone_from(&repository.license);
    (facts.parameters, facts.gated) = (repository.parameters, repository.gated);
    let cache = models.cache();
    facts.free_disk_bytes = machine::disk(cache.root()).map(|disk| disk.free_bytes);
    let planned = Plan::of(client, &repository, reference.revision());
    if let Ok(plan) = &planned {
        facts.size_bytes = Some(plan.total_bytes());
        facts.download_bytes = Some(plan.missing_bytes(cache));
        facts.downloaded = models.has_commit(&reference.repo, &repository.commit)
            && plan.files.iter().all(|file| cache.has(&reference.repo, file));
    }
    let asked = read_config(client, models, &mut facts, &repository).await;
    let problem = match asked.and_then(|()| planned?.check_disk(cache)) {
        Err(error @ (HubError::Unreachable { .. } | HubError::Failed { .. } | HubError::Limited { .. })) => {
            return Err(error);
        }
        checked => checked.err(),
    };
    Ok(Resolved { facts, problem, local_problem: None })
}

/// What a download begins with: the files of a commit, of a model that can be trained and that this token may have.
///
/// # Errors
/// See [`HubError`].
pub async fn plan(client: &Client, models: &Models, reference: &Reference) -> Result<Plan, HubError> {
    let repository = client.repository(&reference.repo, reference.revision()).await?;
    let plan = Plan::of(client, &repository, reference.revision())?;
    let mut facts = hub_facts(client, reference, &repository.commit);
    read_config(client, models, &mut facts, &repository).await?;
    plan.check_disk(models.cache())?;
    Ok(plan)
}

/// The configuration, from the cache or the hub, into the facts.
async fn read_config(
    client: &Client,
    models: &Models,
    facts: &mut Facts,
    repository: &Repository,
) -> Result<(), HubError> {
    let (repo, commit) = (&repository.repo, &repository.commit);
    let unsupported = |reason: String| HubError::Unsupported { repo: repo.to_string(), reason };
    if !repository.has("config.json") {
        return Err(unsupported(
            "it has no config.json, so it is no language model of transformers".to_owned(),
        ));
    }
    let path = models.cache().snapshot(repo, commit).join("config.json");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(_) => client.small_file(repo, commit, "config.json").await?,
    };
    let raw: Value = serde_json::from_slice(&bytes)
        .map_err(|error| unsupported(format!("its config.json is no JSON: {error}")))?;
    // The engine names the file in its words; here it is the repository's.
    let config = ModelConfig::from_json(Path::new("config.json"), raw);
    let config = config.map_err(|error| unsupported(error.to_string()))?;
    facts.read_config(&config).map_err(unsupported)
}

fn hub_facts(client: &Client, reference: &Reference, commit: &str) -> Facts {
    let mut facts = Facts::new(reference.repo.as_str(), ModelSource::Hub);
    facts.ollama.clone_from(&reference.ollama);
    facts.revision = Some(reference.revision().to_owned());
    facts.commit = Some(commit.to_owned());
    facts.page = Some(client.page(&reference.repo));
    facts
}

/// What is known without the hub.
fn cached(client: &Client, models: &Models, reference: &Reference) -> Option<Resolved> {
    let commit = match &reference.revision {
        Some(revision) => models.cache().commit_of(&reference.repo, revision)?,
        None => models.cache().current(&reference.repo)?,
    };
    let model = models.find(reference.repo.as_str())?;
    if model.commit.as_ref() != Some(&commit) {
        return None;
    }
    let mut resolved = of_local(models, &model);
    let hub = hub_facts(client, reference, &commit);
    let facts = &mut resolved.facts;
    (facts.ollama, facts.revision, facts.page) = (hub.ollama, hub.revision, hub.page);
    Some(resolved)
}

/// The repositories in the cache whose names hold these words.
pub fn cached_named(models: &Models, words: &str) -> Vec<RepoId> {
    let words: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut found = models.cache().repositories();
    found.retain(|repo| {
        let name = repo.as_str().to_lowercase();
        words.iter().all(|word| name.contains(word))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cards_licence_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for (card, license) in [
            ("---\nlanguage: en\nlicense: apache-2.0\n---\n# A", Some("apache-2.0")),
            ("---\nlicense: other\nlicense_name: \"gemma\"\n---\n", Some("gemma")),
            ("---\nlicense: other\n---\n", Some("other")),
            ("# A\nlicense: mit\n", None),
        ] {
            std::fs::write(folder.path().join("README.md"), card).unwrap();
            assert_eq!(license_of_card(folder.path()).as_deref(), license, "{card}");
        }
    }
}
