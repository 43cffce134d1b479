//! Freezing: approved examples become two JSONL texts and a name that says their content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dedupe::dedupe;
use crate::example::{Example, Status, hex};
use crate::split::{SplitOptions, split};

/// A dataset that no longer changes. Rows are TRL `messages` (or `text`), one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// SHA-256 of both parts, in hexadecimal.
    pub content_hash: String,
    /// Lines of `train_jsonl`.
    pub train_count: usize,
    /// Lines of `eval_jsonl`.
    pub eval_count: usize,
    /// Approved examples that repeated others and were left out.
    pub duplicates: usize,
    /// How it was split.
    pub split: SplitOptions,
    /// The training part.
    #[serde(skip)]
    pub train_jsonl: String,
    /// The evaluation part.
    #[serde(skip)]
    pub eval_jsonl: String,
}

/// Takes the approved examples, each content once, and splits them. The same content, seed and share give the
/// same hash, whatever the examples' order.
pub fn freeze(examples: &[Example], options: SplitOptions) -> DatasetVersion {
    let mut approved: Vec<&Example> =
        examples.iter().filter(|example| example.status == Status::Approved).collect();
    let found = dedupe(approved.iter().copied());
    approved = found.kept.iter().map(|index| approved[*index]).collect();
    approved.sort_by_cached_key(|example| example.content_hash());
    let parts = split(&approved, options);
    let lines = |indices: &[usize]| -> String {
        indices.iter().map(|index| format!("{}\n", approved[*index].training_row())).collect()
    };
    let (train_jsonl, eval_jsonl) = (lines(&parts.train), lines(&parts.eval));
    let mut hasher = Sha256::new();
    // The length keeps train and eval apart.
    hasher.update((train_jsonl.len() as u64).to_le_bytes());
    hasher.update(&train_jsonl);
    hasher.update(&eval_jsonl);
    DatasetVersion {
        content_hash: hex(&hasher.finalize()),
        train_count: parts.train.len(),
        eval_count: parts.eval.len(),
        duplicates: found.duplicates.len(),
        split: options,
        train_jsonl,
        eval_jsonl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_hash() {
        let mut examples: Vec<Example> = (0..20).map(|n| Example::question(format!("q{n}"), "a")).collect();
        examples.iter_mut().for_each(|example| example.status = Status::Approved);
        examples.push(examples[3].clone());
        examples.push(Example::question("pending", "a"));
        let one = freeze(&examples, SplitOptions::default());
        examples.reverse();
        let other = freeze(&examples, SplitOptions::default());
        assert_eq!(one, other);
        assert_eq!((one.train_count, one.eval_count, one.duplicates), (18, 2, 1));
        assert_eq!(one.train_jsonl.lines().count(), 18);
        assert!(!one.train_jsonl.contains("pending") && !one.eval_jsonl.contains("pending"));
        examples[2].messages[1].content = "other".into();
        assert_ne!(freeze(&examples, SplitOptions::default()).content_hash, one.content_hash);
        assert_eq!(freeze(&[], SplitOptions::default()).train_count, 0);
    }
}
