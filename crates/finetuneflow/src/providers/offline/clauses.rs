//! Finds subject, verb and the rest in a sentence: just enough grammar to turn statements into questions.

use std::ops::Range;

use super::lexicon::{Language, Lexicon};
use super::sentences::Word;
use super::verbs;

/// The verb of a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verb {
    /// Dictionary form; of an auxiliary the form as it stands ("is", "must").
    pub lemma: String,
    /// The word asks its own questions by inversion ("is", "can", "must").
    pub auxiliary: bool,
    /// "does", "do" or "did"; empty for auxiliaries and for French.
    pub support: &'static str,
}

/// A clause, as ranges of its sentence's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Words before the subject, up to a comma ("On Mondays,").
    pub lead: Range<usize>,
    /// Empty for imperatives.
    pub subject: Range<usize>,
    /// The verb with its reflexive pronoun.
    pub verb_words: Range<usize>,
    pub verb: Verb,
    /// What follows the verb, up to the next clause.
    pub tail: Range<usize>,
}

/// The clauses of a sentence that have a verb we know. Later ones without a subject inherit the first one's.
pub fn clauses(words: &[Word], lexicon: &Lexicon) -> Vec<Clause> {
    let reader = Reader { words, lexicon };
    let Some(mut first) = reader.clause(0) else { return Vec::new() };
    let mut found = Vec::new();
    // "… opens at 9 and closes at 18": a conjunction with a verb right behind starts a clause.
    while let Some((joint, next)) = reader.following(&first) {
        first.tail.end = joint;
        found.push(first);
        first = next;
    }
    found.push(first);
    found.extend((2..words.len()).filter_map(|at| reader.relative(at)));
    found
}

struct Reader<'a> {
    words: &'a [Word],
    lexicon: &'a Lexicon,
}

