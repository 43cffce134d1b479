//! What an evaluation compares: the base model and what a run made of it, on the same rows, texts and questions.
//!
//! [`compare`](compare::compare) measures (in the process of the `evaluate` command), [`Comparison`] is what is stored of
//! it with the run, [`questions`] chooses what is asked.

pub mod compare;
pub mod facts;
pub mod neutral;
pub mod questions;

use export::report::Metrics;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use neutral::{Neutral, Verdict};
pub use questions::{Place, Question, QuestionSet};

/// Of [`Comparison`]. Version 1 had figures alone.
pub const FORMAT_VERSION: u32 = 2;
/// New tokens of an answer, when nothing else is asked for.
pub const MAX_TOKENS: usize = 128;

/// The base model and the tuned one; the payload of the run's `comparison` event and the result of its job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// [`FORMAT_VERSION`]; 0 in what was stored before there was a number.
    pub version: u32,
    /// The run.
    pub run_id: Option<Uuid>,
    /// The frozen data that was measured on.
    pub dataset_version_id: Option<Uuid>,
    /// `held_back` (recall), or `training` where nothing was held back.
    pub data: String,
    /// Examples of that data.
    pub rows: u64,
    /// The base model on it.
    pub before: Metrics,
    /// The tuned model on it.
    pub after: Metrics,
    /// On sections of which nothing was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Sides>,
    /// What was lost of what the model could do before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neutral: Option<Neutral>,
    /// Answers side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerPair>,
    /// New tokens that an answer could have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
}

/// Both models on the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sides {
    /// Examples.
    pub rows: u64,
    /// The base model.
    pub before: Metrics,
    /// The tuned model.
    pub after: Metrics,
}

/// The same question put to both models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerPair {
    /// Where the question is from.
    pub set: QuestionSet,
    /// The person's last words.
    pub question: String,
    /// The answer that the example has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The example and its document; `None` for a question of the person's own, and for an example that has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The base model's.
    pub before: Said,
    /// The tuned model's.
    pub after: Said,
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The greedy answer.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// False where it was cut at the most tokens.
    pub complete: bool,
    /// Share of the expected answer's telling words that are in it, 0 to 1; see [`facts::share_told`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<f64>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_of_the_first_version_still_read() {
        let stored = json!({
            "run_id": Uuid::nil(), "dataset_version_id": Uuid::nil(), "data": "held_back", "rows": 4,
            "before": { "eval_loss": 2.0, "perplexity": 7.4, "token_accuracy": 0.5, "supervised_tokens": 40 },
            "after": { "eval_loss": 1.0, "perplexity": null },
            "held_out": { "rows": 2, "before": { "eval_loss": 2.5 }, "after": {} },
        });
        let read: Comparison = serde_json::from_value(stored).expect("reads");
        assert_eq!(
            (read.version, read.rows, read.after.eval_loss, read.after.perplexity),
            (0, 4, Some(1.0), None)
        );
        let held_out = read.held_out.expect("is there");
        assert_eq!((held_out.rows, held_out.before.eval_loss), (2, Some(2.5)));
        assert!(read.neutral.is_none() && read.answers.is_empty());
    }
}
