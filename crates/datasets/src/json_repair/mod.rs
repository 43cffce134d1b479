//! Language models' JSON, as they write it, to values.
//!
//! In order: JSON as it stands; the content of a Markdown fence; JSON inside prose (never inside
//! `<think>…</think>`); repair. The repair follows the documented behaviour of jsonrepair
//! (<https://github.com/josdejong/jsonrepair>): missing and extra commas, colons, quotes and brackets, quotes of all
//! kinds, texts without quotes, comments, cut-off input, Python's constants, escaped documents, concatenated
//! strings, values on lines, function calls around values. It never panics, its time is linear in the input, and
//! its depth is bounded.

mod characters;
mod parser;
mod strings;

use serde_json::Value;

use characters::is_space;
use parser::Parser;

pub use parser::MAX_DEPTH;

/// Why a text is no JSON, not even after repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepairError {
    /// Nothing but white space.
    #[error("the reply is empty: no JSON in it")]
    Empty,
    /// A reasoning block and nothing behind it.
    #[error("the reply holds only reasoning (<think>) and no answer: raise the number of tokens it may have")]
    OnlyReasoning,
    /// Damage that cannot be mended; `position` counts characters from 0.
    #[error("no JSON: {reason} (character {position})")]
    NotJson {
        /// Characters before the fault.
        position: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// Objects and arrays nested too deeply.
    #[error("the JSON is nested deeper than {limit} levels")]
    TooDeep {
        /// [`MAX_DEPTH`].
        limit: usize,
    },
    /// Quotes so tangled that reading them would take more than linear time.
    #[error("the JSON is too damaged to be repaired")]
    TooDamaged,
}

/// How many brackets in prose are tried.
const MAX_CANDIDATES: usize = 64;

/// The value that a text holds.
///
/// # Errors
/// [`RepairError`] says why none was found.
pub fn parse(text: &str) -> Result<Value, RepairError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let answer = without_reasoning(text)?;
    if answer.trim_matches(is_space).is_empty() {
        return Err(RepairError::Empty);
    }
    if let Ok(value) = serde_json::from_str(answer) {
        return Ok(value);
    }
    if let Some(inside) = fenced(answer) {
        if let Ok(value) = serde_json::from_str(inside) {
            return Ok(value);
        }
        let chars: Vec<char> = inside.chars().collect();
        if let Ok(value) = Parser::new(&chars, 0).document()
            && is_filled(&value)
        {
            return Ok(value);
        }
    }
    let chars: Vec<char> = answer.chars().collect();
    if starts_like_prose(&chars)
        && let Some(value) = in_prose(&chars)
    {
        return Ok(value);
    }
    match Parser::new(&chars, 0).document() {
        Ok(value) => Ok(value),
        // Words behind the JSON.
        Err(error @ RepairError::NotJson { position, .. }) if !follows_at_once(&chars, position) => {
            in_prose(&chars).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// What stands behind a reasoning block at the head of a reply.
fn without_reasoning(text: &str) -> Result<&str, RepairError> {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '[', '"']) {
        return Ok(text);
    }
    for (open, close) in
        [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>")]
    {
        match (trimmed.starts_with(open), trimmed.find(close)) {
            (_, Some(at)) => return Ok(&trimmed[at + close.len()..]),
            (true, None) => return Err(RepairError::OnlyReasoning),
            (false, None) => {}
        }
    }
    Ok(text)
}

/// The content of the first Markdown fence that holds an object or an array.
fn fenced(text: &str) -> Option<&str> {
    // Inside a JSON text a fence belongs to a string.
    if text.trim_start().starts_with(['{', '[', '"']) {
        return None;
    }
    let mut rest = text;
    while let Some(open) = rest.find("```") {
        let inside = &rest[open + 3..];
        let inside =
            inside.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'));
        let end = closing_fence(inside);
        let content = inside[..end.unwrap_or(inside.len())].trim_matches(is_space);
        if content.starts_with(['{', '[']) {
            return Some(content);
        }
        rest = &inside[end.map_or(inside.len(), |end| end + 3)..];
    }
    None
}

/// A fence that closes stands at the start of a line, or is the only one.
fn closing_fence(inside: &str) -> Option<usize> {
    inside.find("\n```").map(|at| at + 1).or_else(|| inside.find("```"))
}

/// True where words come before the first bracket.
fn starts_like_prose(chars: &[char]) -> bool {
    let first = chars.iter().position(|c| !is_space(*c));
    first
        .is_some_and(|at| chars[at].is_alphabetic() || matches!(chars[at], '*' | '#' | '-' | '>' | '<' | '`'))
}

/// True where a text begins with JSON and something stands right behind it, without a space: `{"a":2}{}` may be two
/// values or a damaged one, and a guess would lose a part in silence.
fn follows_at_once(chars: &[char], position: usize) -> bool {
    let begins = chars.iter().find(|c| !is_space(**c)).is_some_and(|c| matches!(c, '{' | '['));
    begins && position > 0 && matches!(chars.get(position - 1), Some('}' | ']'))
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// The longest object or array in a text of words, repaired where it must be.
fn in_prose(chars: &[char]) -> Option<Value> {
    let mut best: Option<(usize, Value)> = None;
    let mut at = 0;
    let mut budget = chars.len().saturating_mul(4) + 4096;
    for _ in 0..MAX_CANDIDATES {
        let Some(open) = (at..chars.len()).find(|at| matches!(chars[*at], '{' | '[')) else { break };
        let mut parser = Parser::new(chars, open);
        at = open + 1;
        let Ok(Some(value)) = parser.value() else { continue };
        let length = parser.at - open;
        // Empty brackets in prose are JSON only when they stand closed.
        let closed = matches!(chars.get(parser.at.saturating_sub(1)), Some('}' | ']'));
        if (is_filled(&value) || closed && length <= 4)
            && best.as_ref().is_none_or(|(longest, _)| length > *longest)
        {
            best = Some((length, value));
        }
        at = parser.at.max(at);
        budget = budget.saturating_sub(length);
        if budget == 0 {
            break;
        }
    }
    best.map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
