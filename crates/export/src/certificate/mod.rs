//! Proof that exported files are the model that was trained.
//!
//! The trained model (base and adapter, as the trainer has them) and each exported file read the same rows. Compared are
//! the token ids of the rows, the loss of their answers, and after the same prompts the likeliest tokens and the whole
//! distributions. One model is in memory at a time; products are made in f32 for all of them.

mod compare;
mod opened;

use std::path::{Path, PathBuf};

use engine::adapters::peft::Adapter;
use engine::batching::sample_rows;
use engine::weights::{DType, ModelConfig};
use serde::{Deserialize, Serialize};

use crate::report::{CertificateFacts, CertificateRow};
use crate::{Control, ExportError, Quantization, gguf, gguf_adapter};
use compare::{Reference, compare};
use opened::{Opened, Settings};

/// Version of [`Certificate`]'s JSON.
const FORMAT_VERSION: u32 = 1;
/// Rows of which token ids and loss are compared.
const ROWS: usize = 48;
/// Rows whose prompts are continued.
const PROMPTS: usize = 8;
/// Tokens after each prompt.
const TOKENS: usize = 32;

/// What is compared with what.
#[derive(Debug, Clone, Copy)]
pub struct CertificateRequest<'a> {
    /// The base model of the training.
    pub model: &'a Path,
    /// The trained adapter; without one `model` is the trained model itself.
    pub adapter: Option<&'a Path>,
    /// Rows as for training: JSON Lines.
    pub rows: &'a Path,
    /// Rows are cut to so many tokens; `None` is the model's context.
    pub max_seq_len: Option<usize>,
    /// The exported files and folders.
    pub files: &'a [PathBuf],
    /// Keep weights in bf16: half the memory of f32, where the base itself is no finer.
    pub weights_in_bf16: bool,
    /// 0 takes the machine's cores.
    pub threads: usize,
}

/// How an exported file relates to the trained model; from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same token ids, the same likeliest tokens, the same distributions but for the rounding of sums.
    Same,
    /// The same token ids; the distributions differ as much as the file's number format explains.
    Close,
    /// It is not this model any more; see the reason.
    Different,
}

/// Why a file is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The number format rounds the weights.
    Rounding,
    /// Text becomes other tokens: the tokenizer or the chat template was changed on the way.
    TokenIds,
    /// The distributions are further apart than the number format explains.
    Distributions,
    /// The file cannot be loaded or read.
    Unreadable,
}

/// The answer of [`certify`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    pub format_version: u32,
    /// The worst of the entries.
    pub verdict: Verdict,
    pub reference: ReferenceFacts,
    pub entries: Vec<Entry>,
}

/// What the files were compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceFacts {
    pub rows: usize,
    pub supervised_tokens: usize,
    /// Mean negative log-likelihood of the rows' answers.
    pub loss: f64,
    pub prompts: usize,
    /// Tokens after the prompts: so many distributions were compared.
    pub positions: usize,
}

/// One exported file or folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The file's or folder's name.
    pub name: String,
    /// `peft`, `merged`, `gguf` or `gguf-adapter`.
    pub format: String,
    pub quantization: Option<String>,
    pub verdict: Verdict,
    pub reason: Option<Reason>,
    /// The reason with its facts, in English.
    pub detail: Option<String>,
    /// Absent where the file could not be read.
    pub measured: Option<Measured>,
}

/// What was seen of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Rows whose token ids and labels are equal, of [`ReferenceFacts::rows`].
    pub rows_equal: usize,
    /// Prompts whose continuation by likeliest tokens is equal, of [`ReferenceFacts::prompts`].
    pub texts_equal: usize,
    /// Places where the likeliest token is equal, of [`ReferenceFacts::positions`].
    pub tokens_equal: usize,
    /// Kullback-Leibler divergence of the file's distributions from the trained model's, in nats.
    pub kl_mean: f64,
    pub kl_max: f64,
    /// The largest mean divergence that counts as close.
    pub kl_bound: f64,
    pub loss: f64,
    /// Minus the trained model's.
    pub loss_difference: f64,
}

