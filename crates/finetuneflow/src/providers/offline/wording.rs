//! The words of questions: question words by kind, frames filled in, synonyms, and what makes a question unfit.

use super::clauses::Verb;
use super::facts::FactKind;
use super::lexicon::{Frame, Language, Lexicon};
use super::questions::QuestionKind;

/// Where in its clause the fact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It is (the head of) the subject.
    Subject,
    /// It is a part of the subject, too deep to ask for.
    InsideSubject,
    /// It stands before or after subject and verb.
    Tail,
}

/// A clause taken apart around one fact.
#[derive(Debug, Clone)]
pub struct Turned {
    pub subject: String,
    pub subject_after_fact: String,
    pub plural: bool,
    pub verb: Verb,
    /// The verb as it stands.
    pub surface: String,
    /// The first word behind an auxiliary: "located", "open".
    pub participle: Option<String>,
    /// What else the clause says.
    pub rest: String,
    pub kind: FactKind,
    pub unit: Option<String>,
    /// The word before the fact.
    pub before: String,
    pub position: Position,
    /// The fact stands right behind the verb.
    pub direct_object: bool,
    pub imperative: bool,
}

impl Turned {
    fn is_be(&self) -> bool {
        matches!(
            self.verb.lemma.as_str(),
            "is" | "are" | "was" | "were" | "est" | "sont" | "était" | "étaient" | "fut" | "sera"
        )
    }

    /// "X is FACT", without a participle.
    fn names(&self) -> bool {
        self.is_be()
            && self.direct_object
            && self.participle.as_deref().is_none_or(|word| !self.rest_starts_with(word))
    }

    /// The name under which frames know the verb.
    fn verb_key(&self, language: Language) -> String {
        match (&self.participle, self.verb.auxiliary) {
            (Some(word), true) if !self.rest.is_empty() && self.rest_starts_with(word) => word.clone(),
            (_, true) if self.is_be() => {
                if language == Language::English { "be" } else { "être" }.to_string()
            }
            _ => self.verb.lemma.clone(),
        }
    }

    fn rest_starts_with(&self, word: &str) -> bool {
        self.rest_words().any(|candidate| candidate.to_lowercase() == word)
    }

    fn rest_words(&self) -> impl Iterator<Item = &str> {
        self.rest.split_whitespace().take(3)
    }

    /// The rest without "be located".
    fn rest_behind_participle(&self) -> String {
        let Some(participle) = self.participle.as_deref().filter(|_| self.verb.auxiliary) else {
            return self.rest.clone();
        };
        let words: Vec<&str> = self.rest.split_whitespace().collect();
        match words.iter().take(3).position(|word| word.to_lowercase() == participle) {
            Some(at) => words[at + 1..].join(" "),
            None => self.rest.clone(),
        }
    }
}

/// "the price of the day ticket" → ("price", "the day ticket").
fn attribute(subject: &str, language: Language) -> Option<(String, String)> {
    let joints: &[&str] = match language {
        Language::English => &[" of ", " for "],
        Language::French => &[" de ", " du ", " des ", " d'", " pour "],
    };
    let (at, joint) = joints.iter().filter_map(|joint| subject.find(joint).map(|at| (at, *joint))).min()?;
    let head = subject[..at].to_lowercase();
    let head = ["the ", "a ", "an ", "our ", "le ", "la ", "l'", "les "]
        .iter()
        .find_map(|article| head.strip_prefix(article))
        .unwrap_or(&head)
        .to_string();
    let entity = &subject[at + joint.len()..];
    let entity = match joint {
        " du " => format!("le {entity}"),
        " des " => format!("les {entity}"),
        _ => entity.to_string(),
    };
    Some((head, entity))
}

