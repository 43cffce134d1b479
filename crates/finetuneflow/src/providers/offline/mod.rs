//! Training examples without a language model, made from a document's own structure.
//!
//! Every answer is a sentence of the document (or, for tables, a sentence built of row label, column header
//! and cell). The questions are made by rules: the clause turned around, phrasings kept for its verb and kind of
//! value, indirect forms, keywords, and headings; in English and French. No question holds the value that it asks
//! for. The same document, options and seed give the same examples.
//!
//! It is not a reader: it does not understand the text, and knows no paraphrase beyond its lists.

mod clauses;
mod english;
mod english_frames;
mod facts;
mod facts_figures;
mod facts_names;
mod french;
mod french_frames;
mod keywords;
mod lexicon;
mod questions;
mod random;
mod sentences;
mod source;
mod synonyms;
mod tables;
mod verbs;
mod wording;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use facts::FactKind;
pub use lexicon::Language;
pub use questions::QuestionKind;
pub use source::source_blocks;

use lexicon::Lexicon;
use questions::{Candidate, Statement};
use random::Random;

/// How examples of this generator are labelled in their provenance.
pub const NAME: &str = "offline generator";

/// Raised when the rules change, so that an example says which ones made it.
pub const VERSION: u32 = 3;

/// A piece of a document's structure, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBlock {
    pub kind: SourceKind,
    /// Running text; of a table one line a row, cells apart by `|` or tabs.
    pub text: String,
    /// The headings above, outermost first; a heading's own text is not among them.
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
}

/// The kinds of block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Heading { level: u8 },
    Paragraph,
    ListItem,
    Table,
}

/// What to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    pub seed: u64,
    /// Questions for a sentence with one value; a sentence with more values gets up to twice as many.
    pub questions_per_fact: usize,
    /// Keep one phrasing of each typed value out of the examples, as a test.
    pub hold_out: bool,
    /// `None`: recognised for each block.
    pub language: Option<Language>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, questions_per_fact: 10, hold_out: false, language: None }
    }
}

/// Where an example comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleSource {
    pub page: Option<u32>,
    pub heading_path: Vec<String>,
    /// The document's sentence; of a table the row as it stands.
    pub sentence: String,
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedExample {
    pub question: String,
    pub answer: String,
    pub kind: QuestionKind,
    pub source: ExampleSource,
}

/// A question that is in no example, for a test of what was learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOutQuestion {
    pub question: String,
    pub answer: String,
    /// The value that a right answer must hold, such as "9:15".
    pub fact: String,
    pub source: ExampleSource,
}

/// What was made of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    pub examples: Vec<GeneratedExample>,
    pub held_out: Vec<HeldOutQuestion>,
}

/// A sentence with all that is needed to ask about it.
struct Unit {
    answer: String,
    lexicon: &'static Lexicon,
    /// Whom a pronoun means.
    context: Option<String>,
    source: ExampleSource,
    /// Questions known from the structure alone (cells, headings).
    extra: Vec<Candidate>,
    /// False for units whose answer is no sentence to be analysed (heading summaries, whole rows).
    analysed: bool,
}

