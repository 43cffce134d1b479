//! Values in a sentence that a question can ask for: times, sums, names, places and so on.

use super::lexicon::Lexicon;
use super::sentences::Word;

/// What kind of value a fact is; decides the question word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    Time,
    Money,
    Percent,
    Duration,
    Phone,
    Email,
    Url,
    Person,
    Quantity,
    Colour,
    Date,
    Frequency,
    Place,
    Code,
    /// What a verb is about, where no typed value was found.
    Thing,
}

/// A value: the words `first..last` of its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    pub first: usize,
    pub last: usize,
    /// The counted noun of a quantity ("books"), the unit of a duration.
    pub unit: Option<String>,
}

/// A sentence's words on the way to its facts; `facts_figures.rs` and `facts_names.rs` hold the matchers.
pub(super) struct Scan<'a> {
    pub(super) words: &'a [Word],
    pub(super) lexicon: &'a Lexicon,
}

/// All values of a sentence, in its order, without overlaps. Ranges ("from 9:15 to 18:00") are one value.
pub fn find(words: &[Word], lexicon: &Lexicon) -> Vec<Fact> {
    let scan = Scan { words, lexicon };
    let mut facts = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match scan.fact_at(at) {
            Some(fact) => {
                at = fact.last.max(at + 1);
                facts.push(fact);
            }
            None => at += 1,
        }
    }
    join_ranges(facts, &scan)
}

/// The end of a range's first value ("9:15" of "9:15 to 18:00"), or of the whole fact.
pub fn end_of_first(fact: &Fact, words: &[Word], lexicon: &Lexicon) -> usize {
    (fact.first + 1..fact.last)
        .find(|at| words.get(*at).is_some_and(|word| lexicon.range_joiners.contains(&word.lower.as_str())))
        .unwrap_or(fact.last)
}

fn join_ranges(facts: Vec<Fact>, scan: &Scan) -> Vec<Fact> {
    let mut joined: Vec<Fact> = Vec::new();
    for fact in facts {
        if let Some(previous) = joined.last_mut()
            && previous.kind == fact.kind
            && matches!(fact.kind, FactKind::Time | FactKind::Date | FactKind::Money)
            && joins(scan, previous.last, fact.first)
        {
            previous.last = fact.last;
            continue;
        }
        joined.push(fact);
    }
    joined
}

fn joins(scan: &Scan, from: usize, to: usize) -> bool {
    let between = &scan.words[from..to];
    (!between.is_empty() && between.len() <= 2 || between.is_empty() && from > 0)
        && between.iter().all(|word| scan.lexicon.range_joiners.contains(&word.lower.as_str()))
        && scan.words[from - 1].after.chars().all(|c| c == '-' || c == '–' || c == '—')
}

impl Scan<'_> {
    pub(super) fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.lower.as_str())
    }

    /// True where a comma or another mark stands after the word.
    pub(super) fn stops(&self, at: usize) -> bool {
        self.words.get(at).is_none_or(|word| !word.after.is_empty())
    }

    pub(super) fn fact_at(&self, at: usize) -> Option<Fact> {
        self.address(at)
            .or_else(|| self.phone(at))
            .or_else(|| self.percent(at))
            .or_else(|| self.money(at))
            .or_else(|| self.frequency(at))
            .or_else(|| self.date(at))
            .or_else(|| self.time(at))
            .or_else(|| self.duration(at))
            .or_else(|| self.colour(at))
            .or_else(|| self.person(at))
            .or_else(|| self.numbered_place(at))
            .or_else(|| self.quantity(at))
            .or_else(|| self.place(at))
            .or_else(|| self.code(at))
    }

    pub(super) fn fact(&self, kind: FactKind, first: usize, last: usize) -> Option<Fact> {
        Some(Fact { kind, first, last, unit: None })
    }

    pub(super) fn is_unit(&self, at: usize) -> bool {
        let next = self.lower(at);
        self.lexicon.duration_units.contains(&next) || self.lexicon.money_units.contains(&next)
    }

    pub(super) fn is_number(&self, at: usize) -> bool {
        let word = self.lower(at);
        numeral(word).is_some() || self.lexicon.number_words.contains(&word)
    }

    /// Also "one", "a" and "half" before a unit.
    pub(super) fn is_count(&self, at: usize) -> bool {
        self.is_number(at) || matches!(self.lower(at), "one" | "half" | "une" | "un")
    }
}