/// The clause as people ask for it: "the café" for "the café on the roof terrace", "the museum" for "the Tidewater
/// Museum", and without what else it says.
pub fn shorter(turned: &Turned, lexicon: &Lexicon) -> Vec<Turned> {
    let words: Vec<&str> = turned.subject.split_whitespace().collect();
    // "the price of the ticket" keeps its second half, and so does "Friends of the Mill".
    let cut = (2..words.len()).find(|&at| {
        lexicon.prepositions.contains(&words[at])
            && !matches!(words[at], "of" | "for" | "de" | "du" | "des" | "d'" | "pour")
    });
    let mut subjects = vec![cut.map_or_else(|| turned.subject.clone(), |at| words[..at].join(" "))];
    if lexicon.language == Language::English {
        subjects.extend(short_names(&words));
    }
    let participle = turned.participle.clone().filter(|word| turned.rest_starts_with(word));
    let short_rest = participle.unwrap_or_default();
    let variants = subjects.into_iter().flat_map(|subject| {
        [turned.rest.clone(), short_rest.clone()].map(|rest| Turned {
            subject: subject.clone(),
            rest,
            ..turned.clone()
        })
    });
    variants.filter(|variant| variant.subject != turned.subject || variant.rest != turned.rest).collect()
}

/// "the Tidewater Museum" → "the museum"; "the lifeboat Constance" → "the lifeboat", "the Constance".
fn short_names(words: &[&str]) -> Vec<String> {
    let capital = |word: &&str| word.starts_with(char::is_uppercase);
    match words {
        ["the" | "The", names @ .., last]
            if !names.is_empty() && names.iter().all(capital) && capital(last) =>
        {
            vec![format!("the {}", last.to_lowercase())]
        }
        ["the" | "The", noun, name] if !capital(noun) && capital(name) => {
            vec![format!("the {noun}"), format!("the {name}")]
        }
        _ => Vec::new(),
    }
}

/// The frames' questions for a clause.
pub fn frame_questions(lexicon: &Lexicon, turned: &Turned) -> Vec<String> {
    if turned.imperative
        || turned.subject == "il y"
        || turned.position != Position::Tail
        || turned.subject.is_empty()
        || lexicon.is_stop(&turned.subject.to_lowercase())
    {
        return Vec::new();
    }
    let language = lexicon.language;
    let parts = attribute(&turned.subject, language).filter(|_| turned.is_be());
    // "the yearly fee for adults" is also a fee of adults; "the notice period" has a frame of its own.
    let ends_with_attribute = |frame: &Frame, head: &str| {
        frame
            .attributes
            .iter()
            .any(|attribute| head.strip_suffix(attribute).is_some_and(|before| before.ends_with(' ')))
    };
    let by_attribute = parts.as_ref().and_then(|(head, entity)| {
        let fits = || lexicon.frames.iter().filter(|frame| frame.kinds.contains(&turned.kind));
        let frame = fits()
            .find(|frame| frame.attributes.contains(&head.as_str()))
            .or_else(|| fits().find(|frame| ends_with_attribute(frame, head)))?;
        Some((frame, entity.as_str()))
    });
    if let Some((frame, entity)) = by_attribute {
        let plural = entity.ends_with('s') && language == Language::English && !entity.ends_with("ss");
        return fill(frame, turned, entity, &turned.rest, None, plural, language);
    }
    let key = turned.verb_key(language);
    let plain = matches!(key.as_str(), "be" | "être");
    let fits = |frame: &&Frame| {
        frame.kinds.contains(&turned.kind)
            && frame.verbs.contains(&key.as_str())
            // "has to pass a test of 200 metres": not the number of what it has.
            && (turned.kind != FactKind::Quantity || turned.direct_object)
            && !(plain
                && (matches!(turned.kind, FactKind::Quantity | FactKind::Code) || !turned.direct_object))
            && !(turned.kind == FactKind::Person
                && matches!(
                    key.as_str(),
                    "led" | "managed" | "directed" | "founded" | "built" | "taught" | "made"
                )
                && turned.before != "by")
    };
    let rest = turned.rest_behind_participle();
    let participle = turned.participle.as_deref().filter(|_| !plain && turned.verb.auxiliary);
    lexicon
        .frames
        .iter()
        .filter(fits)
        .flat_map(|frame| fill(frame, turned, &turned.subject, &rest, participle, turned.plural, language))
        .collect()
}

