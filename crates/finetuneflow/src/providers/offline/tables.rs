//! Tables to sentences: one for each cell, from row label, column header and cell.

use super::lexicon::{Language, Lexicon};
use super::questions::{Candidate, QuestionKind};
use super::sentences;
use super::{ExampleSource, FactKind, SourceBlock, Unit, facts, wording};

/// Units for the cells of a table whose first row is its header and whose first column labels the rows.
pub fn units(block: &SourceBlock, lexicon: &'static Lexicon, units: &mut Vec<Unit>) {
    let rows = rows(&block.text);
    let Some((header, body)) = rows.split_first() else { return };
    if header.len() < 2 || body.is_empty() {
        return;
    }
    for row in body.iter().filter(|row| row.len() >= 2) {
        let Some(label) = row.first().filter(|label| !label.is_empty()) else { continue };
        for (column, cell) in header.iter().zip(row).skip(1) {
            if column.is_empty() || cell.is_empty() || matches!(cell.as_str(), "-" | "–" | "—" | "n/a") {
                continue;
            }
            let (name, unit) = column_name(column);
            let cell = with_unit(cell, unit.as_deref());
            let answer = sentence(&name, label, &cell, lexicon.language);
            let extra =
                cell_candidates(&name, &spoken_label(label, lexicon.language), &cell, &answer, lexicon);
            let source = ExampleSource {
                page: block.page,
                heading_path: block.heading_path.clone(),
                sentence: row.join(" | "),
            };
            units.push(Unit { answer, lexicon, context: None, source, extra, analysed: true });
        }
    }
}

/// Cells of rows on lines: Markdown pipes, tabs, or two and more spaces.
fn rows(text: &str) -> Vec<Vec<String>> {
    let split = |line: &str| -> Vec<String> {
        let line = line.trim();
        let cells: Vec<&str> = if line.contains('|') {
            line.trim_start_matches('|').trim_end_matches('|').split('|').collect()
        } else if line.contains('\t') {
            line.split('\t').collect()
        } else {
            line.split("  ").filter(|cell| !cell.trim().is_empty()).collect()
        };
        cells
            .iter()
            .map(|cell| cell.replace("\\", "").split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    let rule = |row: &Vec<String>| {
        row.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':' | '=' | ' ' | '+')))
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(split).filter(|row| !rule(row)).collect()
}

/// "Price (EUR)" → ("price", "EUR").
fn column_name(column: &str) -> (String, Option<String>) {
    let (name, unit) = match column.split_once('(') {
        Some((name, unit)) => (name.trim(), Some(unit.trim_end_matches(')').trim().to_string())),
        None => (column, None),
    };
    (lowered(name), unit.filter(|unit| !unit.is_empty()))
}

fn with_unit(cell: &str, unit: Option<&str>) -> String {
    let bare = cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '-'));
    match unit {
        Some(unit) if bare => format!("{cell} {unit}"),
        _ => cell.to_string(),
    }
}

fn lowered(text: &str) -> String {
    let acronym = text.chars().take_while(|c| c.is_alphanumeric()).filter(|c| c.is_uppercase()).count() > 1;
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !acronym => first.to_lowercase().collect::<String>() + letters.as_str(),
        _ => text.to_string(),
    }
}

/// A common noun phrase such as "Day ticket": its later words are in lower case and it has no figures.
pub fn is_common(label: &str) -> bool {
    let mut words = label.split_whitespace().skip(1).peekable();
    words.peek().is_some()
        && words.all(|word| word.chars().all(|c| c.is_lowercase() || c == '-'))
        && !label.contains(|c: char| c.is_ascii_digit())
        && !label.ends_with('s')
        && !label.to_lowercase().starts_with("the ")
}

fn spoken_label(label: &str, language: Language) -> String {
    if language == Language::English && is_common(label) {
        format!("the {}", lowered(label))
    } else {
        label.to_string()
    }
}

/// "The price of the day ticket is 14 euros." where the label is a common noun, "Sauna: price 14 euros."
/// otherwise.
fn sentence(column: &str, label: &str, cell: &str, language: Language) -> String {
    let cell = cell.trim_end_matches('.');
    let words = cell.split_whitespace().count();
    let plain_column = column.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\''));
    if language == Language::English && words <= 6 && plain_column {
        let verb = if column.ends_with('s') && !column.ends_with("ss") { "are" } else { "is" };
        let joint = if is_common(label) { "of" } else { "for" };
        return format!("The {column} {joint} {} {verb} {cell}.", spoken_label(label, language));
    }
    format!("{label}: {column} {cell}.")
}

/// Questions for one cell.
pub fn cell_candidates(
    column: &str,
    label: &str,
    cell: &str,
    answer: &str,
    lexicon: &Lexicon,
) -> Vec<Candidate> {
    let words = sentences::words(cell, lexicon.language == Language::French);
    let typed = facts::find(&words, lexicon).into_iter().min_by_key(|fact| fact.kind);
    let kind = typed.as_ref().map_or(FactKind::Code, |fact| fact.kind);
    let value = typed.map_or(cell, |fact| {
        let last = facts::end_of_first(&fact, &words, lexicon);
        &cell[words[fact.first].start..words[last - 1].end]
    });
    let cues = wording::cues(lexicon.language, kind, None);
    let is_column = column.split_whitespace().count() <= 3;
    let asked = if is_column { format!("{label} {column}") } else { label.to_string() };
    let cued = cues.iter().flat_map(|cue| [format!("{cue} {asked}?"), format!("{label}, {cue}?")]);
    // A long heading is no column: then the label alone is asked for.
    let patterns = if is_column { lexicon.cell } else { lexicon.label };
    patterns
        .iter()
        .map(|pattern| pattern.replace("{c}", column).replace("{l}", label))
        .chain(cued)
        .map(|question| Candidate {
            question: wording::tidy(&question, lexicon.language),
            kind: QuestionKind::Cell,
            fact: Some(value.to_string()),
            fact_kind: Some(kind),
        })
        .filter(|candidate| {
            wording::acceptable(&candidate.question)
                && !wording::gives_away(&candidate.question, value, Some(kind), answer, lexicon)
        })
        .collect()
}
