//! What is known about a run: the structures that the report is made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is known about a run. Every `Option` that is `None` and every empty list is left out of the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    pub title: String,
    pub run_id: Option<String>,
    /// RFC 3339.
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub base_model: String,
    /// `lora`, `full`, …
    pub method: String,
    /// The settings of the run, as an object: `training_config.json`.
    pub configuration: Value,
    pub dataset: DatasetFacts,
    pub steps: Vec<StepFacts>,
    pub evaluations: Vec<EvaluationFacts>,
    /// Of the base model, on the examples of recall (of the training, where none are held back).
    pub before: Option<Metrics>,
    /// Of the tuned model, on the same.
    pub after: Option<Metrics>,
    /// Examples that `before` and `after` are of.
    pub measured_examples: Option<u64>,
    /// On sections of which nothing was trained on.
    pub held_out: Option<HeldOutFacts>,
    /// What the model lost of what it knew before.
    pub neutral: Option<NeutralFacts>,
    /// Answers of the base and the tuned model to the same questions.
    pub answers: Vec<AnswerFacts>,
    /// The files that were made of the run.
    pub exports: Vec<ExportFacts>,
    /// What was compared between those files and the trainer.
    pub certificate: Option<CertificateFacts>,
    pub totals: Totals,
    /// Device, threads, versions: name and value, in order.
    pub environment: Vec<(String, String)>,
    /// The end of the run's log, a line each.
    pub log: Vec<String>,
    /// What a reader must know: limits, warnings, what the data is.
    pub notes: Vec<String>,
}

/// The data that a run learned from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetFacts {
    pub name: String,
    /// Digest of the exact rows.
    pub sha256: Option<String>,
    pub train_examples: Option<u64>,
    pub eval_examples: Option<u64>,
    pub supervised_tokens: Option<u64>,
    /// The documents that the examples were made from.
    pub sources: Vec<String>,
}

/// One optimizer step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct StepFacts {
    pub step: u64,
    pub loss: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

/// An evaluation during the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationFacts {
    pub step: u64,
    pub eval_loss: f64,
}

/// What an evaluation of one model measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervised_tokens: Option<u64>,
    /// Share of the questions whose answer holds the fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<f64>,
}

/// One question, before and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerFacts {
    pub question: String,
    /// The document that it asks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// `recall`, `held_out`, `training`, or `own` for a question of the person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The fact that a right answer holds, or the whole right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_holds_fact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_holds_fact: Option<bool>,
    /// Share of the words of the right answer that are in this one, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_words: Option<f64>,
    /// As `before_words`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_words: Option<f64>,
}

/// Both models on sections of which nothing was trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldOutFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Metrics>,
}

/// Loss on texts that have nothing to do with the training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NeutralFacts {
    pub before_loss: f64,
    pub after_loss: f64,
    /// `after / before - 1`.
    pub change: f64,
    /// In words.
    pub verdict: String,
    /// Tokens that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// A file that was made of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportFacts {
    /// `peft`, `merged`, `gguf`, …
    pub format: String,
    pub file_name: String,
    pub size_bytes: u64,
    /// Of the file's bytes, in hexadecimal.
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization: Option<String>,
    /// Tensors that are kept in another form than the one asked for, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
    /// What a user of the file must know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What was compared between the trainer and the exported files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateFacts {
    /// Of everything together, in words.
    pub verdict: String,
    pub rows: Vec<CertificateRow>,
}

/// One exported file against the trainer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateRow {
    /// `merged`, `gguf`, `ollama`, …
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization: Option<String>,
    /// Whether all prompts became the same token ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids_equal: Option<bool>,
    /// How much of the greedy answers is equal, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greedy_equal: Option<String>,
    /// Mean Kullback-Leibler divergence of the next token's probabilities, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl_mean: Option<f64>,
    /// Loss of the file minus that of the trainer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_difference: Option<f64>,
    /// In words.
    pub verdict: String,
    /// Why it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Sums over the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trainable_parameters: Option<u64>,
}
