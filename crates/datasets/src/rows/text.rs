//! Plain text: paragraphs between empty lines as rows with one column `text`.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::lines::Lines;
use super::{Items, Row};

/// One row a paragraph.
pub fn rows<'a>(reader: impl BufRead + 'a, file: &str) -> Items<'a> {
    let mut lines = Lines::new(reader, file);
    let (mut number, mut ended) = (0, false);
    Box::new(std::iter::from_fn(move || {
        let mut paragraph = String::new();
        let mut start = 0;
        while !ended {
            match lines.read() {
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
                Ok(Some((line_number, line))) if !line.trim().is_empty() => {
                    if !paragraph.is_empty() {
                        paragraph.push('\n');
                    }
                    paragraph.push_str(line.trim_end());
                    if start == 0 {
                        start = line_number;
                    }
                }
                Ok(line) => {
                    ended = line.is_none();
                    if !paragraph.is_empty() {
                        break;
                    }
                }
            }
        }
        if paragraph.is_empty() {
            return None;
        }
        number += 1;
        let text = Value::String(paragraph.trim().to_string());
        let fields = Map::from_iter([("text".to_string(), text)]);
        Some(Ok(Ok(Row { number, line: Some(start), fields })))
    }))
}