fn fill(
    frame: &Frame,
    turned: &Turned,
    subject: &str,
    rest: &str,
    participle: Option<&str>,
    plural: bool,
    language: Language,
) -> Vec<String> {
    let rest = if rest.is_empty()
        || rest.split_whitespace().count() > 8
        || rest.starts_with("by ")
        || rest.starts_with("par ")
    {
        String::new()
    } else {
        format!(" {rest}")
    };
    let unit = turned.unit.clone().unwrap_or_default();
    frame
        .questions
        .iter()
        .filter(|question| {
            (participle.is_some() || !question.contains("{v}"))
                && (!unit.is_empty() || !question.contains("{u}"))
        })
        .map(|question| {
            let mut question = (*question).to_string();
            if plural && language == Language::English {
                question = question
                    .replace("does {s}", "do {s}")
                    .replace("is {s}", "are {s}")
                    .replace("was {s}", "were {s}");
            }
            if !plural && language == Language::English {
                question = question.replace("do {s}", "does {s}").replace("are {s}", "is {s}");
            }
            if plural && language == Language::French {
                for (one, many) in FRENCH_PLURALS {
                    question = question.replace(&format!("{one} {{s}}"), &format!("{many} {{s}}"));
                }
            }
            let question = question
                .replace("{of}", &french_joined("de", subject))
                .replace("{to}", &french_joined("à", subject));
            question
                .replace("{u}", &unit)
                .replace("{l}", &turned.verb.lemma)
                .replace("{d}", &turned.surface)
                .replace("{v}", participle.unwrap_or(""))
                .replace("{r}", &rest)
                .replace("{s}", subject)
        })
        .collect()
}

const FRENCH_PLURALS: &[(&str, &str)] = &[
    ("ouvre", "ouvrent"),
    ("ferme", "ferment"),
    ("coûte", "coûtent"),
    ("dure", "durent"),
    ("commence", "commencent"),
    ("débute", "débutent"),
    ("a lieu", "ont lieu"),
    ("démarre", "démarrent"),
    ("finit", "finissent"),
    ("se termine", "se terminent"),
    ("pèse", "pèsent"),
    ("se trouve", "se trouvent"),
    ("est", "sont"),
    ("s'appelle", "s'appellent"),
    ("se déroule", "se déroulent"),
];

/// "de" or "à" with the article: "du musée", "aux visiteurs", "d'Anna".
fn french_joined(preposition: &str, subject: &str) -> String {
    let lower = subject.to_lowercase();
    let (with_le, with_les) = if preposition == "de" { ("du", "des") } else { ("au", "aux") };
    if lower.starts_with("le ") {
        format!("{with_le} {}", &subject[3..])
    } else if lower.starts_with("les ") {
        format!("{with_les} {}", &subject[4..])
    } else if preposition == "de" && lower.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'h', 'ê', 'â']) {
        format!("d'{subject}")
    } else {
        format!("{preposition} {subject}")
    }
}

