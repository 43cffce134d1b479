//! The loaded models: each base once, and the adapters on it, which share its tensors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::models::{adapt, load, spec_of};
use engine::weights::ModelConfig;
use tokio::sync::OnceCell;

use crate::cli::model::Loaded;

/// Whole models that are kept; the one that was not asked for the longest time goes first, and its adapters with it.
const MOST_MODELS: usize = 2;
/// Adapters that are kept, on all models.
const MOST_ADAPTERS: usize = 8;
/// What nobody asked for so long is given back.
const UNUSED: Duration = Duration::from_secs(600);
/// Weights of larger models are kept in bf16.
const LARGEST_IN_F32: usize = 300_000_000;

/// What to load: a model and, on it, an adapter folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Hugging Face folder, or a GGUF file.
    pub model: PathBuf,
    /// PEFT folder.
    pub adapter: Option<PathBuf>,
}

impl Weights {
    /// The model as it is, without an adapter.
    pub fn bare(model: PathBuf) -> Self {
        Self { model, adapter: None }
    }
}

/// What changes when files do: their number, their bytes, the last change.
type FilesState = (usize, u64, Option<SystemTime>);

/// Filled by the first who asks; others wait for it.
type Cell = Arc<OnceCell<Arc<Loaded>>>;

struct Entry {
    weights: Weights,
    state: FilesState,
    used: Instant,
    loaded: Cell,
}

impl Entry {
    /// An answer is being made with it.
    fn is_busy(&self) -> bool {
        self.loaded.get().is_some_and(|loaded| Arc::strong_count(loaded) > 1)
    }
}

/// Loads models and keeps some.
pub struct Kept {
    threads: usize,
    entries: Arc<Mutex<Entries>>,
}

#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    /// Somebody looks for unused ones from time to time.
    watched: bool,
}

impl Kept {
    /// Nothing is loaded yet. 0 threads: all cores.
    pub fn new(threads: usize) -> Self {
        Self { threads, entries: Arc::default() }
    }

    /// The loaded model; read from its files the first time, and again when they changed. An adapter costs its own
    /// tensors alone: those of its base are shared.
    ///
    /// # Errors
    /// Files that cannot be read, or do not belong together.
    pub async fn load(&self, weights: &Weights) -> anyhow::Result<Arc<Loaded>> {
        let (model, threads) = (weights.model.clone(), self.threads);
        let base = self.filled(Weights::bare(model.clone()), move || read(&model, threads)).await?;
        let Some(adapter) = weights.adapter.clone() else { return Ok(base) };
        self.filled(weights.clone(), move || put_on(&base, &adapter)).await
    }

    async fn filled(
        &self,
        weights: Weights,
        read: impl FnOnce() -> anyhow::Result<Loaded> + Send + 'static,
    ) -> anyhow::Result<Arc<Loaded>> {
        let cell = self.cell(&weights);
        let loaded =
            cell.get_or_try_init(|| async { tokio::task::spawn_blocking(read).await?.map(Arc::new) });
        let loaded = loaded.await.map(Arc::clone);
        if loaded.is_err() {
            self.entries().list.retain(|entry| !Arc::ptr_eq(&entry.loaded, &cell));
        }
        loaded
    }

    /// The place of these weights; an empty one when they are not there as their files are now.
    fn cell(&self, weights: &Weights) -> Cell {
        let state = files_state(weights);
        let mut entries = self.entries();
        let now = Instant::now();
        if let Some(entry) =
            entries.list.iter_mut().find(|entry| entry.weights == *weights && entry.state == state)
        {
            entry.used = now;
            return Arc::clone(&entry.loaded);
        }
        entries.remove(weights);
        entries.make_room(weights.adapter.is_some());
        let loaded = Cell::default();
        entries.list.push(Entry { weights: weights.clone(), state, used: now, loaded: Arc::clone(&loaded) });
        if !std::mem::replace(&mut entries.watched, true) {
            tokio::spawn(watch(Arc::downgrade(&self.entries)));
        }
        loaded
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.entries)
    }

    /// How many models and adapters are kept.
    pub fn count(&self) -> (usize, usize) {
        let entries = self.entries();
        let adapters = entries.list.iter().filter(|entry| entry.weights.adapter.is_some()).count();
        (entries.list.len() - adapters, adapters)
    }
}

impl Entries {
    /// With a model go the adapters on it: they would hold its tensors.
    fn remove(&mut self, weights: &Weights) {
        let goes = |entry: &Entry| match weights.adapter {
            None => entry.weights.model == weights.model,
            Some(_) => entry.weights == *weights,
        };
        self.list.retain(|entry| !goes(entry));
    }

    /// Before something is loaded, so that both are never there at once.
    fn make_room(&mut self, for_adapter: bool) {
        let most = if for_adapter { MOST_ADAPTERS } else { MOST_MODELS };
        loop {
            let alike = self.list.iter().filter(|entry| entry.weights.adapter.is_some() == for_adapter);
            if alike.clone().count() < most {
                return;
            }
            let Some(oldest) = alike.min_by_key(|entry| entry.used).map(|entry| entry.weights.clone()) else {
                return;
            };
            self.remove(&oldest);
        }
    }