impl Reader<'_> {
    /// "…the lifeboat Constance, which is 11.5 metres long": the clause behind the comma about the noun before it.
    fn relative(&self, at: usize) -> Option<Clause> {
        let bound = matches!(self.lower(at), "which" | "who") && self.words[at - 1].after.contains(',');
        if !bound {
            return None;
        }
        let start = (at.saturating_sub(6)..at - 1)
            .rev()
            .find(|&before| matches!(self.lower(before), "the" | "a" | "an" | "our"))?;
        if (start..at - 1).any(|index| !self.words[index].after.is_empty()) {
            return None;
        }
        let verb = self.verb(at + 1, false)?;
        let tail = at + 2..self.words.len();
        let end = tail.clone().find(|&index| self.words[index].after.contains([',', ';']));
        Some(Clause {
            lead: start..start,
            subject: start..at,
            verb_words: at + 1..at + 2,
            verb,
            tail: tail.start..end.map_or(tail.end, |index| index + 1),
        })
    }

    fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.lower.as_str())
    }

    fn clause(&self, from: usize) -> Option<Clause> {
        let end = self.words.len();
        let lead_end = self.lead_end(from);
        if from == 0
            && let Some(clause) = self.imperative(lead_end)
        {
            return Some(clause);
        }
        let verb_at = (lead_end + 1..end).find(|at| self.is_verb(lead_end, *at))?;
        let mut subject_end = verb_at;
        let mut verb_start = verb_at;
        if matches!(self.lower(verb_at - 1), "se" | "s'") && verb_at > lead_end + 1 {
            subject_end -= 1;
            verb_start -= 1;
        }
        if matches!(
            self.lower(subject_end - 1),
            "ne" | "n'" | "not" | "also" | "always" | "usually" | "only" | "then" | "never"
        ) && subject_end > lead_end + 1
        {
            subject_end -= 1;
        }
        // "Music: not allowed after 20:00" is a label with its value.
        if self.words[lead_end..subject_end].iter().any(|word| word.after.contains([':', ';'])) {
            return None;
        }
        let verb = self.verb(verb_at, verb_start < verb_at)?;
        Some(Clause {
            lead: from..lead_end,
            subject: lead_end..subject_end,
            verb_words: verb_start..verb_at + 1,
            verb,
            tail: verb_at + 1..end,
        })
    }

    fn imperative(&self, lead_end: usize) -> Option<Clause> {
        let skip = lead_end + usize::from(self.lower(lead_end) == "please");
        let lemma = verbs::imperative(self.lower(skip), self.lexicon.language)?;
        // "Visit costs are …", "Parking permits cost …": a finite verb behind makes the first word a noun.
        let noun = self.words.len() < skip + 2
            || self.lexicon.auxiliaries.contains(&self.lower(skip + 1))
            || self.words.get(skip + 1).is_none_or(|_| !self.words[skip].after.is_empty())
            || self.lexicon.language == Language::English
                && matches!(verbs::main_verb(self.lower(skip + 1), Language::English), Some(form) if form.support == "does")
            || (skip + 1..self.words.len().min(skip + 4)).any(|at| {
                self.lexicon.auxiliaries.contains(&self.lower(at))
                    && self.lexicon.language == Language::English
                    && self.no_relative(skip + 1, at)
            });
        if noun {
            return None;
        }
        let verb = Verb { lemma, auxiliary: false, support: "do" };
        Some(Clause {
            lead: 0..lead_end,
            subject: 0..0,
            verb_words: skip..skip + 1,
            verb,
            tail: skip + 1..self.words.len(),
        })
    }

    fn no_relative(&self, from: usize, to: usize) -> bool {
        (from..to).all(|at| {
            !matches!(self.lower(at), "that" | "which" | "who" | "if" | "when" | "where" | "what")
                && self.words[at].after.is_empty()
        })
    }

    /// End of "On Mondays," or "If you are ill,": 0 length where there is no comma early in the sentence.
    fn lead_end(&self, from: usize) -> usize {
        let opens = self.lexicon.prepositions.contains(&self.lower(from))
            || self.lexicon.conjunctions.contains(&self.lower(from))
            || matches!(
                self.lower(from),
                "every" | "each" | "chaque" | "tous" | "le" | "l'" | "la" | "les" | "pendant"
            );
        let article = matches!(self.lower(from), "le" | "l'" | "la" | "les");
        if !opens {
            return from;
        }
        let limit = self.words.len().saturating_sub(2);
        let comma = (from..limit).find(|at| self.words[*at].after.starts_with(','));
        match comma {
            Some(at)
                if at + 1 < limit
                    && (!article
                        || at < from + 4 && self.lexicon.determiners.contains(&self.lower(at + 1))) =>
            {
                at + 1
            }
            _ => from,
        }
    }

    fn is_verb(&self, start: usize, at: usize) -> bool {
        let lower = self.lower(at);
        let before = self.lower(at - 1);
        let relative = matches!(
            before,
            "who" | "that" | "which" | "to" | "qui" | "que" | "dont" | "où" | "where" | "when" | "if"
        );
        // Inside "who …", "that …" the first verb belongs to the relative clause, the next one to ours.
        let in_relative = !relative
            && (start..at - 1)
                .any(|index| matches!(self.lower(index), "who" | "which" | "qui" | "que" | "dont"))
            && !(start + 1..at).any(|index| self.could_be_verb(index));
        if relative || in_relative {
            return false;
        }
        if self.lexicon.auxiliaries.contains(&lower) {
            // French "est" after an article is the east.
            let east = lower == "est" && before == "l'";
            let tin = lower == "can" && self.lexicon.determiners.contains(&before);
            return !east && !tin;
        }
        self.plausible_main_verb(start, at)
    }

    fn could_be_verb(&self, at: usize) -> bool {
        self.lexicon.auxiliaries.contains(&self.lower(at))
            || verbs::main_verb(self.lower(at), self.lexicon.language).is_some()
    }

    fn plausible_main_verb(&self, start: usize, at: usize) -> bool {
        let lower = self.lower(at);
        let before = self.lower(at - 1);
        let Some(form) = verbs::main_verb(lower, self.lexicon.language) else { return false };
        if self.lexicon.determiners.contains(&before) && !matches!(before, "all" | "this" | "that" | "both")
            || self.lexicon.prepositions.contains(&before) && before != "s'"
        {
            return false;
        }
        let next = self.lower(at + 1);
        let noun_before_verb = self.lexicon.auxiliaries.contains(&next)
            || matches!(next, "of" | "de" | "du")
            || !self.words[at - 1].after.is_empty();
        if noun_before_verb && !matches!(form.lemma.as_str(), "consist" | "disposer") {
            return false;
        }
        match (self.lexicon.language, form.support) {
            (Language::English, "do") => {
                // "Lockers in the east wing cost …": the noun before the first preposition counts.
                let head =
                    (start + 1..at).find(|index| self.lexicon.prepositions.contains(&self.lower(*index)));
                let plural = head.is_some_and(|index| {
                    self.lower(index - 1).ends_with('s') && self.words[index - 1].after.is_empty()
                }) || before.ends_with('s')
                    || matches!(
                        before,
                        "people"
                            | "staff"
                            | "children"
                            | "you"
                            | "we"
                            | "they"
                            | "i"
                            | "men"
                            | "women"
                            | "who"
                            | "all"
                            | "also"
                            | "always"
                            | "never"
                    );
                plural && !self.words.get(at).is_some_and(|word| word.capital)
            }
            // "The opening hours …", "Day trips cost …": a real verb further on makes this a noun.
            (Language::English, "does") => {
                let rival = (at + 1..self.words.len().min(at + 3)).any(|index| {
                    self.lexicon.auxiliaries.contains(&self.lower(index))
                        || matches!(verbs::main_verb(self.lower(index), Language::English), Some(form) if form.support == "do" && index == at + 1)
                });
                !rival && at > start
            }
            (Language::French, _) => {
                !self.lexicon.auxiliaries.contains(&next) || matches!(lower, "a" | "ont")
            }
            _ => true,
        }
    }

    fn verb(&self, at: usize, reflexive: bool) -> Option<Verb> {
        let lower = self.lower(at);
        if self.lexicon.auxiliaries.contains(&lower) {
            return Some(Verb { lemma: lower.to_string(), auxiliary: true, support: "" });
        }
        // "has been …", "have to …": the perfect inverts, the duty takes "do".
        if matches!(lower, "has" | "have" | "had")
            && (self.lower(at + 1) == "been" || self.lower(at + 1).ends_with("ed"))
        {
            return Some(Verb { lemma: lower.to_string(), auxiliary: true, support: "" });
        }
        let form = verbs::main_verb(lower, self.lexicon.language)?;
        let lemma = match (reflexive, form.lemma.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'h'])) {
            (true, true) => format!("s'{}", form.lemma),
            (true, false) => format!("se {}", form.lemma),
            (false, _) => form.lemma,
        };
        Some(Verb { lemma, auxiliary: false, support: form.support })
    }

    /// The clause after `clause`: where its conjunction stands, and the clause.
    fn following(&self, clause: &Clause) -> Option<(usize, Clause)> {
        let from = clause.tail.start + 1;
        for at in from..clause.tail.end.saturating_sub(1) {
            if !matches!(self.lower(at), "and" | "but" | "et" | "mais") {
                continue;
            }
            let verb_at = at + 1;
            let mut verb_start = verb_at;
            let mut head = verb_at;
            if matches!(self.lower(head), "se" | "s'" | "ne" | "n'") {
                head += 1;
                verb_start = verb_at;
            }
            let auxiliary = self.lexicon.auxiliaries.contains(&self.lower(head));
            let same_person = match verbs::main_verb(self.lower(head), self.lexicon.language) {
                Some(form) => {
                    form.support == clause.verb.support && !clause.verb.auxiliary
                        || clause.verb.auxiliary && form.support == "does"
                }
                None => false,
            };
            if (auxiliary || same_person) && !clause.subject.is_empty() {
                let verb = self.verb(head, head > verb_start)?;
                return Some((
                    at,
                    Clause {
                        lead: 0..0,
                        subject: clause.subject.clone(),
                        verb_words: verb_start..head + 1,
                        verb,
                        tail: head + 1..clause.tail.end,
                    },
                ));
            }
            // "…, and the bar closes at 23": a subject of its own.
            if self.lexicon.determiners.contains(&self.lower(verb_at))
                || self.lexicon.pronouns.contains(&self.lower(verb_at))
            {
                let own = Reader { words: &self.words[..clause.tail.end], lexicon: self.lexicon };
                if let Some(next) = own.clause(verb_at).filter(|next| next.verb_words.start < verb_at + 6) {
                    return Some((at, next));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::sentences::words;
    use super::*;

    /// A sentence, and what is expected of each of its clauses.
    type Case = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

    fn parts(text: &str, language: Language) -> Vec<(String, String, String)> {
        let words = words(text, language == Language::French);
        let slice = |range: &Range<usize>| {
            if range.is_empty() {
                String::new()
            } else {
                text[words[range.start].start..words[range.end - 1].end].to_string()
            }
        };
        clauses(&words, Lexicon::of(language))
            .iter()
            .map(|clause| (slice(&clause.subject), clause.verb.lemma.clone(), slice(&clause.tail)))
            .collect()
    }

    #[test]
    fn subject_verb_and_rest() {
        let cases: &[Case] = &[
            ("The reading room opens at 9.15.", &[("The reading room", "open", "at 9.15")]),
            (
                "The pool opens at 9:15 and closes at 21:30.",
                &[("The pool", "open", "at 9:15"), ("The pool", "close", "at 21:30")],
            ),
            ("On Mondays, the museum is closed.", &[("the museum", "is", "closed")]),
            (
                "Travel costs are refunded within 30 days.",
                &[("Travel costs", "are", "refunded within 30 days")],
            ),
            (
                "Visitors who bring dogs must use the side door.",
                &[("Visitors who bring dogs", "must", "use the side door")],
            ),
            ("Call the reception at 4711.", &[("", "call", "the reception at 4711")]),
            ("Members pay 20 euros a year.", &[("Members", "pay", "20 euros a year")]),
            ("Anna Keller leads the workshop.", &[("Anna Keller", "lead", "the workshop")]),
            (
                "The tour starts at noon, and the café closes at five.",
                &[("The tour", "start", "at noon"), ("the café", "close", "at five")],
            ),
            ("A helmet and gloves.", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(s, v, t)| (s.to_string(), v.to_string(), t.to_string())).collect();
            assert_eq!(parts(text, Language::English), expected, "{text}");
        }
        let cases: &[Case] = &[
            ("La salle de lecture ouvre à 9 h 15.", &[("La salle de lecture", "ouvrir", "à 9 h 15")]),
            ("Les clés se trouvent dans le bureau.", &[("Les clés", "se trouver", "dans le bureau")]),
            ("Le billet doit être payé à l'entrée.", &[("Le billet", "doit", "être payé à l'entrée")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(s, v, t)| (s.to_string(), v.to_string(), t.to_string())).collect();
            assert_eq!(parts(text, Language::French), expected, "{text}");
        }
    }
}
