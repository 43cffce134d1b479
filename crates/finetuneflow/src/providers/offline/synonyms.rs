//! Exchanging words of a question for others of the same meaning.

use super::lexicon::Lexicon;
use super::questions::Candidate;
use super::random::Random;
use super::wording::{capitalised, normalised};

/// Adds a copy with a synonym to about half of the questions.
pub fn vary(candidates: &mut Vec<Candidate>, sentence: &str, lexicon: &Lexicon, random: &mut Random) {
    let mut varied = Vec::new();
    // Only words of the sentence are exchanged, not those of the phrasings.
    let source = normalised(sentence);
    let groups: Vec<(&str, &[&str])> = lexicon
        .synonyms
        .iter()
        .flat_map(|group| group.iter().map(|word| (*word, *group)))
        .filter(|(word, _)| !lexicon.homonyms.contains(word))
        .filter(|(word, _)| format!(" {source}").contains(&format!(" {word}")))
        .collect();
    if groups.is_empty() {
        return;
    }
    for candidate in candidates.iter() {
        if random.below(2) == 0
            && let Some(question) = with_synonym(&candidate.question, &groups, random)
        {
            varied.push(Candidate { question, ..candidate.clone() });
        }
    }
    candidates.extend(varied);
}

fn with_synonym(question: &str, groups: &[(&str, &[&'static str])], random: &mut Random) -> Option<String> {
    let padded = format!(" {question} ");
    let lower = padded.to_lowercase();
    if lower.len() != padded.len() {
        return None;
    }
    let mut places = Vec::new();
    for (word, group) in groups {
        let found = lower.match_indices(word).find(|(at, _)| {
            let before = lower[..*at].chars().next_back();
            let after = lower[at + word.len()..].chars().next();
            before.is_some_and(|c| !c.is_alphanumeric() && c != '-')
                && after.is_some_and(|c| !c.is_alphanumeric() && c != '-')
        });
        if let Some((at, _)) = found {
            places.push((at, *group, *word));
        }
    }
    if places.is_empty() {
        return None;
    }
    let (at, group, word) = places[random.below(places.len())];
    // "a", "l'", "le" and "de" depend on the first letter behind them.
    let before = &lower[..at];
    let sensitive =
        [" a ", " an ", "l'", "d'", " le ", " la ", " de ", " que "].iter().any(|end| before.ends_with(end));
    let vowel = |text: &str| text.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'h', 'ê']);
    let others: Vec<&&str> =
        group.iter().filter(|other| **other != word && (!sensitive || vowel(other) == vowel(word))).collect();
    if others.is_empty() {
        return None;
    }
    let other = others[random.below(others.len())];
    Some(capitalised(format!("{}{other}{}", &padded[..at], &padded[at + word.len()..]).trim()))
}