    /// Gives back what nobody asked for since `before`, unless an answer is made with it.
    fn remove_unused(&mut self, before: Instant) {
        let needed = |entry: &Entry| entry.used > before || entry.is_busy();
        // An adapter's base was asked for with it, but only the adapter is held by an answer.
        let bases: Vec<PathBuf> =
            self.list.iter().filter(|entry| needed(entry)).map(|entry| entry.weights.model.clone()).collect();
        self.list.retain(|entry| {
            needed(entry) || (entry.weights.adapter.is_none() && bases.contains(&entry.weights.model))
        });
    }
}

fn lock(entries: &Mutex<Entries>) -> MutexGuard<'_, Entries> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives back what is not used, until there is nothing left.
async fn watch(entries: Weak<Mutex<Entries>>) {
    loop {
        tokio::time::sleep(UNUSED / 10).await;
        let Some(entries) = entries.upgrade() else { return };
        let mut entries = lock(&entries);
        if let Some(before) = Instant::now().checked_sub(UNUSED) {
            entries.remove_unused(before);
        }
        if entries.list.is_empty() {
            entries.watched = false;
            return;
        }
    }
}

/// Of the files that are read of an adapter, or of a model.
fn files_state(weights: &Weights) -> FilesState {
    let files: Vec<PathBuf> = match &weights.adapter {
        Some(adapter) => {
            ["adapter_config.json", "adapter_model.safetensors"].map(|name| adapter.join(name)).to_vec()
        }
        None if weights.model.is_file() => vec![weights.model.clone()],
        None => std::fs::read_dir(&weights.model)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect(),
    };
    // Links lead to the files of a model cache: it is these that count.
    let files =
        files.iter().filter_map(|path| std::fs::metadata(path).ok()).filter(std::fs::Metadata::is_file);
    files.fold((0, 0, None), |(count, bytes, changed), file| {
        (count + 1, bytes + file.len(), changed.max(file.modified().ok()))
    })
}

fn read(model: &Path, threads: usize) -> anyhow::Result<Loaded> {
    let started = Instant::now();
    let loaded =
        Loaded::read(model, Arc::new(CpuDevice::new(threads)), precision(model)?, load::Base::Frozen)?;
    let bytes: usize = loaded.decoder.parameters().map(|parameter| parameter.weight.bytes()).sum();
    tracing::info!(model = %model.display(), bytes, elapsed_ms = started.elapsed().as_secs_f64() * 1e3, "model loaded");
    Ok(loaded)
}

/// The base with an adapter; nothing of the base is copied.
fn put_on(base: &Loaded, adapter: &Path) -> anyhow::Result<Loaded> {
    let started = Instant::now();
    let mut decoder = base.decoder.share_base();
    let mut attach = || -> anyhow::Result<()> {
        Ok(adapt::attach_adapter(&mut decoder, &Adapter::read(adapter)?, false)?)
    };
    attach().with_context(|| format!("adapter {}", adapter.display()))?;
    let own = decoder.parameters().filter(|parameter| Arc::strong_count(&parameter.weight) == 1);
    let bytes: usize = own.map(|parameter| parameter.weight.bytes()).sum();
    tracing::info!(adapter = %adapter.display(), bytes, elapsed_ms = started.elapsed().as_secs_f64() * 1e3, "adapter loaded");
    let (tokenizer, template, dir) = (base.tokenizer.clone(), base.template.clone(), base.dir.clone());
    Ok(Loaded { decoder, tokenizer, template, dir })
}

fn precision(model: &Path) -> anyhow::Result<Precision> {
    let parameters = spec_of(&ModelConfig::open(model)?)?.parameters();
    Ok(if parameters > LARGEST_IN_F32 { Precision::Bf16 } else { Precision::F32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(model: &str, adapter: Option<&str>, used: Instant) -> Entry {
        let weights = Weights { model: model.into(), adapter: adapter.map(PathBuf::from) };
        Entry { weights, state: (0, 0, None), used, loaded: Cell::default() }
    }

    fn names(entries: &Entries) -> Vec<String> {
        let name = |entry: &Entry| {
            let adapter = entry.weights.adapter.as_ref().map(|adapter| format!("+{}", adapter.display()));
            format!("{}{}", entry.weights.model.display(), adapter.unwrap_or_default())
        };
        entries.list.iter().map(name).collect()
    }

    #[test]
    fn what_was_not_asked_for_the_longest_goes_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let list = vec![
            entry("a", None, at(3)),
            entry("b", None, at(2)),
            entry("b", Some("x"), at(2)),
            entry("a", Some("y"), at(3)),
        ];
        let mut entries = Entries { list, watched: true };
        entries.make_room(true);
        assert_eq!(names(&entries), ["a", "b", "b+x", "a+y"], "there is room for adapters");
        entries.make_room(false);
        assert_eq!(names(&entries), ["a", "a+y"], "a model goes with its adapters");
        for number in 1..MOST_ADAPTERS as u64 {
            entries.list.push(entry("a", Some("z"), at(3 + number)));
        }
        entries.make_room(true);
        assert_eq!(entries.list.len(), MOST_ADAPTERS);
        assert!(!names(&entries).contains(&"a+y".to_owned()));
    }

    #[test]
    fn what_nobody_asks_for_is_given_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let list = vec![
            entry("a", None, at(1)),
            entry("b", None, at(1)),
            entry("a", Some("x"), at(1)),
            entry("a", Some("y"), at(9)),
        ];
        let mut entries = Entries { list, watched: true };
        entries.remove_unused(at(5));
        assert_eq!(names(&entries), ["a", "a+y"], "the base stays with what is on it");
        entries.remove_unused(at(10));
        assert!(entries.list.is_empty());
    }
}
