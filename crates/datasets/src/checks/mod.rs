//! Checks of examples: each gets a score from 0 to 1 and the findings that lowered it. Nothing is dropped here.
//!
//! One file a check, one line each in [`REGISTRY`]. A check sees the whole set at once, because duplicates need it; an
//! example alone is a set of one.

use serde::{Deserialize, Serialize};

use crate::example::{Example, Quality, Role};

mod duplicates;
mod grounded;
mod length;
pub mod minhash;
mod near_duplicates;
mod personal_data;
mod refusals;
mod template_tokens;
mod words;

/// What can be found; stable names for programs and translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The answer's words are not those of its source.
    NotGrounded,
    /// Numbers of the answer that its source does not have.
    UnsupportedNumbers,
    /// Capitalised names of the answer that its source does not have.
    UnsupportedNames,
    /// More tokens than a training row may have.
    TooManyTokens,
    /// The same content as an earlier example.
    Duplicate,
    /// Nearly the words of an earlier example.
    NearDuplicate,
    /// An evaluation example whose like is trained on.
    EvalOverlap,
    /// Marks of a chat template or of a prompt template inside a text.
    TemplateTokens,
    /// A model that declines instead of answering.
    Refusal,
    /// E-mail addresses, telephone, card or account numbers.
    PersonalData,
}

impl FindingKind {
    /// The name that is stored in [`Quality::issues`].
    pub fn name(self) -> &'static str {
        match self {
            Self::NotGrounded => "not_grounded",
            Self::UnsupportedNumbers => "unsupported_numbers",
            Self::UnsupportedNames => "unsupported_names",
            Self::TooManyTokens => "too_many_tokens",
            Self::Duplicate => "duplicate",
            Self::NearDuplicate => "near_duplicate",
            Self::EvalOverlap => "eval_overlap",
            Self::TemplateTokens => "template_tokens",
            Self::Refusal => "refusal",
            Self::PersonalData => "personal_data",
        }
    }
}

/// One reason to look at an example again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// What the score is multiplied by, 0 to 1.
    pub factor: f32,
    /// For people.
    pub reason: String,
    /// The places in question: numbers, names, marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
}

impl Finding {
    fn new(kind: FindingKind, factor: f32, reason: impl Into<String>, items: Vec<String>) -> Self {
        Self { kind, factor, reason: reason.into(), items }
    }
}

/// What the checks say of one example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The product of the findings' factors; 1 without findings.
    pub score: f32,
    /// In the order of [`REGISTRY`].
    pub findings: Vec<Finding>,
}

impl Checked {
    /// As an example stores it.
    pub fn quality(&self) -> Quality {
        let mut issues: Vec<String> =
            self.findings.iter().map(|finding| finding.kind.name().to_string()).collect();
        issues.dedup();
        Quality { score: Some(self.score), issues }
    }
}

/// The part of a dataset that an example is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// It is trained on.
    #[default]
    Train,
    /// It is kept for evaluation.
    Eval,
}

/// An example and what is known around it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What is checked.
    pub example: &'a Example,
    /// The text that its answers should come from.
    pub source: Option<&'a str>,
    /// Where it is used.
    pub part: Part,
}

impl<'a> Subject<'a> {
    /// To be trained on, of unknown source.
    pub fn new(example: &'a Example) -> Self {
        Self { example, source: None, part: Part::Train }
    }

    /// All answers, one after the other.
    fn answers(&self) -> String {
        let answers: Vec<&str> = self
            .example
            .messages
            .iter()
            .filter(|message| message.role == Role::Assistant)
            .map(|message| message.content.as_str())
            .collect();
        answers.join("\n")
    }
}

/// How long an example may be.
#[derive(Clone, Copy)]
pub struct TokenLimit<'a> {
    /// Length of a text in tokens.
    pub count: &'a dyn Fn(&str) -> usize,
    /// Tokens of all messages together; what a chat template adds comes on top.
    pub max_tokens: usize,
}

/// What the checks go by.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// Without it lengths are not checked.
    pub token_limit: Option<TokenLimit<'a>>,
    /// Share of an answer's content words that its source must have.
    pub min_overlap: f64,
    /// Jaccard similarity of word shingles from which on two examples are nearly the same.
    pub min_similarity: f64,
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        Self { token_limit: None, min_overlap: 0.5, min_similarity: 0.8 }
    }
}

/// Findings, each with the index of its example.
pub type Found = Vec<(usize, Finding)>;

/// A check.
pub struct Check {
    /// Stable name for programs.
    pub id: &'static str,
    /// What it looks for, in one line for people.
    pub description: &'static str,
    /// Looks at a set.
    pub run: fn(&[Subject], &CheckOptions) -> Found,
}

/// All checks.
pub static REGISTRY: &[&Check] = &[
    &grounded::CHECK,
    &length::CHECK,
    &duplicates::CHECK,
    &near_duplicates::CHECK,
    &template_tokens::CHECK,
    &refusals::CHECK,
    &personal_data::CHECK,
];

/// Runs every check; one answer for each subject, in their order.
pub fn check(subjects: &[Subject], options: &CheckOptions) -> Vec<Checked> {
    let mut checked = vec![Checked { score: 1.0, findings: Vec::new() }; subjects.len()];
    for check in REGISTRY {
        for (index, finding) in (check.run)(subjects, options) {
            checked[index].score *= finding.factor;
            checked[index].findings.push(finding);
        }
    }
    checked
}

/// Pairs of nearly the same words, (later, earlier), one for each later example.
pub fn near_duplicates(examples: &[&Example]) -> Vec<(usize, usize)> {
    let pairs = near_duplicates::similar(examples, CheckOptions::default().min_similarity, examples.len());
    pairs.into_iter().map(|(later, earlier, _)| (later, earlier)).collect()
}

/// Indices of the evaluation examples that have nearly the words of a training example.
pub fn leaks(train: &[&Example], eval: &[&Example]) -> Vec<usize> {
    let all: Vec<&Example> = train.iter().chain(eval).copied().collect();
    let pairs = near_duplicates::similar(&all, CheckOptions::default().min_similarity, train.len());
    pairs.into_iter().filter_map(|(later, ..)| later.checked_sub(train.len())).collect()
}

/// A check that looks at one example at a time.
fn each(subjects: &[Subject], look: impl Fn(&Subject) -> Vec<Finding>) -> Found {
    let found = |(index, subject)| look(subject).into_iter().map(move |finding| (index, finding));
    subjects.iter().enumerate().flat_map(found).collect()
}

/// Indices with those of the training part first, so that what repeats is found in the evaluation part.
fn training_first(subjects: &[Subject]) -> Vec<usize> {
    let part = |wanted: Part| {
        subjects.iter().enumerate().filter(move |(_, subject)| subject.part == wanted).map(|(index, _)| index)
    };
    part(Part::Train).chain(part(Part::Eval)).collect()
}

/// The words that a repetition is told in; `original` is the index of the one that stays.
fn repeats(subjects: &[Subject], index: usize, original: usize, how: &str) -> (bool, String) {
    let leaks = subjects[index].part == Part::Eval && subjects[original].part == Part::Train;
    let number = original + 1;
    let reason = match leaks {
        true => format!(
            "{how} example {number}, which is trained on: evaluation would reward remembering; remove one of them"
        ),
        false => format!("{how} example {number}: remove one of them"),
    };
    (leaks, reason)
}

/// Up to `max` items, each once.
fn distinct(items: impl IntoIterator<Item = String>, max: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for item in items {
        if kept.len() < max && !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
