//! JSON: an object a line, or an array of objects, or an object that holds the array.

use std::io::BufRead;

use serde_json::Value;

use super::lines::Lines;
use super::{Item, Items, Row, kind};
use crate::error::{ImportError, RowError, Rule};

/// Faulty lines after which a file without a good one is given up.
const FAULTS_WITHOUT_ROW: usize = 1000;

/// True where the first line is an object of its own and another one follows.
pub fn are_objects_on_lines(text: &str) -> bool {
    let Some((first, rest)) = text.split_once('\n') else { return false };
    first.starts_with('{')
        && rest.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok()
}

/// One row a line.
pub fn lines<'a>(reader: impl BufRead + 'a, file: &str) -> Items<'a> {
    let file = file.to_string();
    let mut lines = Lines::new(reader, &file);
    let (mut number, mut any_good, mut ended) = (0, false, false);
    let mut first_fault: Option<RowError> = None;
    Box::new(std::iter::from_fn(move || {
        while !ended {
            match lines.read() {
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
                Ok(Some((_, line))) if line.trim().is_empty() => {}
                Ok(Some((line_number, line))) if any_good || number < FAULTS_WITHOUT_ROW => {
                    number += 1;
                    let item = line_row(line, number, line_number);
                    any_good |= item.is_ok();
                    if let Err(fault) = &item {
                        first_fault.get_or_insert_with(|| fault.clone());
                    }
                    return Some(Ok(item));
                }
                Ok(_) => {
                    ended = true;
                    let fault = first_fault.take().filter(|_| !any_good)?;
                    let message = format!("line {}: {}", fault.line.unwrap_or(1), fault.message);
                    return Some(Err(ImportError::InvalidJson { file: file.clone(), message }));
                }
            }
        }
        None
    }))
}

fn line_row(text: &str, number: usize, line: usize) -> Result<Row, RowError> {
    match serde_json::from_str(text) {
        Ok(value) => row(number, Some(line), value),
        Err(error) => Err(RowError {
            row: number,
            line: Some(line),
            column: "row".into(),
            rule: Rule::InvalidJson,
            message: format!("the line is not valid JSON ({error}): each line must be one JSON object"),
        }),
    }
}

fn row(number: usize, line: Option<usize>, value: Value) -> Result<Row, RowError> {
    match value {
        Value::Object(fields) => Ok(Row { number, line, fields }),
        other => Err(RowError {
            row: number,
            line,
            column: "row".into(),
            rule: Rule::NotAnObject,
            message: format!(
                "a row must be an object such as {{\"prompt\": …, \"completion\": …}}, not {}",
                kind(&other)
            ),
        }),
    }
}

/// A file that is one JSON value; it is in memory at once.
pub fn whole<'a>(mut reader: impl BufRead + 'a, file: &str) -> Result<Items<'a>, ImportError> {
    let mut bytes = Vec::new();
    let unreadable = |source| ImportError::Io { file: file.into(), source };
    reader.read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| ImportError::NotUtf8 {
        file: file.into(),
        position: error.utf8_error().valid_up_to(),
    })?;
    let invalid = |error: serde_json::Error| {
        Err(ImportError::InvalidJson { file: file.into(), message: error.to_string() })
    };
    match serde_json::from_str(&text) {
        Ok(Value::Array(values)) => Ok(array(values)),
        Ok(Value::Object(mut fields)) => {
            let wrapped = ["data", "rows", "examples", "train"]
                .iter()
                .find(|key| fields.get(**key).is_some_and(Value::is_array));
            match wrapped.and_then(|key| fields.shift_remove(*key)) {
                Some(Value::Array(values)) => Ok(array(values)),
                _ => Ok(Box::new(std::iter::once(Ok(row(1, Some(1), Value::Object(fields)))))),
            }
        }
        // Lines that are arrays are no rows, but each can be named.
        Err(error) if text.trim_start().starts_with('[') && !first_line_is_json(&text) => invalid(error),
        _ => Ok(lines(std::io::Cursor::new(text), file)),
    }
}

fn first_line_is_json(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok()
}

fn array<'a>(values: Vec<Value>) -> Items<'a> {
    let item = |(index, value)| -> Item { Ok(row(index + 1, None, value)) };
    Box::new(values.into_iter().enumerate().map(item))
}
