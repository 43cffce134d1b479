//! A model into an Ollama: written as files, sent, made, and looked at from outside.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use engine::generation::Sampling;
use export::ollama::{Described, Options, RenderCheck, WEIGHTS, render_checks};
use export::{Control, Quantization, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::verify::{Comparison, answered, rendered};
use super::{Client, OllamaError};
use crate::inference::{self, AnswerOptions, Inference, Weights};
use crate::words::{Activity, Words};

/// What both are asked, to compare their answers.
const QUESTIONS: [&str; 3] = ["Hello!", "What can you tell me?", "Write one short sentence about a dog."];
/// Jobs share one place in the queue of answers.
const ASKER: inference::Client = inference::Client(0);
/// Tokens of such an answer.
const ANSWER_TOKENS: u32 = 32;

/// What is to be pushed.
#[derive(Clone, Debug)]
pub struct Push {
    /// The model, and the adapter on it.
    pub weights: Weights,
    /// The model's name there.
    pub name: String,
    /// Of its weights.
    pub quantization: Quantization,
    /// A model of this name that is there gives way.
    pub replace: bool,
    /// Beside weights and template.
    pub options: Options,
}

/// What a push is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Weights and Modelfile are written.
    Export,
    /// The weights' digest is computed.
    Digest,
    /// The weights are sent.
    Upload,
    /// Ollama makes the model.
    Create,
    /// What it renders is compared.
    Render,
    /// What it answers is compared.
    Answer,
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Which.
    pub stage: Stage,
    /// In the stage's own units.
    pub done: u64,
    /// Of all.
    pub total: u64,
}

impl Progress {
    /// Of the whole push, in percent. The shares of the stages are rough.
    pub fn percent(self) -> f64 {
        let (begin, end) = match self.stage {
            Stage::Export => (0.0, 45.0),
            Stage::Digest => (45.0, 55.0),
            Stage::Upload => (55.0, 80.0),
            Stage::Create => (80.0, 85.0),
            Stage::Render => (85.0, 92.0),
            Stage::Answer => (92.0, 100.0),
        };
        let share = if self.total == 0 { 0.0 } else { self.done.min(self.total) as f64 / self.total as f64 };
        begin + share * (end - begin)
    }

    /// For people.
    pub fn activity(self) -> Activity {
        let Self { stage, done, total } = self;
        match stage {
            Stage::Export => Activity::WritingModel {},
            Stage::Digest => Activity::Checksum {},
            Stage::Upload => Activity::Sending { done: done >> 20, total: total >> 20 },
            Stage::Create => Activity::OllamaMakes {},
            Stage::Render => Activity::ComparingPrompts { done, total },
            Stage::Answer => Activity::ComparingAnswers { done, total },
        }
    }
}

/// Hears of the progress.
pub type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

/// A model that is in Ollama now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pushed {
    /// Its name there.
    pub name: String,
    /// Where.
    pub address: String,
    /// Ollama's version there.
    pub version: String,
    /// Of its weights.
    pub quantization: String,
    /// Of the weights' file.
    pub digest: String,
    /// Its size.
    pub size_bytes: u64,
    /// A template for Ollama was written; otherwise the one in the file counts.
    pub has_template: bool,
    /// What ends an answer.
    pub stop: Vec<String>,
    /// Tokens of the context.
    pub num_ctx: u32,
    /// What a reader should know.
    pub warnings: Vec<Words>,
    /// Whether it asks its model as it was trained.
    pub prompts: Comparison,
    /// Whether it answers as the model does here.
    pub answers: Comparison,
}

/// What stays the same while a push goes on.
pub struct Means<'a> {
    /// The other end.
    pub client: &'a Client,
    /// An empty folder for the model's files, on a disk with room for them.
    pub scratch: &'a Path,
    /// Our own answers.
    pub inference: &'a Arc<Inference>,
    /// Ends the work.
    pub cancel: Arc<AtomicBool>,
    /// Hears of the progress.
    pub listener: Listener,
}

impl Push {
    /// Pushes the model. Bytes that are there already are not sent again.
    ///
    /// # Errors
    /// What cannot be exported, and [`OllamaError`]. A model that is there but differs is no error: see
    /// [`Pushed::prompts`].
    pub async fn run(&self, means: &Means<'_>) -> anyhow::Result<Pushed> {
        let client = means.client;
        let version = client.version().await?;
        if !self.replace && client.has_model(&self.name).await? {
            return Err(OllamaError::Exists {
                address: client.address().to_owned(),
                name: self.name.clone(),
            }
            .into());
        }
        let folder = means.scratch.join("ollama");
        let described = self.export(means, &folder).await?;
        let weights = folder.join(WEIGHTS);
        let (digest, size_bytes) = digest(means, &weights).await?;
        let tell = Arc::clone(&means.listener);
        let on_bytes = move |done| tell(Progress { stage: Stage::Upload, done, total: size_bytes });
        client.upload(&weights, &digest, size_bytes, on_bytes).await?;
        let tell = |stage, done, total| (means.listener)(Progress { stage, done, total });
        tell(Stage::Create, 0, 1);
        client
            .create(&self.body(&described, &digest), |status| tracing::debug!(status, "ollama create"))
            .await?;
        // It has a copy of its own.
        tokio::fs::remove_dir_all(&folder).await.ok();
        let prompts = self.compare_prompts(means).await?;
        let answers = self.compare_answers(means).await?;
        Ok(Pushed {
            name: self.name.clone(),
            address: client.address().to_owned(),
            version,
            quantization: self.quantization.id().to_owned(),
            digest,
            size_bytes,
            has_template: described.modelfile.template.is_some(),
            stop: described.modelfile.stop,
            num_ctx: described.modelfile.num_ctx,
            warnings: described.warnings.into_iter().map(Words::from).collect(),
            prompts,
            answers,
        })
    }