fn question_words(language: Language, turned: &Turned) -> Vec<String> {
    let unit = turned.unit.as_deref().unwrap_or("");
    let fixed: &[&str] = match (language, turned.kind) {
        (Language::English, FactKind::Time) => &["when", "at what time", "at what hour"],
        (Language::English, FactKind::Date) => &["when", "on what day", "on which date"],
        (Language::English, FactKind::Duration)
            if matches!(turned.before.as_str(), "within" | "after" | "before" | "least" | "in") =>
        {
            &["when", "within what time", "how soon"]
        }
        (Language::English, FactKind::Duration) => &["how long", "for how long"],
        (Language::English, FactKind::Money) => &["how much", "what amount", "how much money"],
        (Language::English, FactKind::Percent) => &["how much", "what percentage"],
        (Language::English, FactKind::Frequency) => &["how often", "when"],
        (Language::English, FactKind::Person)
            if turned.position == Position::Tail
                && matches!(turned.before.as_str(), "by" | "to" | "with" | "from" | "for") =>
        {
            return vec![format!("{} whom", turned.before), format!("{} which person", turned.before)];
        }
        (Language::French, FactKind::Person)
            if turned.position == Position::Tail
                && matches!(turned.before.as_str(), "par" | "à" | "avec" | "chez" | "pour") =>
        {
            return vec![format!("{} qui", turned.before), format!("{} quelle personne", turned.before)];
        }
        (Language::English, FactKind::Person) => &["who", "which person"],
        (Language::English, FactKind::Place) => &["where", "in which place"],
        (Language::English, FactKind::Colour) => &["what colour", "which colour"],
        (Language::English, FactKind::Phone) => &["at which number", "what number"],
        (Language::English, FactKind::Email | FactKind::Url) => &["at which address", "what address"],
        (Language::English, FactKind::Code | FactKind::Thing) => &["what"],
        (Language::French, FactKind::Time) => &["quand", "à quelle heure", "à quel moment"],
        (Language::French, FactKind::Date) => &["quand", "quel jour", "à quelle date"],
        (Language::French, FactKind::Duration) => &["combien de temps", "pendant combien de temps"],
        (Language::French, FactKind::Money | FactKind::Percent) => &["combien", "combien d'argent"],
        (Language::French, FactKind::Frequency) => &["tous les combien", "quand", "à quelle fréquence"],
        (Language::French, FactKind::Person) => &["qui", "quelle personne"],
        (Language::French, FactKind::Place) => &["où", "à quel endroit"],
        (Language::French, FactKind::Colour) => &["de quelle couleur"],
        (Language::French, FactKind::Phone) => &["à quel numéro"],
        (Language::French, FactKind::Email | FactKind::Url) => &["à quelle adresse"],
        (Language::French, FactKind::Code | FactKind::Thing) => &["que"],
        (Language::English, FactKind::Quantity) => {
            return vec![format!("how many {unit}"), format!("what number of {unit}")];
        }
        (Language::French, FactKind::Quantity) => return vec![format!("combien de {unit}")],
    };
    fixed.iter().map(|word| (*word).to_string()).collect()
}

/// "is 11.5 metres long": "How long is …?", "What is the length of …?". `behind`: the word behind the figure.
pub fn measure_questions(turned: &Turned, behind: &str) -> Vec<String> {
    const MEASURES: [(&str, &str); 9] = [
        ("long", "length"),
        ("tall", "height"),
        ("high", "height"),
        ("wide", "width"),
        ("deep", "depth"),
        ("heavy", "weight"),
        ("old", "age"),
        ("thick", "thickness"),
        ("away", "distance"),
    ];
    let Some((adjective, noun)) = MEASURES.iter().find(|(adjective, _)| *adjective == behind) else {
        return Vec::new();
    };
    if turned.position != Position::Tail || turned.subject.is_empty() || !turned.verb.auxiliary {
        return Vec::new();
    }
    let how = if *adjective == "away" { "far away" } else { adjective };
    let (subject, verb) = (&turned.subject, &turned.verb.lemma);
    let be = if turned.is_be() { "" } else { " be" };
    vec![
        format!("How {how} {verb} {subject}{be}?"),
        format!("What is the {noun} of {subject}?"),
        format!("What {noun} is right for {subject}?"),
        format!("What {noun} must I think of with {subject}?"),
        format!("Do you know the {noun} of {subject}?"),
        format!("I need the {noun} of {subject}."),
    ]
}

/// The clause turned around: "When does the pool open on Sundays?".
pub fn direct_questions(language: Language, turned: &Turned) -> Vec<String> {
    let words = question_words(language, turned);
    let rest = if turned.rest.is_empty() { String::new() } else { format!(" {}", turned.rest) };
    let end = if language == Language::English { "?" } else { " ?" };
    let (subject, lemma, surface) = (&turned.subject, &turned.verb.lemma, &turned.surface);
    words
        .iter()
        .filter_map(|word| match (language, turned.position) {
            (_, Position::InsideSubject) => None,
            (_, Position::Subject) => {
                subject_question(turned, word).map(|question| format!("{question}{rest}{end}"))
            }
            (Language::English, Position::Tail) if turned.imperative => {
                Some(format!("{word} should I {lemma}{rest}{end}"))
            }
            (Language::English, Position::Tail) if turned.verb.auxiliary => {
                Some(format!("{word} {lemma} {subject}{rest}{end}"))
            }
            (Language::English, Position::Tail) => {
                Some(format!("{word} {} {subject} {lemma}{rest}{end}", turned.verb.support))
            }
            (Language::French, Position::Tail) if turned.imperative => {
                Some(format!("{word} faut-il {lemma}{rest}{end}"))
            }
            (Language::French, Position::Tail) if subject == "il y" => {
                Some(format!("{word} y a-t-il{rest}{end}"))
            }
            (Language::French, Position::Tail) if turned.names() && word != "que" => {
                Some(format!("{word} {surface} {subject}{rest}{end}"))
            }
            (Language::French, Position::Tail) if word == "que" => {
                Some(format!("qu'{} {subject} {surface}{rest}{end}", est_ce(subject)))
            }
            (Language::French, Position::Tail) => {
                Some(format!("{word} {} {subject} {surface}{rest}{end}", est_ce(subject)))
            }
        })
        .map(|question| question.replace("est-ce qu' ", "est-ce qu'"))
        .collect()
}

