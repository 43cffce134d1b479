//! Facts with figures: addresses, numbers, sums, shares, dates, times, lengths and counts.

use super::facts::{Fact, FactKind, Scan, numeral};
use super::lexicon::Language;

impl Scan<'_> {
    pub(super) fn address(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn phone(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn percent(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn money(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn frequency(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn date(&self, at: usize) -> Option<Fact> {
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
        // "the first Friday of every month", "the 25th of each month".
        if is_ordinal(word) {
            let named = self.lexicon.weekdays.contains(&self.lower(at + 1))
                || matches!(self.lower(at + 1), "day" | "weekend" | "week" | "workday");
            let of = at + 1 + usize::from(named);
            let every = matches!(self.lower(of + 1), "the" | "every" | "each" | "a");
            if self.lower(of) == "of" && every && self.lexicon.duration_units.contains(&self.lower(of + 2)) {
                return self.fact(FactKind::Date, at, of + 3);
            }
            if self.lower(of) == "of" && named && month_here(of + 1) {
                return self.fact(FactKind::Date, at, of + 2);
            }
        }
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

    pub(super) fn time(&self, at: usize) -> Option<Fact> {
        let word = self.lower(at);
        if self.lexicon.named_times.contains(&word) {
            return self.fact(FactKind::Time, at, at + 1);
        }
        let before = at.checked_sub(1).map_or("", |index| self.lower(index));
        let cued = self.lexicon.time_prepositions.contains(&before);
        if let Some(last) = self.spoken_time(at, before) {
            return self.fact(FactKind::Time, at, last);
        }
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

    /// "half past five", "ten in the morning", "nine o'clock", "until six"; where it ends.
    fn spoken_time(&self, at: usize, before: &str) -> Option<usize> {
        const HOURS: &[&str] = &[
            "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        ];
        if self.lexicon.language == Language::French {
            let hour = self.lexicon.number_words.contains(&self.lower(at))
                && matches!(self.lower(at + 1), "heures" | "heure");
            let cued = matches!(before, "à" | "dès" | "jusqu'" | "avant" | "après" | "vers");
            return (hour && cued).then_some(at + 2);
        }
        let hour = |index: usize| {
            HOURS.contains(&self.lower(index))
                || self.lower(index).parse::<u32>().is_ok_and(|hour| hour <= 12)
        };
        let past = matches!(self.lower(at), "half" | "quarter" | "twenty" | "ten" | "five")
            && matches!(self.lower(at + 1), "past" | "to")
            && hour(at + 2);
        let past = past && (self.lower(at + 1) == "past" || matches!(self.lower(at), "quarter"));
        let end = if past {
            at + 3
        } else if hour(at) && self.lower(at + 1) == "o'clock" {
            at + 2
        } else if hour(at) {
            at + 1
        } else {
            return None;
        };
        let part_of_day = matches!(
            (self.lower(end), self.lower(end + 1), self.lower(end + 2)),
            ("in", "the", "morning" | "afternoon" | "evening")
        );
        if part_of_day {
            return Some(end + 3);
        }
        if (self.lower(end), self.lower(end + 1)) == ("at", "night") {
            return Some(end + 2);
        }
        let word = HOURS.contains(&self.lower(at));
        let ranged = before == "to" && at >= 2 && hour(at - 2);
        let cued = (ranged || matches!(before, "at" | "until" | "till" | "from" | "after" | "before"))
            && word
            && !self.counts_something(at);
        (end > at + 1 || cued).then_some(end)
    }

    /// True where a noun follows a number, so that it is a count and no time.
    pub(super) fn counts_something(&self, at: usize) -> bool {
        !self.stops(at)
            && !self.lexicon.is_stop(self.lower(at + 1))
            && !self.lexicon.weekdays.contains(&self.lower(at + 1))
    }

    pub(super) fn duration(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn quantity(&self, at: usize) -> Option<Fact> {
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

fn is_ordinal(word: &str) -> bool {
    let figures = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    matches!(word, "first" | "second" | "third" | "fourth" | "last")
        || !figures.is_empty()
            && figures.len() <= 2
            && matches!(&word[figures.len()..], "st" | "nd" | "rd" | "th")
            && figures.chars().all(|c| c.is_ascii_digit())
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u32>().is_ok_and(|year| (1500..2100).contains(&year))
}
