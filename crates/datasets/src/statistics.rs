//! Counts and lengths of a set of examples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checks;
use crate::dedupe::dedupe;
use crate::example::{Example, Role, Status};
use crate::sources::{Coverage, Sources};

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
    /// By ISO 639-3 code of the language; "" where it is not sure.
    pub by_language: BTreeMap<String, usize>,
    /// By the findings of the checks; an example may have several.
    pub by_issue: BTreeMap<String, usize>,
    /// The same, of rejected examples; "" where a rejected one has none.
    pub rejected_by_issue: BTreeMap<String, usize>,
    /// Repetitions of an earlier example.
    pub duplicates: usize,
    /// With nearly the words of an earlier example (Jaccard similarity of shingles from 0.8 on).
    pub near_duplicates: usize,
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
    /// How much of the documents is used; empty where no sources were given.
    pub coverage: Vec<Coverage>,
}

/// Counts a set of examples. `count_tokens` counts a text's tokens; `sources` are the chunks of the documents.
pub fn statistics(
    examples: &[Example],
    count_tokens: Option<&dyn Fn(&str) -> usize>,
    sources: Option<&Sources>,
) -> Statistics {
    let repeats = dedupe(examples);
    let distinct: Vec<&Example> = repeats.kept.iter().map(|index| &examples[*index]).collect();
    let mut found = Statistics {
        examples: examples.len(),
        duplicates: repeats.duplicates.len(),
        near_duplicates: checks::near_duplicates(&distinct).len(),
        coverage: sources.map(|sources| sources.coverage(examples)).unwrap_or_default(),
        ..Statistics::default()
    };
    let (mut messages, mut prompts, mut answers, mut tokens) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for example in examples {
        *found.by_status.entry(example.status).or_default() += 1;
        *found.by_generator.entry(example.provenance.generator.clone().unwrap_or_default()).or_default() += 1;
        *found.by_file.entry(example.provenance.file_name.clone().unwrap_or_default()).or_default() += 1;
        *found.by_language.entry(language(example)).or_default() += 1;
        count_issues(example, &mut found);
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

fn count_issues(example: &Example, found: &mut Statistics) {
    for issue in &example.quality.issues {
        *found.by_issue.entry(issue.clone()).or_default() += 1;
    }
    if example.status == Status::Rejected {
        let unnamed = [String::new()];
        let issues = if example.quality.issues.is_empty() { &unnamed[..] } else { &example.quality.issues };
        for issue in issues {
            *found.rejected_by_issue.entry(issue.clone()).or_default() += 1;
        }
    }
}

/// ISO 639-3 code of an example's language, by its first thousand characters or so; "" for short and mixed texts.
pub fn language(example: &Example) -> String {
    const ENOUGH: usize = 1000;
    let mut text = String::new();
    for message in example.messages.iter().filter(|message| message.role != Role::System) {
        text.extend(message.content.chars().take(ENOUGH));
        text.push('\n');
        if text.len() > ENOUGH {
            break;
        }
    }
    whatlang::detect(&text)
        .filter(whatlang::Info::is_reliable)
        .map(|found| found.lang().code().to_string())
        .unwrap_or_default()
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
        let found = statistics(&examples, Some(&words), None);
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
        assert_eq!(statistics(&[], None, None), Statistics::default());
    }

    #[test]
    fn languages_and_issues() {
        let mut examples = vec![
            Example::question(
                "Combien de jours de congé un employé peut-il prendre chaque année ?",
                "Chaque employé dispose de vingt-cinq jours de congé par année civile, sauf accord contraire.",
            ),
            Example::question(
                "How many days of leave may an employee take in a year?",
                "Every employee may take twenty-five days of leave in a calendar year, unless agreed otherwise.",
            ),
            Example::question("1", "2"),
        ];
        examples[0].quality.issues = vec!["refusal".into(), "duplicate".into()];
        examples[0].status = Status::Rejected;
        examples[1].quality.issues = vec!["refusal".into()];
        examples[2].status = Status::Rejected;
        let found = statistics(&examples, None, None);
        let counts = |pairs: &[(&str, usize)]| -> BTreeMap<String, usize> {
            pairs.iter().map(|(name, count)| ((*name).to_string(), *count)).collect()
        };
        assert_eq!(found.by_language, counts(&[("", 1), ("eng", 1), ("fra", 1)]));
        assert_eq!(found.by_issue, counts(&[("duplicate", 1), ("refusal", 2)]));
        assert_eq!(found.rejected_by_issue, counts(&[("", 1), ("duplicate", 1), ("refusal", 1)]));
    }
}
