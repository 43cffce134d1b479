//! Values in a sentence that a question can ask for: times, sums, names, places and so on.

use super::lexicon::{Language, Lexicon};
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

struct Scan<'a> {
    words: &'a [Word],
    lexicon: &'a Lexicon,
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
    fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.lower.as_str())
    }

    /// True where a comma or another mark stands after the word.
    fn stops(&self, at: usize) -> bool {
        self.words.get(at).is_none_or(|word| !word.after.is_empty())
    }

    fn fact_at(&self, at: usize) -> Option<Fact> {
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

    fn fact(&self, kind: FactKind, first: usize, last: usize) -> Option<Fact> {
        Some(Fact { kind, first, last, unit: None })
    }

    fn address(&self, at: usize) -> Option<Fact> {
        let text = self.lower(at);
        if text.contains('@') && text.contains('.') {
            return self.fact(FactKind::Email, at, at + 1);
        }
        let web = text.starts_with("http")
            || text.starts_with("www.")
            || [".com", ".org", ".net", ".fr", ".example", ".de"]
                .iter()
                .any(|end| text.ends_with(end) && text.len() > end.len() + 1);
        if web { self.fact(FactKind::Url, at, at + 1) } else { None }
    }

    fn phone(&self, at: usize) -> Option<Fact> {
        let mut last = at;
        let mut digits = 0;
        while let Some(word) = self.words.get(last) {
            let numeric = word
                .lower
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '/' | '.' | '(' | ')'));
            if !numeric || !word.lower.contains(|c: char| c.is_ascii_digit()) {
                break;
            }
            digits += word.lower.chars().filter(char::is_ascii_digit).count();
            last += 1;
            if !word.after.is_empty() {
                break;
            }
        }
        let cue = |from: usize| {
            (1..=4).any(|back| {
                from.checked_sub(back).is_some_and(|index| {
                    let word = self.lower(index).trim_end_matches('.');
                    matches!(
                        word,
                        "phone"
                            | "telephone"
                            | "call"
                            | "extension"
                            | "dial"
                            | "tel"
                            | "number"
                            | "téléphone"
                            | "numéro"
                            | "poste"
                            | "appeler"
                            | "appelez"
                            | "composez"
                            | "joignable"
                            | "ext"
                    )
                })
            })
        };
        let single = last == at + 1 && self.lower(at).chars().all(|c| c.is_ascii_digit());
        let long = digits >= 7
            && (last > at + 1
                || self.lower(at).starts_with('+')
                || self.lower(at).starts_with('0')
                || self.lower(at).contains('-'));
        if long || (single && (3..=5).contains(&digits) && cue(at) && !self.is_unit(at + 1)) {
            return self.fact(FactKind::Phone, at, last);
        }
        None
    }

    fn is_unit(&self, at: usize) -> bool {
        let next = self.lower(at);
        self.lexicon.duration_units.contains(&next) || self.lexicon.money_units.contains(&next)
    }

    fn is_number(&self, at: usize) -> bool {
        let word = self.lower(at);
        numeral(word).is_some() || self.lexicon.number_words.contains(&word)
    }

    /// Also "one", "a" and "half" before a unit.
    fn is_count(&self, at: usize) -> bool {
        self.is_number(at) || matches!(self.lower(at), "one" | "half" | "une" | "un")
    }

    fn percent(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        if word.ends_with('%') && word.len() > 1 {
            return self.fact(FactKind::Percent, at, at + 1);
        }
        if !self.is_number(at) {
            return None;
        }
        match (self.lower(at + 1), self.lower(at + 2)) {
            ("%" | "percent", _) => self.fact(FactKind::Percent, at, at + 2),
            ("per", "cent") | ("pour", "cent") => self.fact(FactKind::Percent, at, at + 3),
            _ => None,
        }
    }

    fn money(&self, at: usize) -> Option<Fact> {
        const SIGNS: &[char] = &['€', '$', '£', '¥'];
        let word = self.lower(at);
        if word.contains(SIGNS) && word.contains(|c: char| c.is_ascii_digit()) {
            return self.fact(FactKind::Money, at, at + 1);
        }
        if matches!(word, "eur" | "chf" | "usd" | "gbp" | "€" | "$" | "£") && self.is_number(at + 1) {
            return self.fact(FactKind::Money, at, at + 2);
        }
        if self.is_count(at) {
            // "1 200 euros" has a space inside the number.
            for length in 1..=2 {
                let unit = self.lower(at + length);
                if (length == 1 || self.is_number(at + 1))
                    && (self.lexicon.money_units.contains(&unit) || matches!(unit, "€" | "$" | "£"))
                {
                    return self.fact(FactKind::Money, at, at + length + 1);
                }
            }
        }
        None
    }

    fn frequency(&self, at: usize) -> Option<Fact> {
        let units = self.lexicon.duration_units;
        let word = self.lower(at);
        match self.lexicon.language {
            Language::English => {
                if matches!(word, "every" | "each") {
                    let skip = usize::from(
                        self.is_count(at + 1)
                            || matches!(self.lower(at + 1), "other" | "second" | "third" | "working"),
                    );
                    let unit = self.lower(at + 1 + skip);
                    if units.contains(&unit)
                        || self.lexicon.weekdays.contains(&unit)
                        || self.lexicon.months.contains(&unit)
                        || matches!(unit, "morning" | "evening" | "afternoon")
                    {
                        return self.fact(FactKind::Frequency, at, at + 2 + skip);
                    }
                }
                let times = if matches!(word, "once" | "twice") {
                    1
                } else {
                    usize::from(self.is_count(at) && self.lower(at + 1) == "times") * 2
                };
                if times > 0
                    && matches!(self.lower(at + times), "a" | "per" | "every" | "each")
                    && units.contains(&self.lower(at + times + 1))
                {
                    return self.fact(FactKind::Frequency, at, at + times + 2);
                }
                if matches!(word, "daily" | "weekly" | "monthly" | "yearly" | "annually" | "quarterly")
                    && self.stops(at)
                {
                    return self.fact(FactKind::Frequency, at, at + 1);
                }
            }
            Language::French => {
                if word == "chaque"
                    && (units.contains(&self.lower(at + 1))
                        || self.lexicon.weekdays.contains(&self.lower(at + 1)))
                {
                    return self.fact(FactKind::Frequency, at, at + 2);
                }
                if matches!(word, "tous" | "toutes") && self.lower(at + 1) == "les" {
                    let skip = usize::from(self.is_count(at + 2));
                    if units.contains(&self.lower(at + 2 + skip))
                        || self.lexicon.weekdays.contains(&self.lower(at + 2 + skip))
                    {
                        return self.fact(FactKind::Frequency, at, at + 3 + skip);
                    }
                }
                if self.is_count(at) && self.lower(at + 1) == "fois" && self.lower(at + 2) == "par" {
                    return self.fact(FactKind::Frequency, at, at + 4.min(self.words.len() - at));
                }
            }
        }
        None
    }

    fn date(&self, at: usize) -> Option<Fact> {
        let months = self.lexicon.months;
        let word = self.lower(at);
        let capital = self.words.get(at).is_some_and(|w| w.capital);
        let month_here = |index: usize| {
            let lower = self.lower(index);
            // "may" and "march" are words too: only as names do they count.
            months.contains(&lower)
                && (!matches!(lower, "may" | "march")
                    || self.words.get(index).is_some_and(|w| w.capital) && index > 0)
        };
        let day = |index: usize| {
            let digits = self.lower(index).trim_end_matches(|c: char| c.is_alphabetic());
            digits.parse::<u32>().is_ok_and(|day| (1..=31).contains(&day))
        };
        let year = |index: usize| is_year(self.lower(index));
        if day(at) && month_here(at + 1) {
            return self.fact(FactKind::Date, at, at + 2 + usize::from(year(at + 2)));
        }
        if day(at) && self.lower(at + 1) == "of" && month_here(at + 2) {
            return self.fact(FactKind::Date, at, at + 3 + usize::from(year(at + 3)));
        }
        if self.lexicon.weekdays.contains(&word) {
            let long = day(at + 1) && month_here(at + 2);
            return self.fact(FactKind::Date, at, at + if long { 3 } else { 1 });
        }
        let season = matches!(
            word,
            "spring" | "summer" | "autumn" | "winter" | "printemps" | "été" | "automne" | "hiver"
        );
        let seasonal = !season
            || at > 0
                && matches!(
                    self.lower(at - 1),
                    "in" | "during" | "every" | "each" | "en" | "au" | "l'" | "the"
                );
        if month_here(at)
            && seasonal
            && (capital
                || self.lexicon.language == Language::French
                || at > 0 && matches!(self.lower(at - 1), "in" | "every" | "each" | "the" | "during"))
        {
            if day(at + 1) && self.words[at].after.is_empty() {
                return self.fact(FactKind::Date, at, at + 2 + usize::from(year(at + 2)));
            }
            return self.fact(FactKind::Date, at, at + 1 + usize::from(year(at + 1)));
        }
        let before = at.checked_sub(1).map_or("", |index| self.lower(index));
        if year(at)
            && matches!(
                before,
                "in" | "since"
                    | "en"
                    | "depuis"
                    | "year"
                    | "année"
                    | "before"
                    | "after"
                    | "from"
                    | "until"
                    | "of"
                    | "is"
                    | "est"
                    | "de"
                    | "to"
            )
        {
            return self.fact(FactKind::Date, at, at + 1);
        }
        let slashes = word.matches(['/', '-']).count();
        if slashes == 2
            && word.len() >= 8
            && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | '-'))
        {
            return self.fact(FactKind::Date, at, at + 1);
        }
        None
    }

    fn time(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        if self.lexicon.named_times.contains(&word) {
            return self.fact(FactKind::Time, at, at + 1);
        }
        let before = at.checked_sub(1).map_or("", |index| self.lower(index));
        let cued = self.lexicon.time_prepositions.contains(&before);
        let next = self.lower(at + 1);
        let shape = clock(word)?;
        let half_day = matches!(next, "am" | "pm" | "a.m." | "p.m." | "a.m" | "p.m" | "o'clock");
        match shape {
            Clock::Certain => self.fact(FactKind::Time, at, at + 1 + usize::from(half_day)),
            Clock::Dotted if half_day => self.fact(FactKind::Time, at, at + 2),
            Clock::Dotted if cued && !self.counts_something(at) => self.fact(FactKind::Time, at, at + 1),
            Clock::Hour if half_day => self.fact(FactKind::Time, at, at + 2),
            Clock::Hour if cued && matches!(next, "h" | "heures" | "heure") => {
                let minutes = self.lower(at + 2).parse::<u32>().is_ok_and(|minutes| minutes < 60);
                self.fact(
                    FactKind::Time,
                    at,
                    at + 2 + usize::from(minutes && self.words[at + 1].after.is_empty()),
                )
            }
            Clock::Hour if before == "at" && !self.counts_something(at) => {
                self.fact(FactKind::Time, at, at + 1)
            }
            _ => None,
        }
    }

    /// True where a noun follows a number, so that it is a count and no time.
    fn counts_something(&self, at: usize) -> bool {
        !self.stops(at)
            && !self.lexicon.is_stop(self.lower(at + 1))
            && !self.lexicon.weekdays.contains(&self.lower(at + 1))
    }

    fn duration(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        let hyphenated = word.split_once('-').is_some_and(|(count, unit)| {
            (numeral(count).is_some() || self.lexicon.number_words.contains(&count))
                && self.lexicon.duration_units.contains(&unit)
        });
        if hyphenated {
            return Some(Fact { kind: FactKind::Duration, first: at, last: at + 1, unit: None });
        }
        if !self.is_count(at) {
            return None;
        }
        let skip = usize::from(matches!(
            self.lower(at + 1),
            "working" | "business" | "full" | "calendar" | "consecutive" | "school" | "paid" | "whole"
        ));
        let unit = self.lower(at + 1 + skip);
        if !self.lexicon.duration_units.contains(&unit) {
            return None;
        }
        let mut last = at + 2 + skip;
        if self.lexicon.language == Language::French
            && matches!(self.lower(last), "ouvrables" | "ouvrés" | "calendaires")
        {
            last += 1;
        }
        // "25 days of leave" is a count, not a length.
        if matches!(self.lower(last), "of" | "de" | "d'")
            && !self.lexicon.is_stop(self.lower(last + 1))
            && !self.stops(last)
        {
            let unit = format!("{unit} {} {}", self.lower(last), self.lower(last + 1)).replace("' ", "'");
            return Some(Fact { kind: FactKind::Quantity, first: at, last: last + 2, unit: Some(unit) });
        }
        let joined = matches!(self.lower(last), "and" | "et")
            && self.is_count(last + 1)
            && self.lexicon.duration_units.contains(&self.lower(last + 2));
        if joined {
            last += 3;
        }
        Some(Fact { kind: FactKind::Duration, first: at, last, unit: Some(unit.to_string()) })
    }

    fn colour(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        let capitalised = self.words[at].capital && at > 0;
        if capitalised || !self.lexicon.colours.contains(&word) {
            return None;
        }
        let mut last = at + 1;
        while matches!(self.lower(last), "and" | "et" | "or" | "ou")
            && self.lexicon.colours.contains(&self.lower(last + 1))
        {
            last += 2;
        }
        self.fact(FactKind::Colour, at, last)
    }

    fn person(&self, at: usize) -> Option<Fact> {
        let name = |index: usize| {
            self.words.get(index).is_some_and(|word| {
                let lower = word.lower.as_str();
                word.capital
                    && lower.chars().count() > 1
                    && lower.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''))
                    && !(self.lexicon.not_person.contains(&lower)
                        || self.lexicon.weekdays.contains(&lower)
                        || self.lexicon.months.contains(&lower))
                    && (index > 0 || !self.lexicon.is_stop(lower))
            })
        };
        let titled = self.lexicon.titles.contains(&self.lower(at)) && self.words[at].capital;
        if titled && name(at + 1) {
            let last = at + 2 + usize::from(self.words[at + 1].after.is_empty() && name(at + 2));
            return self.fact(FactKind::Person, at, last);
        }
        if !name(at) || !self.words[at].after.is_empty() {
            return None;
        }
        let initial = self.words.get(at + 1).is_some_and(|word| word.capital && word.lower.len() == 1);
        let mut last = at + 1 + usize::from(initial);
        let particle = matches!(self.lower(last), "de" | "von" | "van" | "da" | "di" | "la" | "del" | "d'")
            && name(last + 1)
            && self.words.get(last).is_some_and(|w| w.after.is_empty());
        last += usize::from(particle);
        if !name(last) {
            return None;
        }
        last += 1;
        if self.words[last - 1].after.is_empty() && name(last) {
            last += 1;
        }
        // A fourth capitalised word, a place noun behind or "in" before: a title or a place, not a person.
        let before = at.checked_sub(1).map_or("", |index| self.lower(index));
        let placed = matches!(before, "in" | "near" | "à" | "en" | "dans");
        let continues = self.words[last - 1].after.is_empty()
            && self
                .words
                .get(last)
                .is_some_and(|word| word.capital || self.lexicon.place_nouns.contains(&word.lower.as_str()));
        let acronym = (at..last).any(|index| self.is_upper(index));
        if placed || continues || acronym {
            return None;
        }
        self.fact(FactKind::Person, at, last)
    }

    fn is_upper(&self, at: usize) -> bool {
        // Without the sentence at hand, an all-upper word shows by its length in `capital` only; acronyms are
        // short words without vowels.
        let word = self.lower(at);
        word.len() <= 4 && !word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
    }

    /// "room 12", "building B", "platform 3".
    fn numbered_place(&self, at: usize) -> Option<Fact> {
        let label = self.lower(at + 1);
        let lettered = self.words.get(at + 1).is_some_and(|word| {
            word.capital && label.chars().count() <= 2
                || label.chars().all(|c| c.is_ascii_digit())
                || label.len() <= 6
                    && label.chars().any(|c| c.is_ascii_digit())
                    && label.chars().any(char::is_alphabetic)
        });
        let numbered = matches!(
            self.lower(at),
            "room"
                | "building"
                | "hall"
                | "gate"
                | "door"
                | "platform"
                | "floor"
                | "wing"
                | "salle"
                | "bâtiment"
                | "porte"
                | "quai"
                | "étage"
                | "aile"
                | "office"
                | "bureau"
                | "zone"
                | "counter"
                | "guichet"
                | "locker"
                | "casier"
                | "bay"
                | "dock"
        );
        if numbered && lettered && !label.is_empty() && self.words[at].after.is_empty() {
            return self.fact(FactKind::Place, at, at + 2);
        }
        None
    }

    fn quantity(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        let glued = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
        if glued.len() < word.len()
            && matches!(
                glued,
                "kg" | "g"
                    | "km"
                    | "m"
                    | "cm"
                    | "mm"
                    | "l"
                    | "gb"
                    | "mb"
                    | "kw"
                    | "v"
                    | "w"
                    | "°c"
                    | "°"
                    | "m²"
                    | "km/h"
            )
        {
            return Some(Fact {
                kind: FactKind::Quantity,
                first: at,
                last: at + 1,
                unit: Some(glued.to_string()),
            });
        }
        if !self.is_number(at) || self.stops(at) {
            return None;
        }
        let mut last = at + 1;
        if self.is_number(last) && self.words.get(last).is_some_and(|w| w.after.is_empty()) {
            last += 1;
        }
        // The counted noun: the last word before a stop word, a verb-like word or a mark; two words at most.
        let noun = self.lower(last);
        if noun.is_empty() || self.lexicon.is_stop(noun) || noun.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut unit_last = last + 1;
        let plural = |w: &str| {
            w.ends_with('s') || w.ends_with('x') || matches!(w, "people" | "children" | "men" | "women")
        };
        if !plural(noun)
            && self.words[last].after.is_empty()
            && plural(self.lower(last + 1))
            && !self.lexicon.is_stop(self.lower(last + 1))
        {
            unit_last += 1;
        }
        let unit = (last..unit_last).map(|index| self.lower(index)).collect::<Vec<_>>().join(" ");
        if unit.contains("celsius") || noun == "degrees" && self.lower(unit_last) == "celsius" {
            unit_last = last + 1 + usize::from(self.lower(last + 1) == "celsius");
        }
        Some(Fact { kind: FactKind::Quantity, first: at, last: unit_last, unit: Some(unit) })
    }

    /// The noun phrase after a preposition of place, where a noun of place or a verb of location says so.
    fn place(&self, at: usize) -> Option<Fact> {
        let before = at.checked_sub(1).map(|index| self.lower(index))?;
        let chained = matches!(before, "to" | "of" | "de" | "du")
            && at >= 2
            && matches!(
                self.lower(at - 2),
                "next" | "front" | "close" | "près" | "côté" | "face" | "left" | "right" | "opposite"
            );
        if !(self.lexicon.place_prepositions.contains(&before) || chained)
            || !self.words[at - 1].after.is_empty()
        {
            return None;
        }
        let mut last = at;
        while let Some(word) = self.words.get(last) {
            let determiner = last == at && self.lexicon.determiners.contains(&word.lower.as_str());
            let ends = self.lexicon.is_stop(&word.lower)
                && !determiner
                && !matches!(word.lower.as_str(), "de" | "du" | "d'" | "des" | "next" | "left" | "right");
            if ends || self.is_number(last) || last - at >= 6 {
                break;
            }
            last += 1;
            if !word.after.is_empty() {
                break;
            }
        }
        while last > at
            && (self.lexicon.is_stop(self.lower(last - 1)) && self.words[last - 1].after.is_empty())
        {
            last -= 1;
        }
        let noun = last.checked_sub(1).filter(|index| *index >= at)?;
        let place_noun = (at..last).any(|index| {
            let lower = self.lower(index);
            self.lexicon.place_nouns.contains(&lower)
                || lower.strip_suffix('s').is_some_and(|one| self.lexicon.place_nouns.contains(&one))
        });
        let placed_by_verb =
            (at.saturating_sub(5)..at).any(|index| self.lexicon.place_verbs.contains(&self.lower(index)));
        let motion = matches!(before, "to" | "from" | "into" | "between") && !chained;
        let temporal = (at..last).any(|index| {
            self.lexicon.duration_units.contains(&self.lower(index))
                || matches!(self.lower(index), "beginning" | "end" | "time" | "fin" | "cas" | "case")
        });
        if temporal
            || motion && !place_noun
            || !(place_noun || placed_by_verb)
            || self.lexicon.determiners.contains(&self.lower(noun))
        {
            return None;
        }
        let first = if self.lexicon.determiners.contains(&self.lower(at)) { at + 1 } else { at };
        if first >= last { None } else { self.fact(FactKind::Place, first, last) }
    }

    fn code(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let mixed = digits > 0
            && letters > 0
            && letters <= 6
            && !self.lexicon.duration_units.iter().any(|unit| word.ends_with(unit));
        if mixed
            || digits >= 2 && letters == 0 && self.stops(at)
            || digits > 0 && letters == 0 && self.stops(at) && at > 0
        {
            return self.fact(FactKind::Code, at, at + 1);
        }
        None
    }
}