    async fn export(&self, means: &Means<'_>, folder: &Path) -> anyhow::Result<Described> {
        let (push, folder) = (self.clone(), folder.to_path_buf());
        let (cancel, listener) = (Arc::clone(&means.cancel), Arc::clone(&means.listener));
        let work = move || {
            let told = |progress: export::Progress| {
                let (done, total) = (progress.done as u64, progress.total as u64);
                listener(Progress { stage: Stage::Export, done, total });
            };
            let request = Request {
                model: &push.weights.model,
                adapter: push.weights.adapter.as_deref(),
                quantization: Some(push.quantization),
                // Some loaders take a model for one of another family by its name alone: the base's own stands in the file.
                name: None,
                provenance: None,
                out: &folder,
            };
            let control = Control { cancel: &cancel, progress: &told };
            export::ollama::export_with(&request, &push.options, &control)
        };
        Ok(tokio::task::spawn_blocking(work).await??.described)
    }

    /// The request that makes the model.
    fn body(&self, described: &Described, digest: &str) -> Value {
        let modelfile = &described.modelfile;
        let mut parameters = Map::new();
        parameters.insert("num_ctx".to_owned(), modelfile.num_ctx.into());
        parameters.insert("repeat_penalty".to_owned(), 1.0.into());
        if !modelfile.stop.is_empty() {
            parameters.insert("stop".to_owned(), json!(modelfile.stop));
        }
        if let Some(temperature) = modelfile.temperature {
            parameters.insert("temperature".to_owned(), f64::from(temperature).into());
        }
        let mut body = json!({
            "model": self.name, "files": { WEIGHTS: digest }, "parameters": parameters, "stream": true,
        });
        let texts = [
            ("template", &modelfile.template),
            ("system", &modelfile.system),
            ("license", &modelfile.license),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                body[field] = json!(text);
            }
        }
        body
    }

    /// What Ollama gives its model, against what the model was trained with.
    async fn compare_prompts(&self, means: &Means<'_>) -> anyhow::Result<Comparison> {
        let model = self.weights.model.clone();
        let checks = tokio::task::spawn_blocking(move || render_checks(&model)).await??;
        // With a system text of its own, Ollama adds it to conversations that have none.
        let has_system =
            |check: &RenderCheck| check.messages.first().is_some_and(|first| first["role"] == "system");
        let checks: Vec<RenderCheck> =
            checks.into_iter().filter(|check| self.options.system.is_none() || has_system(check)).collect();
        let mut differences = Vec::new();
        for (index, check) in checks.iter().enumerate() {
            let (stage, total) = (Stage::Render, checks.len() as u64);
            (means.listener)(Progress { stage, done: index as u64, total });
            match means.client.render(&self.name, &check.messages).await? {
                Some(there) => differences.extend(rendered(&check.messages, &check.expected, &there)),
                None => {
                    let why =
                        "This version of Ollama does not show what it gives its model: update it to compare.";
                    return Ok(Comparison::unknown(why));
                }
            }
        }
        let note = "A beginning-of-text token that the tokenizer adds by itself is in neither text.";
        Ok(Comparison::of(checks.len(), differences, Some(note.to_owned())))
    }

    /// What the model answers there, against what it answers here.
    async fn compare_answers(&self, means: &Means<'_>) -> anyhow::Result<Comparison> {
        let mut differences = Vec::new();
        for (index, question) in QUESTIONS.iter().enumerate() {
            let (stage, total) = (Stage::Answer, QUESTIONS.len() as u64);
            (means.listener)(Progress { stage, done: index as u64, total });
            let mut messages: Vec<Value> =
                self.options.system.iter().map(|text| json!({ "role": "system", "content": text })).collect();
            messages.push(json!({ "role": "user", "content": question }));
            let ready = match means.inference.prepare(ASKER, &self.weights, &messages).await {
                Ok(ready) => ready,
                Err(error) => {
                    return Ok(Comparison::unknown(format!("The model cannot answer here: {error}.")));
                }
            };
            let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
            let options = AnswerOptions { max_tokens: ANSWER_TOKENS as usize, sampling, stop: Vec::new() };
            let here = ready.answer(options).end().await?;
            let there = means.client.chat(&self.name, &messages, ANSWER_TOKENS).await?;
            differences.extend(answered(question, &here.text, &there));
        }
        let note = match self.quantization {
            Quantization::F32 | Quantization::F16 => {
                "The most likely word each time. Rounding can turn a close decision, and the answer goes on differently."
            }
            _ => {
                "The most likely word each time. Weights of this type are rounded more, so that answers may differ."
            }
        };
        Ok(Comparison::of(QUESTIONS.len(), differences, Some(note.to_owned())))
    }
}

/// `sha256:…` of a file, and its size.
async fn digest(means: &Means<'_>, file: &Path) -> anyhow::Result<(String, u64)> {
    let (cancel, listener) = (Arc::clone(&means.cancel), Arc::clone(&means.listener));
    let file: PathBuf = file.to_path_buf();
    let work = move || -> anyhow::Result<(String, u64)> {
        let total = std::fs::metadata(&file)?.len();
        let (mut hasher, mut done) = (Sha256::new(), 0);
        let mut reader = std::fs::File::open(&file)?;
        let mut piece = vec![0; 1 << 20];
        loop {
            if cancel.load(Ordering::Relaxed) {
                bail!("cancelled");
            }
            let read = reader.read(&mut piece)?;
            if read == 0 {
                break;
            }
            hasher.update(&piece[..read]);
            done += read as u64;
            listener(Progress { stage: Stage::Digest, done, total });
        }
        let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((format!("sha256:{hex}"), done))
    };
    tokio::task::spawn_blocking(work).await?
}
