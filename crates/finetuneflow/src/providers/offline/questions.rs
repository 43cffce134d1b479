//! Questions for one statement: from frames, by turning the clause around, indirect ones and keywords.

use std::collections::BTreeSet;
use std::ops::Range;

use super::clauses::{self, Clause};
use super::facts::{self, Fact, FactKind};
use super::lexicon::{Language, Lexicon};
use super::random::Random;
use super::sentences::{self, Word};
use super::{synonyms, wording};

/// How a question was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// A phrasing kept for this verb or attribute and kind of fact.
    Frame,
    /// The clause turned into a question.
    Direct,
    /// "Could you tell me …".
    Indirect,
    /// Content words of the sentence.
    Keyword,
    /// A cell of a table or a "label: value" line.
    Cell,
    /// A section as a whole.
    Heading,
}

/// A possible question and the value that its answer must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub question: String,
    pub kind: QuestionKind,
    pub fact: Option<String>,
    pub fact_kind: Option<FactKind>,
}

/// A sentence with what is known of its surroundings.
pub struct Statement<'a> {
    pub text: &'a str,
    pub lexicon: &'static Lexicon,
    /// What "it" and "they" stand for.
    pub context: Option<&'a str>,
    pub(super) words: Vec<Word>,
    pub(super) facts: Vec<Fact>,
    pub(super) clauses: Vec<Clause>,
}

impl<'a> Statement<'a> {
    /// Reads a sentence.
    pub fn new(text: &'a str, lexicon: &'static Lexicon, context: Option<&'a str>) -> Self {
        let words = sentences::words(text, lexicon.language == Language::French);
        let facts = facts::find(&words, lexicon);
        let clauses = clauses::clauses(&words, lexicon);
        Self { text, lexicon, context, words, facts, clauses }
    }

    /// The text of a range of words.
    fn slice(&self, range: Range<usize>) -> &str {
        if range.is_empty() || range.end > self.words.len() {
            return "";
        }
        &self.text[self.words[range.start].start..self.words[range.end - 1].end]
    }

    /// The subject of the first clause, for the sentences behind it.
    pub fn subject(&self) -> Option<String> {
        let clause = self.clauses.first()?;
        let text = self.subject_text(clause);
        let pronoun = self.lexicon.pronouns.contains(&text.to_lowercase().as_str())
            || text.eq_ignore_ascii_case("there");
        (!text.is_empty() && !pronoun && clause.subject.len() <= 8).then_some(text)
    }

    /// Number of typed values.
    pub fn fact_count(&self) -> usize {
        self.facts.len()
    }

    /// The facts to ask for, best first.
    fn chosen_facts(&self) -> Vec<&Fact> {
        let mut facts: Vec<&Fact> = self.facts.iter().collect();
        facts.sort_by_key(|fact| (fact.kind, fact.first));
        facts.truncate(3);
        facts
    }