pub fn est_ce(subject: &str) -> &'static str {
    if starts_with_vowel(subject) { "est-ce qu'" } else { "est-ce que" }
}

fn subject_question(turned: &Turned, word: &str) -> Option<String> {
    let after = turned.subject_after_fact.trim();
    let gap = if after.is_empty() { String::new() } else { format!(" {after}") };
    match turned.kind {
        FactKind::Person if after.is_empty() => Some(format!("{word} {}", turned.surface)),
        FactKind::Colour if !after.is_empty() => Some(format!(
            "{} {after} {}",
            if word.contains("couleur") { "quel" } else { "which" },
            turned.surface
        )),
        FactKind::Quantity => Some(format!("{word}{gap} {}", turned.surface)),
        FactKind::Thing | FactKind::Code => Some(format!("{word} {}", turned.surface)),
        _ => None,
    }
}

/// The clause as it follows "Could you tell me": "when the pool opens on Sundays".
pub fn indirect_clauses(language: Language, turned: &Turned) -> Vec<String> {
    let mut words = question_words(language, turned);
    if language == Language::French {
        words.iter_mut().filter(|word| *word == "que").for_each(|word| *word = "ce que".to_string());
    }
    let rest = if turned.rest.is_empty() { String::new() } else { format!(" {}", turned.rest) };
    words
        .iter()
        .filter_map(|word| match (language, turned.position) {
            (_, Position::InsideSubject) => None,
            (_, Position::Subject) => {
                subject_question(turned, word).map(|question| format!("{question}{rest}"))
            }
            (Language::English, Position::Tail) if turned.imperative => {
                Some(format!("{word} to {}{rest}", turned.verb.lemma))
            }
            (Language::French, Position::Tail) if turned.imperative => {
                Some(format!("{word} il faut {}{rest}", turned.verb.lemma))
            }
            (Language::French, Position::Tail) if turned.names() => {
                Some(format!("{word} {} {}{rest}", turned.surface, turned.subject))
            }
            (_, Position::Tail) => Some(format!("{word} {} {}{rest}", turned.subject, turned.surface)),
        })
        .map(|clause| clause.replace("ce que il", "ce qu'il"))
        .collect()
}

