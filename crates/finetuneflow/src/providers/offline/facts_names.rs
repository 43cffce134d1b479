//! Facts without figures: colours, persons and places; and codes of letters with digits.

use super::facts::{Fact, FactKind, Scan};

impl Scan<'_> {
    pub(super) fn colour(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn person(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn is_upper(&self, at: usize) -> bool {
        // Without the sentence at hand, an all-upper word shows by its length in `capital` only; acronyms are
        // short words without vowels.
        let word = self.lower(at);
        word.len() <= 4 && !word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
    }

    /// "room 12", "building B", "platform 3".
    pub(super) fn numbered_place(&self, at: usize) -> Option<Fact> {
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

    /// The noun phrase after a preposition of place, where a noun of place or a verb of location says so.
    pub(super) fn place(&self, at: usize) -> Option<Fact> {
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

    pub(super) fn code(&self, at: usize) -> Option<Fact> {
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
