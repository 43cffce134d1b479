//! Freezing: approved examples become three JSONL texts and a name that says their content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checks::leaks;
use crate::dedupe::dedupe;
use crate::example::{Example, Status, hex};
use crate::split::{Split, SplitOptions, section, split};

/// A dataset that no longer changes. Rows are TRL `messages` (or `text`), one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// SHA-256 of all parts, in hexadecimal.
    pub content_hash: String,
    /// Lines of `train_jsonl`.
    pub train_count: usize,
    /// Lines of `recall_jsonl`.
    pub recall_count: usize,
    /// Lines of `held_out_jsonl`.
    pub held_out_count: usize,
    /// Approved examples that repeated others and were left out.
    pub duplicates: usize,
    /// Examples of held-out sections that belong to recall, because an example of another section has nearly their words.
    #[serde(default)]
    pub moved_to_recall: usize,
    /// How it was split.
    pub split: SplitOptions,
    /// The training part.
    #[serde(skip)]
    pub train_jsonl: String,
    /// To evaluate on: its sections are trained on.
    #[serde(skip)]
    pub recall_jsonl: String,
    /// To evaluate on: nothing of its sections is trained on.
    #[serde(skip)]
    pub held_out_jsonl: String,
}

/// Takes the approved examples, each content once, and splits them. The same content, seed and share give the
/// same hash, whatever the examples' order.
pub fn freeze(examples: &[Example], options: SplitOptions) -> DatasetVersion {
    let mut approved: Vec<&Example> =
        examples.iter().filter(|example| example.status == Status::Approved).collect();
    // Of the same content the one of the first section stays: the order of the examples must not choose.
    approved.sort_by_cached_key(|example| (example.content_hash(), section(&example.provenance)));
    let found = dedupe(approved.iter().copied());
    approved = found.kept.iter().map(|index| approved[*index]).collect();
    let mut parts = split(&approved, options);
    let moved_to_recall = keep_apart(&approved, &mut parts);
    let lines = |indices: &[usize]| -> String {
        indices.iter().map(|index| format!("{}\n", approved[*index].training_row())).collect()
    };
    let jsonl = [&parts.train, &parts.recall, &parts.held_out].map(|indices| lines(indices));
    let mut hasher = Sha256::new();
    for part in &jsonl {
        // The lengths keep the parts apart.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let [train_jsonl, recall_jsonl, held_out_jsonl] = jsonl;
    DatasetVersion {
        content_hash: hex(&hasher.finalize()),
        train_count: parts.train.len(),
        recall_count: parts.recall.len(),
        held_out_count: parts.held_out.len(),
        duplicates: found.duplicates.len(),
        moved_to_recall,
        split: options,
        train_jsonl,
        recall_jsonl,
        held_out_jsonl,
    }
}

/// Moves what is nearly trained on from the held-out part to recall; how many.
fn keep_apart(approved: &[&Example], parts: &mut Split) -> usize {
    if parts.held_out.is_empty() {
        return 0;
    }
    let of = |indices: &[usize]| -> Vec<&Example> { indices.iter().map(|index| approved[*index]).collect() };
    let leaks = leaks(&of(&parts.train), &of(&parts.held_out));
    for place in leaks.iter().rev() {
        parts.recall.push(parts.held_out.remove(*place));
    }
    parts.recall.sort_unstable();
    leaks.len()
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
        assert_eq!((one.train_count, one.recall_count, one.duplicates), (18, 2, 1));
        assert_eq!(one.train_jsonl.lines().count(), 18);
        assert!(!one.train_jsonl.contains("pending") && !one.recall_jsonl.contains("pending"));
        examples[2].messages[1].content = "other".into();
        assert_ne!(freeze(&examples, SplitOptions::default()).content_hash, one.content_hash);
        assert_eq!(freeze(&[], SplitOptions::default()).train_count, 0);
    }

    #[test]
    fn the_order_does_not_choose_the_section_of_repeated_content() {
        let mut examples: Vec<Example> =
            (0..60).map(|n| Example::question(format!("q{}", n % 30), "a")).collect();
        for (n, example) in examples.iter_mut().enumerate() {
            example.status = Status::Approved;
            example.provenance.heading_path = vec![format!("Section {}", n % 7)];
        }
        let options = SplitOptions { held_out_fraction: 0.3, ..SplitOptions::default() };
        let one = freeze(&examples, options);
        examples.reverse();
        assert_eq!(freeze(&examples, options), one);
        assert!(one.held_out_count > 0 && one.duplicates == 30);
        assert_eq!(one.train_count + one.recall_count + one.held_out_count, 30);
    }

    #[test]
    fn what_is_nearly_trained_on_is_not_held_out() {
        let words = "the reading room on the second floor opens on week days at nine in the morning, the one below \
            it for children an hour later, both of them stay open through the lunch break until the library closes \
            its doors for the night, and the café beside the entrance hall follows them half an hour after that at";
        let of_section = |section: usize, answer: &str| {
            let mut example = Example::question(format!("Question {section}?"), answer);
            example.status = Status::Approved;
            example.provenance.heading_path = vec![format!("Section {section}")];
            example
        };
        let mut examples: Vec<Example> =
            (0..6).map(|section| of_section(section, &format!("{words} {section} o'clock sharp"))).collect();
        let options = SplitOptions { eval_fraction: 0.0, held_out_fraction: 0.3, seed: 0 };
        let same = freeze(&examples, options);
        assert_eq!((same.held_out_count, same.moved_to_recall), (0, same.recall_count));
        assert!(same.moved_to_recall > 0);
        for (section, example) in examples.iter_mut().enumerate() {
            example.messages[1].content =
                (0..12).map(|word| format!("word{section}of{word} ")).collect::<String>();
        }
        let different = freeze(&examples, options);
        assert_eq!((different.moved_to_recall, different.held_out_count), (0, same.moved_to_recall));
    }
}
