//! Exchanging words of a question for others of the same meaning.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lexicon::{Language, Lexicon};
use super::questions::Candidate;
use super::random::Random;
use super::wording::{capitalised, decapitalised, starts_with_vowel};

/// Words and short phrases with what may stand in their place.
///
/// The text has one group a line, `a|b|c`; lines with `;` are remarks. Of several groups with the same word the
/// first counts. `~word` may stand in for another, but is not exchanged itself.
pub struct Thesaurus {
    others: HashMap<&'static str, Vec<&'static str>>,
    /// Words of the longest phrase.
    longest: usize,
}

impl Thesaurus {
    fn parse(text: &'static str) -> Self {
        let mut others = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with(';')) {
            let bare = |word: &'static str| word.trim_start_matches('~');
            for word in line.split('|').filter(|word| !word.starts_with('~')) {
                others.entry(word).or_insert_with(|| {
                    line.split('|').map(bare).filter(|other| *other != word).collect::<Vec<_>>()
                });
            }
        }
        let longest = others.keys().map(|phrase| phrase.split(' ').count()).max().unwrap_or(0);
        Self { others, longest }
    }

    fn of(lexicon: &Lexicon) -> &'static Self {
        static ENGLISH: LazyLock<Thesaurus> =
            LazyLock::new(|| Thesaurus::parse(Lexicon::of(Language::English).synonyms));
        static FRENCH: LazyLock<Thesaurus> =
            LazyLock::new(|| Thesaurus::parse(Lexicon::of(Language::French).synonyms));
        match lexicon.language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }

    /// The longest known phrase at the start of `words`: its number of words and what may replace it.
    fn phrase_at(&self, words: &[&str], sentence_start: bool) -> Option<(usize, &[&'static str])> {
        (1..=self.longest.min(words.len())).rev().find_map(|count| {
            let (last, before) = words[..count].split_last()?;
            if before.iter().any(|word| word.ends_with(MARKS)) {
                return None;
            }
            let phrase = [before, &[last.trim_end_matches(MARKS)]].concat().join(" ");
            let found = self.others.get(phrase.as_str()).or_else(|| {
                let lower = sentence_start.then(|| decapitalised(&phrase))?;
                self.others.get(lower.as_str())
            })?;
            Some((count, found.as_slice()))
        })
    }
}

const MARKS: [char; 7] = ['?', '.', ',', ':', ';', '!', '"'];
/// Copies of a question in other words.
const COPIES: usize = 2;

/// Adds copies in other words.
pub fn vary(candidates: &mut Vec<Candidate>, lexicon: &Lexicon, random: &mut Random) {
    let thesaurus = Thesaurus::of(lexicon);
    let mut varied = Vec::new();
    for candidate in candidates.iter() {
        for _ in 0..COPIES {
            if let Some(question) = in_other_words(&candidate.question, thesaurus, lexicon.language, random) {
                varied.push(Candidate { question, ..candidate.clone() });
            }
        }
    }
    candidates.extend(varied);
}

/// About every second known phrase exchanged; `None` where nothing was.
fn in_other_words(
    question: &str,
    thesaurus: &Thesaurus,
    language: Language,
    random: &mut Random,
) -> Option<String> {
    let words: Vec<&str> = question.split_whitespace().collect();
    let (mut new, mut changed, mut at) = (Vec::with_capacity(words.len()), false, 0);
    while at < words.len() {
        let Some((count, others)) = thesaurus.phrase_at(&words[at..], at == 0) else {
            new.push(words[at].to_string());
            at += 1;
            continue;
        };
        let last = words[at + count - 1];
        let marks = &last[last.trim_end_matches(MARKS).len()..];
        let other = others.get(random.below(others.len())).filter(|other| {
            // "le", "que" and their like depend on the letter behind them.
            language == Language::English || starts_with_vowel(other) == starts_with_vowel(words[at])
        });
        match other.filter(|_| random.below(2) == 0) {
            Some(other) => {
                if language == Language::English {
                    adapt_article(new.last_mut(), other);
                }
                new.push(format!("{other}{marks}"));
                changed = true;
            }
            None => new.extend(words[at..at + count].iter().map(|word| (*word).to_string())),
        }
        at += count;
    }
    changed.then(|| capitalised(&new.join(" ")))
}

/// "a fault" → "an error". The sound of "h" and "u" is not known: there the article stays.
fn adapt_article(article: Option<&mut String>, next: &str) {
    let Some(article) = article.filter(|word| matches!(word.as_str(), "a" | "an")) else { return };
    if next.starts_with(['a', 'e', 'i', 'o']) && !next.starts_with("one") {
        *article = "an".into();
    } else if !next.starts_with(['h', 'u']) {
        *article = "a".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_exchanged_and_the_article_follows() {
        let thesaurus =
            Thesaurus::parse("; remark\na big|an old\nfault|error\nHow long|For how much time\nfix|~get\n");
        let mut random = Random::for_text(1, "x");
        let mut found: Vec<String> = (0..100)
            .filter_map(|_| {
                in_other_words("How long is a fault, get it?", &thesaurus, Language::English, &mut random)
            })
            .collect();
        found.sort();
        found.dedup();
        assert_eq!(
            found,
            [
                "For how much time is a fault, get it?",
                "For how much time is an error, get it?",
                "How long is an error, get it?"
            ]
        );
    }
}