/// Compares every file with the trained model. A file that cannot be read is an entry that says so.
///
/// # Errors
/// The trained model or the rows cannot be read, or the caller cancelled.
pub fn certify(request: &CertificateRequest, control: &Control) -> Result<Certificate, ExportError> {
    let steps = request.files.len() + 1;
    control.step(0, steps)?;
    let rows = sample_rows(request.rows, ROWS)?;
    let settings = Settings {
        weights_in_bf16: request.weights_in_bf16,
        threads: request.threads,
        max_seq_len: request.max_seq_len,
    };
    let adapter = request.adapter.map(Adapter::read).transpose()?;
    let reference = {
        let trained = Opened::load(request.model, adapter.as_ref(), &settings)?;
        Reference::measure(&trained, &rows, &settings, control)?
    };
    let mut entries = Vec::new();
    for (done, file) in request.files.iter().enumerate() {
        control.step(done + 1, steps)?;
        let trained =
            Trained { model: request.model, adapter: adapter.as_ref(), rows: &rows, reference: &reference };
        entries.push(entry(&trained, &settings, file, control)?);
    }
    control.step(steps, steps)?;
    let verdict = entries.iter().map(|entry| entry.verdict).max().unwrap_or(Verdict::Same);
    Ok(Certificate { format_version: FORMAT_VERSION, verdict, reference: reference.facts(), entries })
}

/// What files are compared with.
struct Trained<'a> {
    model: &'a Path,
    adapter: Option<&'a Adapter>,
    rows: &'a [(u64, engine::batching::Row)],
    reference: &'a Reference,
}

impl Trained<'_> {
    /// A file as the model that others make of it: an adapter alone goes onto the base of the training.
    fn open(&self, file: &Path, kind: Kind, settings: &Settings) -> Result<Opened, ExportError> {
        let read = match (kind.format, self.adapter) {
            ("peft", _) => Adapter::read(file)?,
            ("gguf-adapter", Some(trained)) => {
                gguf_adapter::read(file, &ModelConfig::open(self.model)?, trained)?
            }
            ("gguf-adapter", None) => {
                let message = "an adapter alone can be compared with a trained adapter only";
                return Err(ExportError::Request(message.to_string()));
            }
            _ => return Opened::load(file, None, settings),
        };
        Opened::load(self.model, Some(&read), settings)
    }
}

fn entry(
    trained: &Trained,
    settings: &Settings,
    file: &Path,
    control: &Control,
) -> Result<Entry, ExportError> {
    let Trained { rows, reference, .. } = trained;
    let kind = Kind::of(file);
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let seen = kind.and_then(|kind| {
        let opened = trained.open(file, kind, settings)?;
        Ok((kind, compare(reference, &opened, rows, settings, control)?))
    });
    let entry = |format: &str,
                 quantization: Option<Quantization>,
                 judged: Judged,
                 measured: Option<Measured>| Entry {
        name,
        format: format.to_string(),
        quantization: quantization.map(|quantization| quantization.id().to_string()),
        verdict: judged.0,
        reason: judged.1,
        detail: judged.2,
        measured,
    };
    let different = |reason: Reason, detail: String| (Verdict::Different, Some(reason), Some(detail));
    match seen {
        Ok((kind, measured)) if !measured.kl_max.is_finite() || !measured.loss.is_finite() => {
            let detail = "its answers are no numbers, or it has another vocabulary".to_string();
            Ok(entry(kind.format, kind.quantization, different(Reason::Distributions, detail), None))
        }
        Ok((kind, measured)) => {
            let measured = Measured { kl_bound: kind.bound(), ..measured };
            let judged = judge(&measured, &reference.facts());
            Ok(entry(kind.format, kind.quantization, judged, Some(measured)))
        }
        Err(ExportError::Cancelled) => Err(ExportError::Cancelled),
        Err(error) => {
            let judged = different(Reason::Unreadable, error.to_string());
            Ok(entry(Kind::format_of(file), None, judged, None))
        }
    }
}

type Judged = (Verdict, Option<Reason>, Option<String>);

/// Sums in another order move f32 logits in their last digits; no more than this is left of it in a distribution.
const SUM_ROUNDING: f64 = 1e-6;

fn judge(measured: &Measured, reference: &ReferenceFacts) -> Judged {
    let (kl, bound) = (measured.kl_mean, measured.kl_bound);
    if measured.rows_equal < reference.rows {
        let different = reference.rows - measured.rows_equal;
        let detail = format!(
            "{different} of {} rows become other tokens: its tokenizer or chat template is not the one of the training",
            reference.rows
        );
        return (Verdict::Different, Some(Reason::TokenIds), Some(detail));
    }
    if kl > bound {
        let detail = format!(
            "its answers are further from the trained model's (mean divergence {kl:.2e}) than its number format explains ({bound:.0e})"
        );
        return (Verdict::Different, Some(Reason::Distributions), Some(detail));
    }
    if kl <= SUM_ROUNDING && measured.tokens_equal == reference.positions {
        return (Verdict::Same, None, None);
    }
    let detail = format!(
        "its number format rounds the weights (mean divergence {kl:.2e}, expected up to {bound:.0e})"
    );
    (Verdict::Close, Some(Reason::Rounding), Some(detail))
}

