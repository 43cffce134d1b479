//! Whether an answer comes from its source: its content words, its numbers, its names. Words are compared, not meanings:
//! a true answer in other words is flagged too, and a false one in the source's words is not.

use std::collections::HashSet;

use super::words::{content_stems, is_stop_word, numbers, spelled_numbers, stem, words};
use super::{Check, CheckOptions, Finding, FindingKind, Subject, distinct, each};

/// Needs a source; without one it finds nothing.
pub static CHECK: Check = Check {
    id: "grounded",
    description: "words, numbers and names of the answer stand in its source text",
    run: |subjects, options| each(subjects, |subject| look(subject, options)),
};

/// Fewer content words say too little.
const MIN_WORDS: usize = 3;
/// Items that a finding lists.
const LISTED: usize = 10;

fn look(subject: &Subject, options: &CheckOptions) -> Vec<Finding> {
    let Some(source) = subject.source else { return Vec::new() };
    let answer = subject.answers();
    let stems: HashSet<String> = words(source).map(|(_, word)| stem(word)).collect();
    let mut findings = Vec::new();
    findings.extend(overlap(&answer, &stems, options.min_overlap));
    let missing = distinct(missing_numbers(&answer, source), LISTED);
    if !missing.is_empty() {
        let reason = format!("the source does not have these numbers of the answer: {}", missing.join(", "));
        findings.push(Finding::new(FindingKind::UnsupportedNumbers, 0.4, reason, missing));
    }
    let missing = distinct(missing_names(&answer, &stems), LISTED);
    if !missing.is_empty() {
        let reason = format!("the source does not have these names of the answer: {}", missing.join(", "));
        findings.push(Finding::new(FindingKind::UnsupportedNames, 0.6, reason, missing));
    }
    findings
}

fn overlap(answer: &str, source: &HashSet<String>, min_overlap: f64) -> Option<Finding> {
    let content: HashSet<String> = content_stems(answer).collect();
    if content.len() < MIN_WORDS {
        return None;
    }
    let found = content.iter().filter(|word| source.contains(*word)).count();
    let share = found as f64 / content.len() as f64;
    (share < min_overlap).then(|| {
        let reason = format!(
            "only {found} of the answer's {} content words stand in the source: check that the answer comes from it",
            content.len()
        );
        Finding::new(FindingKind::NotGrounded, share as f32, reason, Vec::new())
    })
}

fn missing_numbers(answer: &str, source: &str) -> Vec<String> {
    let mut known: HashSet<String> = spelled_numbers(source).map(str::to_string).collect();
    for number in numbers(source) {
        known.extend(number.parts);
        known.insert(number.value);
    }
    numbers(answer)
        .into_iter()
        .filter(|number| {
            !known.contains(&number.value) && !number.parts.iter().all(|part| known.contains(part))
        })
        .map(|number| number.written)
        .collect()
}

/// Runs of capitalised words inside a sentence; the first word of a sentence is capitalised anyway.
fn missing_names(answer: &str, source: &HashSet<String>) -> Vec<String> {
    let mut names: Vec<(usize, String)> = Vec::new();
    for (start, word) in words(answer) {
        let capital = word.chars().next().is_some_and(char::is_uppercase) && word.chars().nth(1).is_some();
        let missing = capital
            && !begins_sentence(&answer[..start])
            && !is_stop_word(&word.to_lowercase())
            && !source.contains(&stem(word));
        if !missing {
            continue;
        }
        match names.last_mut() {
            Some((end, name)) if *end + 1 == start && answer[*end..].starts_with(' ') => {
                name.push(' ');
                name.push_str(word);
                *end = start + word.len();
            }
            _ => names.push((start + word.len(), word.to_string())),
        }
    }
    names.into_iter().map(|(_, name)| name).collect()
}

fn begins_sentence(before: &str) -> bool {
    let trimmed = before.trim_end();
    before[trimmed.len()..].contains('\n')
        || trimmed.chars().next_back().is_none_or(|last| ".!?…:;\"“«‘([-–—*•#|>_".contains(last))
}
