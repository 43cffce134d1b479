//! Keyword questions: content words of a sentence in many orders, with a word for the kind of value.

use super::facts::{Fact, FactKind};
use super::lexicon::Language;
use super::questions::{Candidate, QuestionKind, Statement};
use super::random::Random;
use super::{sentences, wording};

/// For each fact.
const KEYWORD_QUESTIONS: usize = 16;

impl Statement<'_> {
    /// The words that carry content, without figures, in order, in lower case.
    pub fn keywords(&self, without: Option<&Fact>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let pronoun = self.clauses.first().is_some_and(|clause| self.is_pronoun(clause));
        let few = self.clauses.is_empty()
            && self.words.iter().filter(|word| self.is_keyword(&word.lower)).count() < 3;
        if let (true, Some(context)) = (pronoun || few, self.context) {
            let words = sentences::words(context, self.lexicon.language == Language::French);
            found.extend(words.into_iter().map(|word| word.lower).filter(|word| self.is_keyword(word)));
        }
        for (index, word) in self.words.iter().enumerate() {
            let figure = |fact: &Fact| {
                matches!(
                    fact.kind,
                    FactKind::Money
                        | FactKind::Duration
                        | FactKind::Time
                        | FactKind::Percent
                        | FactKind::Frequency
                )
            };
            let inside = without
                .into_iter()
                .chain(self.facts.iter().filter(|fact| figure(fact)))
                .any(|fact| (fact.first..fact.last).contains(&index));
            if !inside && self.is_keyword(&word.lower) && !found.contains(&word.lower) {
                found.push(word.lower.clone());
            }
        }
        found
    }

    pub(super) fn is_keyword(&self, lower: &str) -> bool {
        lower.chars().count() >= 3
            && !self.lexicon.is_stop(lower)
            && !self.lexicon.number_words.contains(&lower)
            && !lower.contains(|c: char| c.is_ascii_digit())
    }

    pub(super) fn keyword_questions(
        &self,
        fact: Option<&Fact>,
        unique: &dyn Fn(&[String]) -> bool,
        random: &mut Random,
        candidates: &mut Vec<Candidate>,
    ) {
        let keywords = self.keywords(fact);
        let thing = Fact { kind: FactKind::Thing, first: 0, last: 0, unit: None };
        let asked = fact.unwrap_or(&thing);
        let cues = wording::cues(self.lexicon.language, asked.kind, asked.unit.as_deref());
        let mut patterns: Vec<&str> = self.lexicon.keyword.to_vec();
        random.shuffle(&mut patterns);
        for index in 0..KEYWORD_QUESTIONS {
            let Some(chosen) = choose(&keywords, unique, random) else { break };
            let text = chosen.join(" ");
            let question = match (index % 2, cues.is_empty()) {
                (0, false) => {
                    let cue = &cues[random.below(cues.len())];
                    match random.below(3) {
                        0 => format!("{text}: {cue}?"),
                        1 => format!("{text}, {cue}?"),
                        _ => format!("{cue} {text}?"),
                    }
                }
                _ => patterns[index % patterns.len()].replace("{k}", &text),
            };
            let mut candidate = self.candidate(question, QuestionKind::Keyword, asked);
            if fact.is_none() {
                candidate.fact = None;
                candidate.fact_kind = None;
            }
            candidates.push(candidate);
        }
    }
}

/// Two to five keywords, mostly with the first ones (the subject), often in another order.
fn choose(
    keywords: &[String],
    unique: &dyn Fn(&[String]) -> bool,
    random: &mut Random,
) -> Option<Vec<String>> {
    if keywords.is_empty() {
        return None;
    }
    for _ in 0..8 {
        let size = (2 + random.below(4)).min(keywords.len());
        let mut indices: Vec<usize> = (0..keywords.len()).collect();
        random.shuffle(&mut indices);
        let mut chosen: Vec<usize> = indices.into_iter().take(size).collect();
        if random.below(4) > 0 && !chosen.contains(&0) {
            chosen[0] = 0;
        }
        if random.below(5) < 3 {
            chosen.sort_unstable();
        }
        let words: Vec<String> = chosen.into_iter().map(|index| keywords[index].clone()).collect();
        if unique(&words) {
            return Some(words);
        }
    }
    unique(keywords).then(|| keywords.iter().take(7).cloned().collect())
}
