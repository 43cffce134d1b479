//! Counts and lengths of a set of examples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dedupe::dedupe;
use crate::example::{Example, Role, Status};

/// Smallest, middle and largest of a row of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many.
    pub count: usize,
    /// Their sum.
    pub sum: usize,
    /// The smallest.
    pub min: usize,
    /// The arithmetic mean.
    pub mean: f64,
    /// The middle one (the lower of two).
    pub median: usize,
    /// 95 % are not larger (nearest rank).
    pub p95: usize,
    /// The largest.
    pub max: usize,
}

impl Distribution {
    /// Of these numbers; all zero where there are none.
    pub fn of(mut values: Vec<usize>) -> Self {
        values.sort_unstable();
        let count = values.len();
        let (Some(min), Some(max)) = (values.first().copied(), values.last().copied()) else {
            return Self::default();
        };
        let sum = values.iter().sum();
        let p95 = values[(count * 95).div_ceil(100).saturating_sub(1)];
        Self { count, sum, min, mean: sum as f64 / count as f64, median: values[(count - 1) / 2], p95, max }
    }
}

/// What is in a set of examples. Lengths are characters; tokens only where a counter was given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// All of them.
    pub examples: usize,
    /// By status.
    pub by_status: BTreeMap<Status, usize>,
    /// By generator; "" where it is not known.
    pub by_generator: BTreeMap<String, usize>,
    /// By source file; "" where it is not known.
    pub by_file: BTreeMap<String, usize>,
    /// Repetitions of an earlier example.
    pub duplicates: usize,
    /// With a system message.
    pub with_system: usize,
    /// With more than one answer.
    pub multi_turn: usize,
    /// With tools.
    pub with_tools: usize,
    /// Plain text.
    pub plain_text: usize,
    /// Messages of an example.
    pub messages: Distribution,
    /// Characters of all messages that are no answers.
    pub prompt_chars: Distribution,
    /// Characters of all answers.
    pub answer_chars: Distribution,
    /// Tokens of an example's messages, by the counter that was given.
    pub tokens: Option<Distribution>,
}

/// Counts a set of examples. `count_tokens` counts a text's tokens.
pub fn statistics(examples: &[Example], count_tokens: Option<&dyn Fn(&str) -> usize>) -> Statistics {
    let mut found = Statistics {
        examples: examples.len(),
        duplicates: dedupe(examples).duplicates.len(),
        ..Statistics::default()
    };
    let (mut messages, mut prompts, mut answers, mut tokens) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for example in examples {
        *found.by_status.entry(example.status).or_default() += 1;
        *found.by_generator.entry(example.provenance.generator.clone().unwrap_or_default()).or_default() += 1;
        *found.by_file.entry(example.provenance.file_name.clone().unwrap_or_default()).or_default() += 1;
        let spoken_by = |role: Role| example.messages.iter().filter(move |message| message.role == role);
        found.with_system += usize::from(spoken_by(Role::System).next().is_some());
        found.multi_turn += usize::from(spoken_by(Role::Assistant).count() > 1);
        found.with_tools += usize::from(example.tools.is_some());
        found.plain_text += usize::from(example.as_text().is_some());
        let chars = |answer: bool| {
            example
                .messages
                .iter()
                .filter(|message| (message.role == Role::Assistant) == answer)
                .map(|message| message.content.chars().count())
                .sum()
        };
        messages.push(example.messages.len());
        prompts.push(chars(false));
        answers.push(chars(true));
        if let Some(count) = count_tokens {
            tokens.push(example.messages.iter().map(|message| count(&message.content)).sum());
        }
    }
    found.messages = Distribution::of(messages);
    found.prompt_chars = Distribution::of(prompts);
    found.answer_chars = Distribution::of(answers);
    found.tokens = count_tokens.map(|_| Distribution::of(tokens));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_lengths() {
        let mut examples =
            vec![Example::question("abc", "de"), Example::question("abc", "de"), Example::text("0123456789")];
        examples[0].status = Status::Approved;
        let words = |text: &str| text.split_whitespace().count();
        let found = statistics(&examples, Some(&words));
        assert_eq!((found.examples, found.duplicates, found.plain_text), (3, 1, 1));
        assert_eq!(found.by_status, BTreeMap::from([(Status::Approved, 1), (Status::Pending, 2)]));
        assert_eq!(
            (
                found.answer_chars.min,
                found.answer_chars.median,
                found.answer_chars.max,
                found.answer_chars.sum
            ),
            (2, 2, 10, 14)
        );
        assert_eq!(found.tokens.map(|tokens| tokens.sum), Some(5));
        assert_eq!(statistics(&[], None), Statistics::default());
    }
}