/// Words that name the kind of value, for keyword questions.
pub fn cues(language: Language, kind: FactKind, unit: Option<&str>) -> Vec<String> {
    let fixed: &[&str] = match (language, kind) {
        (Language::English, FactKind::Time) => &["what time", "when", "at what hour"],
        (Language::English, FactKind::Date) => &["when", "what date", "which day"],
        (Language::English, FactKind::Duration) => &["how long", "how much time"],
        (Language::English, FactKind::Money) => &["how much", "price", "cost in euros"],
        (Language::English, FactKind::Percent) => &["what percentage", "how much"],
        (Language::English, FactKind::Frequency) => &["how often"],
        (Language::English, FactKind::Person) => &["who", "name of the person"],
        (Language::English, FactKind::Place) => &["where", "place", "location"],
        (Language::English, FactKind::Colour) => &["what colour", "which color"],
        (Language::English, FactKind::Phone) => &["phone number", "number to call"],
        (Language::English, FactKind::Email) => &["email address", "address"],
        (Language::English, FactKind::Url) => &["web address", "website"],
        (Language::French, FactKind::Time) => &["à quelle heure", "quand"],
        (Language::French, FactKind::Date) => &["quand", "quelle date", "quel jour"],
        (Language::French, FactKind::Duration) => &["combien de temps", "quelle durée"],
        (Language::French, FactKind::Money) => &["combien", "quel prix", "quel tarif"],
        (Language::French, FactKind::Percent) => &["quel pourcentage"],
        (Language::French, FactKind::Frequency) => &["à quelle fréquence"],
        (Language::French, FactKind::Person) => &["qui", "quelle personne"],
        (Language::French, FactKind::Place) => &["où", "quel endroit"],
        (Language::French, FactKind::Colour) => &["quelle couleur"],
        (Language::French, FactKind::Phone) => &["quel numéro", "téléphone"],
        (Language::French, FactKind::Email | FactKind::Url) => &["quelle adresse"],
        (Language::English, FactKind::Quantity) => {
            return unit
                .map(|unit| vec![format!("how many {unit}"), format!("number of {unit}")])
                .unwrap_or_default();
        }
        (Language::French, FactKind::Quantity) => {
            return unit.map(|unit| vec![format!("combien de {unit}")]).unwrap_or_default();
        }
        (_, FactKind::Code | FactKind::Thing) => &[],
    };
    fixed.iter().map(|cue| (*cue).to_string()).collect()
}

/// True where a question holds the value more often than the rest of the sentence does.
pub fn gives_away(
    question: &str,
    value: &str,
    kind: Option<FactKind>,
    sentence: &str,
    lexicon: &Lexicon,
) -> bool {
    let split = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .map(str::to_string)
            .collect()
    };
    let (asked, wanted, source) = (split(question), split(value), split(sentence));
    let count = |list: &[String], part: &String| list.iter().filter(|other| *other == part).count();
    let held = |part: &String| {
        let outside = count(&source, part).saturating_sub(count(&wanted, part));
        count(&asked, part) > outside
    };
    let telling: Vec<&String> = wanted
        .iter()
        .filter(|part| {
            part.contains(|c: char| c.is_ascii_digit()) || lexicon.number_words.contains(&part.as_str())
        })
        .collect();
    if !telling.is_empty() {
        return telling.into_iter().any(held);
    }
    let content: Vec<&String> =
        wanted.iter().filter(|part| !lexicon.is_stop(part) && part.chars().count() > 1).collect();
    match kind {
        Some(FactKind::Person | FactKind::Colour) => content.into_iter().any(held),
        _ => !content.is_empty() && content.into_iter().all(held),
    }
}

/// A question of sensible length.
pub fn acceptable(question: &str) -> bool {
    let words = question.split_whitespace().count();
    (2..=24).contains(&words) && question.chars().count() <= 180
}

/// Spaces and capital letter put right.
pub fn tidy(question: &str, language: Language) -> String {
    let mut text = question.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in
        [(" ,", ","), (",?", "?"), (" .", "."), ("??", "?"), (",.", "."), ("..", "."), ("' ", "'")]
    {
        text = text.replace(from, to);
    }
    if language == Language::English {
        text = text.replace(" ?", "?");
    } else if text.ends_with('?') && !text.ends_with(" ?") {
        text.pop();
        text.push_str(" ?");
    }
    capitalised(&text)
}

/// With a capital letter at its start.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// With a small letter at its start.
pub fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

/// Whether French words before it lose their last letter ("l'", "qu'").
pub fn starts_with_vowel(text: &str) -> bool {
    text.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'h', 'ê'])
}

/// Lower case words only: two questions that differ in marks are the same.
pub fn normalised(question: &str) -> String {
    question
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The order in which kinds of question are taken, so that every statement gets a mixture.
pub const MIXTURE: &[QuestionKind] = &[
    QuestionKind::Frame,
    QuestionKind::Direct,
    QuestionKind::Keyword,
    QuestionKind::Cell,
    QuestionKind::Frame,
    QuestionKind::Indirect,
    QuestionKind::Keyword,
    QuestionKind::Frame,
    QuestionKind::Cell,
    QuestionKind::Frame,
    QuestionKind::Keyword,
    QuestionKind::Direct,
    QuestionKind::Frame,
    QuestionKind::Indirect,
];