    /// All questions of the statement, in groups, without those that give the answer away.
    pub fn candidates(&self, unique: &dyn Fn(&[String]) -> bool, random: &mut Random) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut asked = BTreeSet::new();
        let chosen: Vec<Fact> = self.chosen_facts().into_iter().cloned().collect();
        for clause in &self.clauses {
            let inside = |fact: &&Fact| {
                clause.tail.contains(&fact.first)
                    || clause.lead.contains(&fact.first)
                    || clause.subject.contains(&fact.first)
            };
            let mut typed = false;
            for fact in chosen.iter().filter(inside) {
                typed = true;
                self.clause_questions(clause, fact, &mut candidates);
            }
            candidates.extend(self.purpose(clause));
            if !typed {
                match self.thing(clause) {
                    Some(thing) => self.clause_questions(clause, &thing, &mut candidates),
                    None => candidates.extend(self.yes_or_no(clause)),
                }
            } else if !matches!(clause.verb.lemma.as_str(), "is" | "are" | "was" | "were" | "est" | "sont")
                && let Some(thing) = self.thing(clause)
                && !self.facts.iter().any(|fact| fact.first < thing.last && thing.first < fact.last)
            {
                // Besides "where must …": "what must visitors wear in the workshop?".
                self.clause_questions(clause, &thing, &mut candidates);
            }
        }
        let keyword_facts: Vec<Option<&Fact>> =
            if chosen.is_empty() { vec![None] } else { chosen.iter().map(Some).collect() };
        for fact in keyword_facts {
            self.keyword_questions(fact, unique, random, &mut candidates);
        }
        synonyms::vary(&mut candidates, self.lexicon, random);
        candidates.retain(|candidate| {
            !self.gives_away(candidate)
                && wording::acceptable(&candidate.question)
                && asked.insert(wording::normalised(&candidate.question))
        });
        candidates
    }

    pub(super) fn candidate(&self, question: String, kind: QuestionKind, fact: &Fact) -> Candidate {
        let question = wording::tidy(&question, self.lexicon.language);
        Candidate { question, kind, fact: Some(self.value(fact)), fact_kind: Some(fact.kind) }
    }

    /// The value that an answer must hold; of a range its first part.
    fn value(&self, fact: &Fact) -> String {
        let text = self.slice(fact.first..fact.last);
        match fact.kind {
            FactKind::Time | FactKind::Date | FactKind::Money => {
                let last = facts::end_of_first(fact, &self.words, self.lexicon);
                self.slice(fact.first..last).to_string()
            }
            _ => text.to_string(),
        }
    }

    pub(super) fn is_pronoun(&self, clause: &Clause) -> bool {
        clause.subject.len() == 1
            && matches!(
                self.words[clause.subject.start].lower.as_str(),
                "it" | "they"
                    | "this"
                    | "these"
                    | "he"
                    | "she"
                    | "il"
                    | "elle"
                    | "ils"
                    | "elles"
                    | "ce"
                    | "c'"
                    | "cela"
                    | "that"
            )
    }

    /// The subject inside a question: lower case at its start unless it is a name, pronouns resolved.
    fn subject_text(&self, clause: &Clause) -> String {
        if self.is_pronoun(clause)
            && let Some(first) =
                self.clauses.first().filter(|first| first.subject.end <= clause.subject.start)
            && !first.subject.is_empty()
            && !self.is_pronoun(first)
        {
            return self.decapitalised(self.slice(first.subject.clone()), first.subject.start);
        }
        if self.is_pronoun(clause)
            && let Some(context) = self.context
            && !matches!((self.lexicon.language, clause.verb.lemma.as_str()), (Language::French, "faut"))
        {
            return context.to_string();
        }
        let text = self.slice(clause.subject.clone());
        // "Its code": whose code it is stands in the sentence before.
        let owned = self
            .words
            .get(clause.subject.start)
            .filter(|word| matches!(word.lower.as_str(), "its" | "their"));
        if let (Some(word), Some(context)) = (owned, self.context)
            && clause.subject.len() > 1
        {
            return format!("the{} of {context}", &text[word.end - word.start..]);
        }
        self.decapitalised(text, clause.subject.start)
    }

    fn decapitalised(&self, text: &str, at: usize) -> String {
        let Some(word) = self.words.get(at) else { return text.to_string() };
        let named = self
            .facts
            .iter()
            .any(|fact| fact.kind == FactKind::Person && (fact.first..fact.last).contains(&at));
        let acronym =
            text.chars().take_while(|c| c.is_alphanumeric()).filter(|c| c.is_uppercase()).count() > 1;
        let follows_capital = self
            .words
            .get(at + 1)
            .is_some_and(|next| next.capital && word.after.is_empty() && !self.lexicon.is_stop(&word.lower));
        let calendar = self.lexicon.language == Language::English
            && (self.lexicon.weekdays.contains(&word.lower.as_str()) && word.lower != "weekdays"
                || self.lexicon.months.contains(&word.lower.as_str()));
        if named || acronym || follows_capital || calendar || at > 0 && word.capital {
            return text.to_string();
        }
        wording::decapitalised(text)
    }

    /// The object of a clause without typed values: what is asked by "what".
    fn thing(&self, clause: &Clause) -> Option<Fact> {
        let mut first = clause.tail.start;
        if clause.verb.auxiliary {
            let determined = self
                .words
                .get(first)
                .is_some_and(|word| self.lexicon.determiners.contains(&word.lower.as_str()) || word.capital);
            let modal = !matches!(
                clause.verb.lemma.as_str(),
                "is" | "are" | "was" | "were" | "est" | "sont" | "has" | "have"
            );
            first += usize::from(modal);
            if !modal && !determined {
                return None;
            }
            if modal
                && matches!(self.words.get(clause.tail.start)?.lower.as_str(), "be" | "not" | "être" | "pas")
            {
                return None;
            }
        }
        let last = (first + 1..clause.tail.end)
            .find(|at| {
                let lower = self.words[*at].lower.as_str();
                (self.lexicon.prepositions.contains(&lower)
                    && !matches!(lower, "of" | "de" | "d'" | "du" | "des"))
                    || !self.words[*at - 1].after.is_empty()
            })
            .unwrap_or(clause.tail.end);
        let starts_well = self.words.get(first).is_some_and(|word| {
            !self.lexicon.prepositions.contains(&word.lower.as_str())
                || matches!(word.lower.as_str(), "des" | "du")
        });
        (first < last && last <= clause.tail.end && starts_well).then_some(Fact {
            kind: FactKind::Thing,
            first,
            last,
            unit: None,
        })
    }

    /// The fact with the words that belong to it: "for up to three weeks", "by Anna Keller".
    fn phrase(&self, fact: &Fact, within: &Range<usize>) -> Range<usize> {
        let mut first = fact.first;
        let mut taken_preposition = false;
        while first > within.start {
            let before = &self.words[first - 1];
            let lower = before.lower.as_str();
            let belongs = before.after.is_empty()
                && (self.lexicon.approximations.contains(&lower)
                    || self.lexicon.determiners.contains(&lower) && !taken_preposition
                    || self.lexicon.prepositions.contains(&lower) && fact.kind != FactKind::Thing
                    || matches!(
                        lower,
                        "no" | "next"
                            | "front"
                            | "close"
                            | "maximum"
                            | "minimum"
                            | "partir"
                            | "first"
                            | "second"
                            | "third"
                            | "last"
                            | "premier"
                            | "dernier"
                    ));
            if !belongs || taken_preposition && matches!(lower, "of" | "de") {
                break;
            }
            taken_preposition |= self.lexicon.prepositions.contains(&lower);
            first -= 1;
        }
        first..fact.last.min(within.end)
    }

    fn without(&self, range: &Range<usize>, phrase: &Range<usize>) -> String {
        let before = self.slice(range.start..phrase.start.clamp(range.start, range.end));
        let after = self.slice(phrase.end.clamp(range.start, range.end)..range.end);
        let after = after.trim_start_matches([',', ';', ')']);
        let dangling = ["and ", "or ", "but ", "et ", "ou ", "mais "];
        let left_over = [" and", " or", " but", " et", " ou", " mais", ","];
        let after = dangling.iter().find_map(|word| after.strip_prefix(word)).map_or(after, |_| "");
        let mut before = before.trim_end_matches([',', ' ', '(', ';', ':']);
        while let Some(shorter) = left_over.iter().find_map(|word| before.strip_suffix(word)) {
            before = shorter;
        }
        [before, after].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
    }

    fn clause_questions(&self, clause: &Clause, fact: &Fact, candidates: &mut Vec<Candidate>) {
        let turned = wording::Turned { rest: self.rest(clause, fact), ..self.turned(clause, fact) };
        let behind = self.words.get(fact.last).map_or("", |word| word.lower.as_str());
        for turned in wording::shorter(&turned, self.lexicon).iter().chain([&turned]) {
            for question in wording::frame_questions(self.lexicon, turned) {
                candidates.push(self.candidate(question, QuestionKind::Frame, fact));
            }
            for question in wording::direct_questions(self.lexicon.language, turned) {
                candidates.push(self.candidate(question, QuestionKind::Direct, fact));
            }
            for question in wording::measure_questions(turned, behind) {
                candidates.push(self.candidate(question, QuestionKind::Frame, fact));
            }
        }
        for clause_text in wording::indirect_clauses(self.lexicon.language, &turned) {
            for pattern in self.lexicon.indirect {
                candidates.push(self.candidate(
                    pattern.replace("{q}", &clause_text),
                    QuestionKind::Indirect,
                    fact,
                ));
            }
        }
    }

    /// "at 6:30 on weekdays and at 8:00 on Sundays": the side of the conjunction on which the fact stands, where
    /// the other side has a value of the same kind.
    fn own_part(&self, tail: &Range<usize>, fact: &Fact) -> Range<usize> {
        let mut part = tail.clone();
        for at in tail.clone() {
            if !matches!(self.words[at].lower.as_str(), "and" | "et" | "or" | "ou" | "but" | "mais")
                || (fact.first..fact.last).contains(&at)
            {
                continue;
            }
            let same_kind = |range: Range<usize>| {
                self.facts
                    .iter()
                    .any(|other| other != fact && other.kind == fact.kind && range.contains(&other.first))
            };
            if fact.first > at && same_kind(part.start..at) {
                part.start = at + 1;
            } else if fact.first < at && same_kind(at..part.end) {
                part.end = at;
                break;
            }
        }
        part
    }

    /// What the clause says besides subject, verb and fact.
    fn rest(&self, clause: &Clause, fact: &Fact) -> String {
        let in_tail = clause.tail.contains(&fact.first);
        let mut rest = if in_tail {
            let part = self.own_part(&clause.tail, fact);
            self.without(&part, &self.phrase(fact, &part))
        } else {
            self.slice(clause.tail.clone()).to_string()
        };
        if !clause.lead.is_empty() && !clause.lead.contains(&fact.first) {
            let lead = self.decapitalised(self.slice(clause.lead.clone()), clause.lead.start);
            // "When it sounds": what sounds stands in the sentence before.
            let lead = match self.context.filter(|_| lead.contains(" it ")) {
                Some(context) => lead.replacen(" it ", &format!(" {context} "), 1),
                None => lead,
            };
            rest = if rest.is_empty() { lead } else { format!("{rest} {lead}") };
        }
        rest
    }

    fn turned(&self, clause: &Clause, fact: &Fact) -> wording::Turned {
        let subject = self.subject_text(clause);
        let first_tail =
            self.words[clause.tail.clone()].iter().map(|word| word.lower.as_str()).find(|word| {
                !matches!(
                    *word,
                    "be" | "been" | "not" | "also" | "always" | "only" | "être" | "pas" | "usually"
                )
            });
        // "is located", "must be returned"; not "can take".
        let be_like = clause.verb.auxiliary
            && (matches!(
                clause.verb.lemma.as_str(),
                "is" | "are" | "was" | "were" | "est" | "sont" | "était" | "étaient" | "sera" | "seront"
            ) || self.words[clause.tail.clone()]
                .first()
                .is_some_and(|word| matches!(word.lower.as_str(), "be" | "been" | "être")));
        let in_subject = clause.subject.contains(&fact.first);
        let position = match (
            in_subject,
            fact.first == clause.subject.start || fact.first == clause.subject.start + 1,
        ) {
            (true, true) => wording::Position::Subject,
            (true, false) => wording::Position::InsideSubject,
            _ => wording::Position::Tail,
        };
        let french_plural = self.lexicon.language == Language::French
            && ["les ", "des ", "ces ", "nos ", "vos "]
                .iter()
                .any(|article| subject.to_lowercase().starts_with(article));
        let direct_object = fact.first <= clause.tail.start + 3 && clause.tail.contains(&fact.first);
        let mut before = fact.first.checked_sub(1).map_or(String::new(), |at| self.words[at].lower.clone());
        // "by the shipowner Agnes Holloway"
        if fact.kind == FactKind::Person
            && fact.first >= 3
            && self.words[fact.first - 3].lower == "by"
            && self.lexicon.determiners.contains(&self.words[fact.first - 2].lower.as_str())
        {
            before = "by".into();
        }
        wording::Turned {
            subject,
            subject_after_fact: if in_subject {
                self.slice(fact.last..clause.subject.end).to_string()
            } else {
                String::new()
            },
            plural: clause.verb.support == "do"
                || matches!(clause.verb.lemma.as_str(), "are" | "were" | "sont" | "étaient")
                || clause.verb.auxiliary && clause.verb.lemma == "have"
                || french_plural,
            verb: clause.verb.clone(),
            surface: self.slice(clause.verb_words.clone()).to_string(),
            participle: first_tail.filter(|_| be_like).map(str::to_string),
            rest: String::new(),
            kind: fact.kind,
            unit: fact.unit.clone(),
            before,
            position,
            direct_object,
            imperative: clause.subject.is_empty(),
        }
    }

    /// "The red bin is for paper": what is it for?
    fn purpose(&self, clause: &Clause) -> Vec<Candidate> {
        let of_be = matches!(clause.verb.lemma.as_str(), "is" | "are" | "est" | "sont");
        if !of_be
            || clause.subject.is_empty()
            || clause.tail.len() < 2
            || !matches!(self.words[clause.tail.start].lower.as_str(), "for" | "pour")
        {
            return Vec::new();
        }
        let (subject, verb) = (self.subject_text(clause), &clause.verb.lemma);
        let thing =
            Fact { kind: FactKind::Thing, first: clause.tail.start + 1, last: clause.tail.end, unit: None };
        let texts = match self.lexicon.language {
            Language::English => vec![
                format!("What {verb} {subject} for?"),
                format!("What goes into {subject}?"),
                format!("What do I use {subject} for?"),
            ],
            Language::French => {
                vec![format!("À quoi sert {subject} ?"), format!("Pour quoi {verb} {subject} ?")]
            }
        };
        texts.into_iter().map(|text| self.candidate(text, QuestionKind::Direct, &thing)).collect()
    }

    /// "Is smoking forbidden in all buildings?": for rules without a value.
    fn yes_or_no(&self, clause: &Clause) -> Vec<Candidate> {
        if !clause.verb.auxiliary || clause.subject.is_empty() || clause.tail.is_empty() {
            return Vec::new();
        }
        let subject = self.subject_text(clause);
        let tail = self.slice(clause.tail.clone());
        let lead = self.decapitalised(self.slice(clause.lead.clone()), clause.lead.start);
        let texts = match self.lexicon.language {
            Language::English => vec![
                format!("{} {subject} {tail} {lead}?", clause.verb.lemma),
                format!("Is it true that {subject} {} {tail} {lead}?", clause.verb.lemma),
                format!("What is the rule about {subject} {lead}?"),
                format!("What do I have to know about {subject} {lead}?"),
                format!("What do you say about {subject} {lead}?"),
                format!("How do you handle {subject} {lead}?"),
                format!("What is there to say on {subject} {lead}?"),
                format!("I have a question on {subject} {lead}: what is the rule?"),
                format!("Is there anything special about {subject} {lead}?"),
                format!("{subject} {lead}: yes or no?"),
            ],
            Language::French => vec![
                format!("{} {subject} {} {tail} {lead} ?", wording::est_ce(&subject), clause.verb.lemma),
                format!("Quelle est la règle pour {subject} {lead} ?"),
                format!("Que faut-il savoir sur {subject} {lead} ?"),
            ],
        };
        let thing = Fact { kind: FactKind::Thing, first: 0, last: 0, unit: None };
        texts
            .into_iter()
            .map(|text| Candidate {
                fact: None,
                fact_kind: None,
                ..self.candidate(text, QuestionKind::Direct, &thing)
            })
            .collect()
    }

    /// True where a question holds the value it asks for (more often than the rest of the sentence does).
    fn gives_away(&self, candidate: &Candidate) -> bool {
        let Some(value) = &candidate.fact else { return false };
        wording::gives_away(&candidate.question, value, candidate.fact_kind, self.text, self.lexicon)
    }
}