/// Examples for a document's blocks.
pub fn generate(blocks: &[SourceBlock], options: &Options) -> Generated {
    let units = units(blocks, options);
    let statements: Vec<Option<Statement>> = units
        .iter()
        .map(|unit| {
            unit.analysed.then(|| Statement::new(&unit.answer, unit.lexicon, unit.context.as_deref()))
        })
        .collect();
    let index = KeywordIndex::new(&statements);
    let mut candidates: Vec<Vec<Candidate>> = Vec::with_capacity(units.len());
    for (at, (unit, statement)) in units.iter().zip(&statements).enumerate() {
        let mut random = Random::for_text(options.seed, &unit.answer);
        let mut found = unit.extra.clone();
        if let Some(statement) = statement {
            found.extend(statement.candidates(&|words| index.only(words, at), &mut random));
        }
        candidates.push(found);
    }
    for (unit, found) in units.iter().zip(&mut candidates) {
        found.retain(|candidate| is_whole(candidate, unit.lexicon));
    }
    drop_ambiguous(&units, &mut candidates);
    let mut generated = Generated::default();
    for ((unit, statement), found) in units.iter().zip(&statements).zip(candidates) {
        let facts = statement.as_ref().map_or(1, |statement| statement.fact_count().clamp(1, 3));
        let typed = statement.as_ref().is_some_and(|statement| statement.fact_count() > 0);
        let wanted = match (statement.is_some(), typed) {
            (true, true) => options.questions_per_fact * (facts + 1) / 2,
            // Rules without a value, and summaries of sections.
            (true, false) => options.questions_per_fact.div_ceil(4) * 3,
            (false, _) => options.questions_per_fact.div_ceil(2),
        };
        select(unit, found, wanted, options, &mut generated);
    }
    generated
}

/// Takes a mixture of a unit's questions, one of them as the held-out one.
fn select(unit: &Unit, found: Vec<Candidate>, wanted: usize, options: &Options, generated: &mut Generated) {
    let mut random = Random::for_text(options.seed ^ 0x5e1e_c7ed, &unit.answer);
    let mut groups: BTreeMap<QuestionKind, Vec<Candidate>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for candidate in found {
        if seen.insert(wording::normalised(&candidate.question)) {
            groups.entry(candidate.kind).or_default().push(candidate);
        }
    }
    for group in groups.values_mut() {
        random.shuffle(group);
    }
    if options.hold_out {
        hold_one_out(unit, &mut groups, generated);
    }
    // Many wrappings of one question teach little, and people ask in sentences.
    for (kind, most) in [(QuestionKind::Indirect, wanted / 6), (QuestionKind::Keyword, wanted * 2 / 5)] {
        if let Some(group) = groups.get_mut(&kind) {
            group.truncate(most.max(4));
        }
    }
    let mut taken = 0;
    while taken < wanted && groups.values().any(|group| !group.is_empty()) {
        for kind in wording::MIXTURE.iter().chain([&QuestionKind::Heading]) {
            if taken >= wanted {
                break;
            }
            if let Some(candidate) = groups.get_mut(kind).and_then(Vec::pop) {
                taken += 1;
                generated.examples.push(GeneratedExample {
                    question: candidate.question,
                    answer: unit.answer.clone(),
                    kind: candidate.kind,
                    source: unit.source.clone(),
                });
            }
        }
    }
}

/// Moves one natural question about a typed value out of the groups, where enough others stay.
fn hold_one_out(unit: &Unit, groups: &mut BTreeMap<QuestionKind, Vec<Candidate>>, generated: &mut Generated) {
    let total: usize = groups.values().map(Vec::len).sum();
    if total < 5 {
        return;
    }
    for kind in [QuestionKind::Frame, QuestionKind::Cell, QuestionKind::Direct] {
        let Some(group) = groups.get_mut(&kind) else { continue };
        let typed = |candidate: &Candidate| {
            candidate.fact.is_some() && candidate.fact_kind.is_some_and(|kind| kind != FactKind::Thing)
        };
        let best =
            group.iter().filter(|candidate| typed(candidate)).map(|candidate| candidate.fact_kind).min();
        let Some(at) =
            group.iter().position(|candidate| typed(candidate) && Some(candidate.fact_kind) == best)
        else {
            continue;
        };
        let candidate = group.remove(at);
        if let Some(fact) = candidate.fact {
            generated.held_out.push(HeldOutQuestion {
                question: candidate.question,
                answer: unit.answer.clone(),
                fact,
                source: unit.source.clone(),
            });
        }
        return;
    }
}

