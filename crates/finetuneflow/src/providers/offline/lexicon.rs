//! What the generator knows of a language, as data: word lists and question frames.

use super::facts::FactKind;

/// The languages with rules of their own. Anything else is treated as English, whose keyword questions
/// work without grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    English,
    French,
}

/// Questions for a verb or an attribute noun together with a kind of fact.
///
/// Placeholders: `{s}` what it is about with its article, `{of}` the same after "of"/"de" contracted,
/// `{to}` the same after "to"/"à" contracted, `{u}` the counted noun, `{l}` the verb's dictionary form, `{d}` the verb
/// as it stands, `{v}` the participle, `{r}` what else the sentence says (with its leading space).
pub struct Frame {
    /// Dictionary forms of the verb; participles after "be" are given as they stand.
    pub verbs: &'static [&'static str],
    /// Heads of "the X of Y is …".
    pub attributes: &'static [&'static str],
    /// Kinds of fact that the questions ask for.
    pub kinds: &'static [FactKind],
    /// The questions.
    pub questions: &'static [&'static str],
}

/// The word lists of one language. All lower case.
pub struct Lexicon {
    pub language: Language,
    pub stop_words: &'static [&'static str],
    pub determiners: &'static [&'static str],
    pub prepositions: &'static [&'static str],
    pub conjunctions: &'static [&'static str],
    pub pronouns: &'static [&'static str],
    pub auxiliaries: &'static [&'static str],
    /// Words between a preposition and a figure: "at least", "up to".
    pub approximations: &'static [&'static str],
    pub time_prepositions: &'static [&'static str],
    pub place_prepositions: &'static [&'static str],
    pub place_nouns: &'static [&'static str],
    pub place_verbs: &'static [&'static str],
    pub named_times: &'static [&'static str],
    pub weekdays: &'static [&'static str],
    pub months: &'static [&'static str],
    pub number_words: &'static [&'static str],
    pub duration_units: &'static [&'static str],
    pub money_units: &'static [&'static str],
    pub colours: &'static [&'static str],
    pub titles: &'static [&'static str],
    /// Capitalised words that make a name one of an organisation or a place.
    pub not_person: &'static [&'static str],
    pub range_joiners: &'static [&'static str],
    /// Words and short phrases that may stand for one another; see [`super::synonyms::Thesaurus`].
    pub synonyms: &'static str,
    pub frames: &'static [Frame],
    /// Indirect questions; `{q}` is the clause, as in "Could you tell me {q}?".
    pub indirect: &'static [&'static str],
    /// Questions from keywords; `{k}`.
    pub keyword: &'static [&'static str],
    /// Questions about a heading; `{h}`.
    pub heading: &'static [&'static str],
    /// A row's cell: `{c}` column, `{l}` label with its article where it takes one.
    pub cell: &'static [&'static str],
    /// A line of label and value: `{l}`.
    pub label: &'static [&'static str],
}

impl Lexicon {
    /// The lists of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &super::english::LEXICON,
            Language::French => &super::french::LEXICON,
        }
    }

    /// Words that carry no content.
    pub fn is_stop(&self, lower: &str) -> bool {
        self.stop_words.contains(&lower)
            || self.determiners.contains(&lower)
            || self.prepositions.contains(&lower)
            || self.conjunctions.contains(&lower)
            || self.pronouns.contains(&lower)
            || self.auxiliaries.contains(&lower)
            || self.approximations.contains(&lower)
    }
}

/// English or French by counting function words; `None` where neither shows.
pub fn detect(text: &str) -> Option<Language> {
    const FRENCH: &[&str] = &[
        "le", "la", "les", "des", "du", "de", "et", "est", "sont", "une", "un", "pour", "dans", "sur",
        "avec", "au", "aux", "par", "doit", "peut", "vous", "nous", "qui", "que", "l", "d", "à", "il",
        "elle", "ou", "chaque", "ne", "pas",
    ];
    const ENGLISH: &[&str] = &[
        "the", "of", "and", "is", "are", "to", "in", "for", "with", "on", "at", "by", "must", "can", "you",
        "we", "this", "that", "be", "from", "or", "it", "a", "an", "each", "every", "not", "your", "may",
        "has", "have", "all",
    ];
    let (mut french, mut english) = (0usize, 0usize);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        french += usize::from(FRENCH.contains(&word.as_str()));
        english += usize::from(ENGLISH.contains(&word.as_str()));
    }
    match french.cmp(&english) {
        std::cmp::Ordering::Greater => Some(Language::French),
        std::cmp::Ordering::Less => Some(Language::English),
        std::cmp::Ordering::Equal => None,
    }
}
