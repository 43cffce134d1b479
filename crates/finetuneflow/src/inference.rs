//! Answers from models that stay loaded: the base and the adapters on it.
//!
//! One loaded decoder answers with and without its adapter, so that a comparison needs the base only once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::generation::{Finish, GenerationOptions, Sampling, generate};
use engine::models::{adapt, load, spec_of};
use engine::tokenizer::{ChatTemplate, Tokenizer};
use engine::weights::ModelConfig;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use crate::cli::model::Loaded;

/// Models that are kept; the one that was not asked for the longest time goes first.
const KEPT: usize = 2;
/// Answers that are made at the same time.
const AT_ONCE: usize = 2;
/// Weights of larger models are kept in bf16.
const LARGEST_IN_F32: usize = 300_000_000;

/// What to load: a model folder and, on it, an adapter folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Hugging Face folder.
    pub model: PathBuf,
    /// PEFT folder.
    pub adapter: Option<PathBuf>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// `{"role", "content"}` each.
    pub messages: Vec<Value>,
    /// New tokens at most.
    pub max_tokens: usize,
    /// How to draw.
    pub sampling: Sampling,
    /// False: the bare base.
    pub with_adapter: bool,
}

/// An answer's end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// All of the text.
    pub text: String,
    /// New tokens.
    pub tokens: usize,
    /// Tokens of the question.
    pub prompt_tokens: usize,
    /// Why it ended.
    pub finish: Finish,
    /// From the question to the end.
    pub elapsed: Duration,
}

struct Kept {
    weights: Weights,
    changed: Option<SystemTime>,
    loaded: Arc<Loaded>,
}

/// The loaded models.
pub struct Inference {
    threads: usize,
    kept: Mutex<Vec<Kept>>,
    turns: Semaphore,
}

impl Inference {
    /// Nothing is loaded yet. 0 threads: all cores.
    pub fn new(threads: usize) -> Self {
        Self { threads, kept: Mutex::new(Vec::new()), turns: Semaphore::new(AT_ONCE) }
    }

    /// The loaded model; read from its files the first time, and again when they changed.
    pub async fn load(&self, weights: Weights) -> anyhow::Result<Arc<Loaded>> {
        let changed = changed(&weights);
        let mut kept = self.kept.lock().await;
        let usable = |entry: &Kept| {
            entry.weights.model == weights.model
                && (weights.adapter.is_none() || (entry.weights == weights && entry.changed == changed))
        };
        if let Some(place) = kept.iter().position(usable) {
            let entry = kept.remove(place);
            let loaded = Arc::clone(&entry.loaded);
            kept.push(entry);
            return Ok(loaded);
        }
        let threads = self.threads;
        let wanted = weights.clone();
        let loaded = Arc::new(tokio::task::spawn_blocking(move || read(&wanted, threads)).await??);
        kept.retain(|entry| entry.weights != weights);
        while kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(Kept { weights, changed, loaded: Arc::clone(&loaded) });
        Ok(loaded)
    }

    /// Answers a question; `on_text` gets the answer in pieces, from another thread. Setting `cancel` ends it early.
    pub async fn answer(
        &self,
        loaded: Arc<Loaded>,
        question: Question,
        cancel: Arc<AtomicBool>,
        mut on_text: impl FnMut(&str) + Send + 'static,
    ) -> anyhow::Result<Answer> {
        let _turn = self.turns.acquire().await?;
        let work = move || -> anyhow::Result<Answer> {
            let started = Instant::now();
            let prompt = loaded.chat_prompt(&question.messages)?;
            let options = GenerationOptions {
                sampling: question.sampling,
                max_tokens: question.max_tokens,
                stop: Vec::new(),
                stop_ids: loaded.tokenizer.stop_ids().to_vec(),
                with_adapter: question.with_adapter,
            };
            let made =
                generate(&loaded.decoder, &loaded.tokenizer, &prompt, &options, &cancel, &mut on_text)?;
            Ok(Answer {
                text: made.text,
                tokens: made.ids.len(),
                prompt_tokens: made.prompt_tokens,
                finish: made.finish,
                elapsed: started.elapsed(),
            })
        };
        tokio::task::spawn_blocking(work).await?
    }
}

fn changed(weights: &Weights) -> Option<SystemTime> {
    let file = weights.adapter.as_ref()?.join("adapter_model.safetensors");
    std::fs::metadata(file).ok()?.modified().ok()
}

fn read(weights: &Weights, threads: usize) -> anyhow::Result<Loaded> {
    let dir = &weights.model;
    let tokenizer = Tokenizer::open(dir)?;
    let template = ChatTemplate::from_model_dir(dir)?;
    let mut decoder =
        load::load(dir, Arc::new(CpuDevice::new(threads)), precision(dir)?, load::Base::Frozen)?;
    if let Some(adapter) = &weights.adapter {
        let read = Adapter::read(adapter)?;
        adapt::attach_adapter(&mut decoder, &read, false)
            .with_context(|| format!("adapter {}", adapter.display()))?;
    }
    Ok(Loaded { decoder, tokenizer, template, dir: dir.clone() })
}

fn precision(dir: &Path) -> anyhow::Result<Precision> {
    let parameters = spec_of(&ModelConfig::open(dir)?)?.parameters();
    Ok(if parameters > LARGEST_IN_F32 { Precision::Bf16 } else { Precision::F32 })
}