/// Not the rest of a sentence that the rules cut in a wrong place ("How long is the house the?"), nor one that asks for a day
/// where the text has a year.
fn is_whole(candidate: &Candidate, lexicon: &Lexicon) -> bool {
    let question = candidate.question.trim_end_matches(['?', '.', ' ']).to_lowercase();
    let last = question.rsplit(' ').next().unwrap_or_default();
    let goes_on = lexicon.determiners.contains(&last) || lexicon.conjunctions.contains(&last);
    let is_year = |fact: &String| fact.len() == 4 && fact.bytes().all(|byte| byte.is_ascii_digit());
    let asks_a_day = || question.split(' ').any(|word| ["day", "jour"].contains(&word));
    let is_odd = candidate.fact.as_ref().is_some_and(is_year) && asks_a_day();
    !(goes_on || is_odd)
}

/// Questions with two different answers teach nothing: they are dropped.
fn drop_ambiguous(units: &[Unit], candidates: &mut [Vec<Candidate>]) {
    let mut answers: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (unit, found) in units.iter().zip(candidates.iter()) {
        for candidate in found {
            answers.entry(wording::normalised(&candidate.question)).or_default().insert(&unit.answer);
        }
    }
    for found in candidates {
        found.retain(|candidate| {
            answers.get(&wording::normalised(&candidate.question)).is_none_or(|answers| answers.len() == 1)
        });
    }
}

/// Which sentences hold which content words: keyword questions must mean one sentence only.
struct KeywordIndex(BTreeMap<String, BTreeSet<usize>>);

impl KeywordIndex {
    fn new(statements: &[Option<Statement>]) -> Self {
        let mut index: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (at, statement) in statements.iter().enumerate() {
            for word in statement.iter().flat_map(|statement| statement.keywords(None)) {
                index.entry(stem(&word)).or_default().insert(at);
            }
        }
        Self(index)
    }

    fn only(&self, words: &[String], at: usize) -> bool {
        let mut holders: Option<BTreeSet<usize>> = None;
        for word in words {
            let Some(found) = self.0.get(&stem(word)) else { continue };
            holders = Some(match holders {
                Some(previous) => previous.intersection(found).copied().collect(),
                None => found.clone(),
            });
        }
        holders.is_some_and(|holders| holders.len() == 1 && holders.contains(&at))
    }
}

fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let stem = word.strip_suffix("es").or_else(|| word.strip_suffix('s')).unwrap_or(word);
    stem.strip_suffix('e').unwrap_or(stem).to_string()
}

fn units(blocks: &[SourceBlock], options: &Options) -> Vec<Unit> {
    let whole: String =
        blocks.iter().take(400).map(|block| block.text.as_str()).collect::<Vec<_>>().join(" ");
    let fallback = options.language.or_else(|| lexicon::detect(&whole)).unwrap_or(Language::English);
    let mut units = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let language = options.language.or_else(|| lexicon::detect(&block.text)).unwrap_or(fallback);
        let lexicon = Lexicon::of(language);
        match block.kind {
            SourceKind::Heading { .. } => units.extend(section(blocks, at, lexicon)),
            SourceKind::Paragraph | SourceKind::ListItem => prose(block, lexicon, &mut units),
            SourceKind::Table => {
                tables::units(block, Lexicon::of(options.language.unwrap_or(fallback)), &mut units)
            }
        }
    }
    let mut answers = BTreeSet::new();
    units.retain(|unit| answers.insert(unit.answer.clone()));
    units
}

/// Sentences of more than this many characters are no answers that a small model can learn.
const MAX_ANSWER_CHARS: usize = 400;

fn prose(block: &SourceBlock, lexicon: &'static Lexicon, units: &mut Vec<Unit>) {
    let text = if block.kind == SourceKind::ListItem { without_marker(&block.text) } else { &block.text };
    let heading = block.heading_path.last().map(|heading| heading_topic(heading));
    let mut context = heading;
    for sentence in sentences::sentences(text) {
        let words = sentence.split_whitespace().count();
        if words < 3 && block.kind != SourceKind::ListItem
            || words < 2
            || sentence.chars().count() > MAX_ANSWER_CHARS
            || sentence.ends_with(':')
        {
            continue;
        }
        let subject = Statement::new(&sentence, lexicon, context.as_deref()).subject();
        let extra = labelled(&sentence, block, lexicon);
        let source = ExampleSource {
            page: block.page,
            heading_path: block.heading_path.clone(),
            sentence: sentence.clone(),
        };
        units.push(Unit {
            answer: sentence,
            lexicon,
            context: context.clone(),
            source,
            extra,
            analysed: true,
        });
        context = subject.or(context);
    }
}