pub(super) fn numeral(word: &str) -> Option<()> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let valid = digits > 0
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\u{202f}' | '\u{a0}' | '-' | '–' | '/'));
    valid.then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::Language;
    use super::super::sentences::words;
    use super::*;

    pub(super) fn found(text: &str, language: Language) -> Vec<(FactKind, String)> {
        let lexicon = Lexicon::of(language);
        let words = words(text, language == Language::French);
        find(&words, lexicon)
            .iter()
            .map(|fact| (fact.kind, text[words[fact.first].start..words[fact.last - 1].end].to_string()))
            .collect()
    }

    #[test]
    pub(super) fn english_values_are_found_with_their_kind() {
        use FactKind::*;
        let cases: &[(&str, &[(FactKind, &str)])] = &[
            ("The reading room opens at 9.15 on weekdays.", &[(Time, "9.15"), (Date, "weekdays")]),
            ("The pool is open from 9:15 to 18:00.", &[(Time, "9:15 to 18:00")]),
            ("The bar closes at 11 p.m. on Fridays.", &[(Time, "11 p.m."), (Date, "Fridays")]),
            ("The day ticket costs 14 euros.", &[(Money, "14 euros")]),
            ("A locker costs €2.50 per day.", &[(Money, "€2.50")]),
            ("Members get a discount of 15 percent.", &[(Percent, "15 percent")]),
            ("The tour lasts 45 minutes.", &[(Duration, "45 minutes")]),
            ("Books can be borrowed for three weeks.", &[(Duration, "three weeks")]),
            ("Each member may borrow six books.", &[(Quantity, "six books")]),
            ("The workshop is led by Anna Keller.", &[(Person, "Anna Keller")]),
            ("Dr. Weiss signs the form.", &[(Person, "Dr. Weiss")]),
            ("The first-aid box hangs next to the main entrance.", &[(Place, "main entrance")]),
            ("The meeting takes place in room 12.", &[(Place, "room 12")]),
            ("Call the reception at extension 4711.", &[(Phone, "4711")]),
            ("Write to help@mill.example for questions.", &[(Email, "help@mill.example")]),
            ("The club was founded in 1962.", &[(Date, "1962")]),
            ("Emergency doors are green.", &[(Colour, "green")]),
            ("The filters are cleaned every two weeks.", &[(Frequency, "every two weeks")]),
            ("The bell weighs 840 kilograms.", &[(Quantity, "840 kilograms")]),
            ("Summer hours start on 3 May.", &[(Date, "3 May")]),
            ("Rents are due on the 25th of each month.", &[(Date, "25th of each month")]),
            ("It opens on the first Friday of every month.", &[(Date, "first Friday of every month")]),
            ("The galleries stay open until half past five.", &[(Time, "half past five")]),
            ("The shop opens at ten in the morning.", &[(Time, "ten in the morning")]),
            ("Come before six and bring two friends.", &[(Time, "six"), (Quantity, "two friends")]),
            ("It is open from ten to six.", &[(Time, "ten to six")]),
            ("Everybody gets five to ten tokens.", &[(Quantity, "ten tokens")]),
            ("You may enter with a friend.", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(kind, value)| (*kind, value.to_string())).collect();
            assert_eq!(found(text, Language::English), expected, "{text}");
        }
    }

    #[test]
    pub(super) fn french_values_are_found_with_their_kind() {
        use FactKind::*;
        let cases: &[(&str, &[(FactKind, &str)])] = &[
            ("La piscine ouvre à 9 h 15.", &[(Time, "9 h 15")]),
            ("Le marché ferme à sept heures.", &[(Time, "sept heures")]),
            ("Le musée ferme à 18h30 le lundi.", &[(Time, "18h30"), (Date, "lundi")]),
            ("Le billet coûte 14 euros.", &[(Money, "14 euros")]),
            ("La visite dure 45 minutes.", &[(Duration, "45 minutes")]),
            ("L'atelier est dirigé par Claire Morel.", &[(Person, "Claire Morel")]),
            ("Les clés se trouvent dans le bureau du gardien.", &[(Place, "bureau du gardien")]),
            ("La remise est de 15 %.", &[(Percent, "15 %")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(kind, value)| (*kind, value.to_string())).collect();
            assert_eq!(found(text, Language::French), expected, "{text}");
        }
    }
}