/// What a file or folder is.
#[derive(Debug, Clone, Copy)]
struct Kind {
    format: &'static str,
    quantization: Option<Quantization>,
}

impl Kind {
    fn format_of(path: &Path) -> &'static str {
        match path {
            folder if folder.join("adapter_config.json").is_file() => "peft",
            folder if folder.is_dir() => "merged",
            file if gguf_adapter::is_adapter(file) => "gguf-adapter",
            _ => "gguf",
        }
    }

    fn of(path: &Path) -> Result<Self, ExportError> {
        let format = Self::format_of(path);
        let quantization = match format {
            "peft" => None,
            "merged" => merged_type(path)?,
            "gguf-adapter" => gguf_adapter::file_quantization(path)?,
            _ => gguf::file_quantization(path)?,
        };
        Ok(Self { format, quantization })
    }

    /// The largest mean divergence that the format's rounding explains. Small models spread less than large ones, so
    /// these are several times what models of some billions of parameters show.
    fn bound(self) -> f64 {
        match self.quantization {
            None | Some(Quantization::F32) => SUM_ROUNDING,
            Some(Quantization::F16) => 1e-4,
            Some(Quantization::BF16 | Quantization::Q8_0) => 1e-2,
            Some(Quantization::Q6_K) => 3e-2,
            Some(Quantization::Q5_K_M) => 6e-2,
            Some(Quantization::Q4_K_M) => 0.15,
            Some(Quantization::Q4_0) => 0.3,
        }
    }
}

impl From<&Certificate> for CertificateFacts {
    fn from(certificate: &Certificate) -> Self {
        let words = |verdict: Verdict| match verdict {
            Verdict::Same => "the same as the trained model",
            Verdict::Close => "close to the trained model",
            Verdict::Different => "different from the trained model",
        };
        let positions = certificate.reference.positions;
        let row = |entry: &Entry| CertificateRow {
            what: entry.name.clone(),
            quantization: entry.quantization.clone(),
            ids_equal: entry.measured.as_ref().map(|seen| seen.rows_equal == certificate.reference.rows),
            greedy_equal: entry.measured.as_ref().map(|seen| format!("{} of {positions}", seen.tokens_equal)),
            kl_mean: entry.measured.as_ref().map(|seen| seen.kl_mean),
            loss_difference: entry.measured.as_ref().map(|seen| seen.loss_difference),
            verdict: words(entry.verdict).to_string(),
            reason: entry.detail.clone(),
        };
        Self {
            verdict: words(certificate.verdict).to_string(),
            rows: certificate.entries.iter().map(row).collect(),
        }
    }
}

fn merged_type(folder: &Path) -> Result<Option<Quantization>, ExportError> {
    let dtype = ModelConfig::open(folder)?.torch_dtype;
    let named = |quantization: &Quantization| quantization.dtype().map(DType::torch_name) == dtype.as_deref();
    Ok(Quantization::ALL.into_iter().filter(|quantization| quantization.dtype().is_some()).find(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_from_what_was_measured() {
        let reference =
            ReferenceFacts { rows: 10, supervised_tokens: 50, loss: 1.0, prompts: 4, positions: 40 };
        let same = Measured {
            rows_equal: 10,
            texts_equal: 4,
            tokens_equal: 40,
            kl_mean: 1e-9,
            kl_max: 1e-8,
            kl_bound: 1e-2,
            loss: 1.0,
            loss_difference: 0.0,
        };
        let cases = [
            (same.clone(), Verdict::Same, None),
            (Measured { kl_mean: 5e-3, ..same.clone() }, Verdict::Close, Some(Reason::Rounding)),
            (Measured { tokens_equal: 39, ..same.clone() }, Verdict::Close, Some(Reason::Rounding)),
            (Measured { kl_mean: 2e-2, ..same.clone() }, Verdict::Different, Some(Reason::Distributions)),
            (Measured { rows_equal: 9, ..same }, Verdict::Different, Some(Reason::TokenIds)),
        ];
        for (measured, verdict, reason) in cases {
            let judged = judge(&measured, &reference);
            assert_eq!((judged.0, judged.1), (verdict, reason), "{measured:?}");
            assert_eq!(judged.2.is_some(), reason.is_some());
        }
    }
}
