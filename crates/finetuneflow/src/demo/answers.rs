//! Asks a model.

use std::sync::atomic::AtomicBool;

use super::material::Question;
use crate::cli::model::Loaded;
use crate::evaluation::{self, compare};

/// New tokens for one answer: a sentence or two.
const MAX_TOKENS: usize = 96;

/// The greedy answers, in the order of the questions.
pub fn ask(loaded: &Loaded, questions: &[Question], cancel: &AtomicBool) -> anyhow::Result<Vec<String>> {
    let ask = |question: &Question| {
        let question = evaluation::Question::own(&question.question);
        Ok(compare::ask(loaded, &question, MAX_TOKENS, true, cancel)?.text)
    };
    questions.iter().map(ask).collect()
}