enum Clock {
    /// `9:15`, `9h15`, `9am`.
    Certain,
    /// `9.15`: also a decimal number.
    Dotted,
    /// `9`.
    Hour,
}

fn clock(word: &str) -> Option<Clock> {
    let small =
        |text: &str, limit: u32| text.len() <= 2 && text.parse::<u32>().is_ok_and(|value| value < limit);
    let bare =
        word.trim_end_matches("am").trim_end_matches("pm").trim_end_matches("a.m.").trim_end_matches("p.m.");
    let halves = |mark: char| {
        bare.split_once(mark)
            .filter(|(hour, minute)| small(hour, 25) && minute.len() == 2 && small(minute, 60))
    };
    // A range on one word: "9:15-18:00".
    if let Some((from, to)) = word.split_once(['-', '–'])
        && matches!(clock(from), Some(Clock::Certain))
        && matches!(clock(to), Some(Clock::Certain))
    {
        return Some(Clock::Certain);
    }
    if halves(':').is_some() || halves('h').is_some() {
        return Some(Clock::Certain);
    }
    if bare.len() < word.len() && (small(bare, 25) || halves('.').is_some()) {
        return Some(Clock::Certain);
    }
    if word.strip_suffix('h').is_some_and(|hour| small(hour, 25)) {
        return Some(Clock::Certain);
    }
    if halves('.').is_some() {
        return Some(Clock::Dotted);
    }
    small(word, 25).then_some(Clock::Hour)
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u32>().is_ok_and(|year| (1500..2100).contains(&year))
}

fn numeral(word: &str) -> Option<()> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let valid = digits > 0
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\u{202f}' | '\u{a0}' | '-' | '–' | '/'));
    valid.then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::sentences::words;
    use super::*;

    fn found(text: &str, language: Language) -> Vec<(FactKind, String)> {
        let lexicon = Lexicon::of(language);
        let words = words(text, language == Language::French);
        find(&words, lexicon)
            .iter()
            .map(|fact| (fact.kind, text[words[fact.first].start..words[fact.last - 1].end].to_string()))
            .collect()
    }

    #[test]
    fn english_values_are_found_with_their_kind() {
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
            ("You may enter with a friend.", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(kind, value)| (*kind, value.to_string())).collect();
            assert_eq!(found(text, Language::English), expected, "{text}");
        }
    }

    #[test]
    fn french_values_are_found_with_their_kind() {
        use FactKind::*;
        let cases: &[(&str, &[(FactKind, &str)])] = &[
            ("La piscine ouvre à 9 h 15.", &[(Time, "9 h 15")]),
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
