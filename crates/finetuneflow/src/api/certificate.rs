//! What the comparisons of exported files with the trained model found.

use chrono::{DateTime, Utc};
use export::certificate as measured;
use serde::{Deserialize, Serialize};
use store::run_events::RunEvent;
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::ollama::{self, Pushed};

/// How a file relates to the trained model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same but for the rounding of sums.
    Same,
    /// It differs as much as its number format explains.
    Close,
    /// It is not this model any more.
    Different,
}

/// Why a file is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The number format rounds the weights.
    Rounding,
    /// Text becomes other tokens.
    TokenIds,
    /// The distributions are further apart than the number format explains.
    Distributions,
    /// It cannot be loaded or read.
    Unreadable,
}

/// All files of a run that were compared, each as it was exported last.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// The run.
    pub run_id: Uuid,
    /// The worst of the entries; null where nothing was compared yet.
    pub verdict: Option<Verdict>,
    /// One a file.
    pub entries: Vec<CertificateEntry>,
    /// The model in Ollama, as it was pushed last; null where it never was.
    pub ollama: Option<OllamaEntry>,
}

/// The model in Ollama beside the trained model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OllamaEntry {
    /// Its name there.
    pub name: String,
    /// Where.
    pub address: String,
    /// Of its weights.
    pub quantization: String,
    /// `same`: it is asked as it was trained and answers as here; `close`: answers differ; `different`: it is asked otherwise;
    /// null where that could not be found out.
    pub verdict: Option<Verdict>,
    /// Conversations that were compared.
    pub prompts: u64,
    /// Of them, those that reach the model as in the training.
    pub prompts_equal: u64,
    /// Answers that were compared.
    pub answers: u64,
    /// Of them, equal ones.
    pub answers_equal: u64,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// One exported file beside the trained model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CertificateEntry {
    /// The file's or folder's name, as it was before it was packed.
    pub name: String,
    /// One of `options.export_formats` in `GET /api/settings`.
    pub format: String,
    /// Of GGUF and merged models.
    pub quantization: Option<String>,
    /// How it relates to the trained model.
    pub verdict: Verdict,
    /// Why it is not the same.
    pub reason: Option<Reason>,
    /// The reason with its facts, in English.
    pub detail: Option<String>,
    /// What was seen; null where it could not be read.
    pub measured: Option<CertificateFigures>,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// What was seen of one file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CertificateFigures {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that become the same token ids.
    pub rows_equal: u64,
    /// Prompts that were continued.
    pub prompts: u64,
    /// Prompts whose likeliest continuation is the same.
    pub texts_equal: u64,
    /// Places whose distributions were compared.
    pub positions: u64,
    /// Places where the likeliest token is the same.
    pub tokens_equal: u64,
    /// Kullback-Leibler divergence from the trained model, in nats.
    pub kl_mean: f64,
    /// The largest of them.
    pub kl_max: f64,
    /// Up to here the number format explains the mean.
    pub kl_bound: f64,
    /// Mean over the rows' answers.
    pub loss: f64,
    /// The trained model's.
    pub loss_reference: f64,
}

impl Certificate {
    /// Of a run's `certificate` and `ollama` events, oldest first.
    pub fn of(run_id: Uuid, events: &[RunEvent]) -> ApiResult<Self> {
        let mut entries: Vec<CertificateEntry> = Vec::new();
        let mut ollama = None;
        for event in events {
            if event.kind == "ollama" {
                let pushed = serde_json::from_value(event.payload.clone()).map_err(ApiError::internal)?;
                ollama = Some(OllamaEntry::of(pushed, event.created_at));
                continue;
            }
            let found: measured::Certificate =
                serde_json::from_value(event.payload.clone()).map_err(ApiError::internal)?;
            for entry in found.entries {
                entries.retain(|known| known.name != entry.name);
                entries.push(CertificateEntry::of(entry, &found.reference, event.created_at));
            }
        }
        let verdict = entries.iter().map(|entry| entry.verdict).max();
        Ok(Self { run_id, verdict, entries, ollama })
    }
}

impl OllamaEntry {
    fn of(pushed: Pushed, created_at: DateTime<Utc>) -> Self {
        use ollama::verify::Verdict::{Different, Equal, Unknown};
        let verdict = match (pushed.prompts.verdict, pushed.answers.verdict) {
            (Different, _) => Some(Verdict::Different),
            (Equal, Equal) => Some(Verdict::Same),
            // Other answers can be rounding; other prompts are an error.
            (Equal, Different) => Some(Verdict::Close),
            (Unknown, _) | (_, Unknown) => None,
        };
        Self {
            name: pushed.name,
            address: pushed.address,
            quantization: pushed.quantization,
            verdict,
            prompts: pushed.prompts.compared as u64,
            prompts_equal: pushed.prompts.equal as u64,
            answers: pushed.answers.compared as u64,
            answers_equal: pushed.answers.equal as u64,
            created_at,
        }
    }
}

impl CertificateEntry {
    fn of(entry: measured::Entry, reference: &measured::ReferenceFacts, created_at: DateTime<Utc>) -> Self {
        Self {
            name: entry.name,
            format: entry.format,
            quantization: entry.quantization,
            verdict: entry.verdict.into(),
            reason: entry.reason.map(Into::into),
            detail: entry.detail,
            measured: entry.measured.map(|measured| CertificateFigures {
                rows: reference.rows as u64,
                rows_equal: measured.rows_equal as u64,
                prompts: reference.prompts as u64,
                texts_equal: measured.texts_equal as u64,
                positions: reference.positions as u64,
                tokens_equal: measured.tokens_equal as u64,
                kl_mean: measured.kl_mean,
                kl_max: measured.kl_max,
                kl_bound: measured.kl_bound,
                loss: measured.loss,
                loss_reference: reference.loss,
            }),
            created_at,
        }
    }
}

impl From<measured::Verdict> for Verdict {
    fn from(verdict: measured::Verdict) -> Self {
        match verdict {
            measured::Verdict::Same => Self::Same,
            measured::Verdict::Close => Self::Close,
            measured::Verdict::Different => Self::Different,
        }
    }
}

impl From<measured::Reason> for Reason {
    fn from(reason: measured::Reason) -> Self {
        match reason {
            measured::Reason::Rounding => Self::Rounding,
            measured::Reason::TokenIds => Self::TokenIds,
            measured::Reason::Distributions => Self::Distributions,
            measured::Reason::Unreadable => Self::Unreadable,
        }
    }
}