/// "Monday to Friday: 8:30 to 18:00": questions for the label, the heading standing for the column.
fn labelled(sentence: &str, block: &SourceBlock, lexicon: &Lexicon) -> Vec<Candidate> {
    let Some((label, value)) = sentence.split_once(": ") else { return Vec::new() };
    let column = block.heading_path.last().map(|heading| heading_topic(heading)).unwrap_or_default();
    if label.split_whitespace().count() > 6 || value.split_whitespace().count() > 12 || column.is_empty() {
        return Vec::new();
    }
    let label = if label.contains(' ') && !tables::is_common(label) {
        label.to_string()
    } else {
        heading_topic(label)
    };
    tables::cell_candidates(&column, &label, value.trim_end_matches('.'), sentence, lexicon)
}

fn without_marker(text: &str) -> &str {
    let text = text.trim();
    let bare = text.trim_start_matches(['-', '*', '•', '–', '—', '▪', '◦', '·', '‣', 'o']).trim_start();
    if bare.len() < text.len() && (text.starts_with(|c: char| c != 'o') || text.starts_with("o ")) {
        return bare;
    }
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let lettered = text
        .get(1..)
        .filter(|rest| text.starts_with(|c: char| c.is_ascii_lowercase()) && rest.starts_with(')'));
    if let Some(rest) = lettered {
        return rest.trim_start_matches(')').trim_start();
    }
    if digits.len() < text.len() && digits.starts_with(['.', ')']) && digits[1..].starts_with(' ') {
        return digits[1..].trim_start();
    }
    text
}

/// "3.2 Opening hours" → "opening hours".
fn heading_topic(heading: &str) -> String {
    let text = heading
        .trim()
        .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' ' | '§'))
        .trim_end_matches(['.', ':']);
    let acronym = text.chars().take_while(|c| c.is_alphanumeric()).filter(|c| c.is_uppercase()).count() > 1;
    if acronym { text.to_string() } else { wording::decapitalised(text) }
}

/// Questions about a section; the answer is its first sentences.
fn section(blocks: &[SourceBlock], at: usize, lexicon: &'static Lexicon) -> Option<Unit> {
    const SUMMARY_CHARS: usize = 220;
    let heading = &blocks[at];
    let first = blocks.get(at + 1).filter(|block| block.kind == SourceKind::Paragraph)?;
    let lexicon = lexicon::detect(&first.text).map_or(lexicon, Lexicon::of);
    let mut answer = String::new();
    for sentence in sentences::sentences(&first.text).into_iter().take(2) {
        if !answer.is_empty() && answer.len() + sentence.len() > SUMMARY_CHARS {
            break;
        }
        answer = if answer.is_empty() { sentence } else { format!("{answer} {sentence}") };
    }
    let topic = heading_topic(&heading.text);
    if topic.is_empty()
        || answer.is_empty()
        || answer.chars().count() > MAX_ANSWER_CHARS
        || answer.ends_with(':')
    {
        return None;
    }
    let extra = lexicon
        .heading
        .iter()
        .map(|pattern| Candidate {
            question: wording::tidy(&pattern.replace("{h}", &topic), lexicon.language),
            kind: QuestionKind::Heading,
            fact: None,
            fact_kind: None,
        })
        .collect();
    let mut heading_path = heading.heading_path.clone();
    heading_path.push(heading.text.clone());
    let source = ExampleSource { page: heading.page.or(first.page), heading_path, sentence: answer.clone() };
    Some(Unit { answer, lexicon, context: None, source, extra, analysed: false })
}

#[cfg(test)]
mod tests;
