//! Bytes to rows: one JSON object a line, CSV, TSV and plain text one row at a time; a JSON array as a whole; Parquet by
//! row groups. One file a kind.

use std::io::{BufRead, Cursor, Read};

use serde_json::{Map, Value};

use crate::error::{ImportError, RowError, Rule};

mod json;
mod lines;
pub mod parquet;
mod table;
mod text;

/// One row before its format is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From 1, a header not counted.
    pub number: usize,
    /// Line of the file, from 1, where rows are lines.
    pub line: Option<usize>,
    /// Its columns.
    pub fields: Map<String, Value>,
}

impl Row {
    /// A fault of this row.
    pub fn error(&self, column: impl Into<String>, rule: Rule, message: impl Into<String>) -> RowError {
        RowError { row: self.number, line: self.line, column: column.into(), rule, message: message.into() }
    }
}

/// A row, or its fault, or why the file cannot be read any further.
pub type Item = Result<Result<Row, RowError>, ImportError>;
/// The rows of a file in their order; after an outer error nothing follows.
pub type Items<'a> = Box<dyn Iterator<Item = Item> + 'a>;

/// What is looked at to tell what a file is.
const HEAD_BYTES: usize = 64 << 10;

/// Starts to read rows; the name's extension helps to tell CSV from text.
pub fn open<'a>(mut reader: impl BufRead + 'a, file: &str) -> Result<Items<'a>, ImportError> {
    let mut head = Vec::new();
    let unreadable = |source| ImportError::Io { file: file.into(), source };
    (&mut reader).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    if head.starts_with(parquet::MAGIC) {
        reader.read_to_end(&mut head).map_err(unreadable)?;
        return parquet::rows(bytes::Bytes::from(head), file);
    }
    refuse_binary(&head, file)?;
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    let text = match std::str::from_utf8(&head) {
        Ok(text) => text,
        // The head may end inside a character.
        Err(error) if error.error_len().is_none() && head.len() > HEAD_BYTES - 8 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => {
            return Err(ImportError::NotUtf8 { file: file.into(), position: error.valid_up_to() });
        }
    };
    let shape = shape_of(text, file)?;
    let source = Cursor::new(head).chain(reader);
    match shape {
        Shape::Table(separator) => table::rows(source, file, separator),
        Shape::Paragraphs => Ok(text::rows(source, file)),
        Shape::JsonLines => Ok(json::lines(source, file)),
        Shape::JsonWhole => json::whole(source, file),
    }
}

enum Shape {
    /// With this separator.
    Table(u8),
    Paragraphs,
    JsonLines,
    JsonWhole,
}

fn shape_of(head: &str, file: &str) -> Result<Shape, ImportError> {
    let begins = head.trim_start();
    if begins.is_empty() {
        return Err(ImportError::Empty { file: file.into() });
    }
    if head.starts_with("version https://git-lfs.github.com/spec/") {
        return Err(ImportError::LfsPointer { file: file.into() });
    }
    let extension =
        file.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase());
    Ok(match extension.as_str() {
        "csv" => Shape::Table(table::separator_of(head)),
        "tsv" | "tab" => Shape::Table(b'\t'),
        "txt" | "text" | "md" if !begins.starts_with('{') => Shape::Paragraphs,
        "jsonl" | "ndjson" => Shape::JsonLines,
        _ if json::are_objects_on_lines(begins) => Shape::JsonLines,
        _ if begins.starts_with(['[', '{']) => Shape::JsonWhole,
        "json" => {
            let message = "it begins with neither [ nor {".into();
            return Err(ImportError::InvalidJson { file: file.into(), message });
        }
        _ if table::looks_like_table(head) => Shape::Table(table::separator_of(head)),
        _ => Shape::Paragraphs,
    })
}

fn refuse_binary(bytes: &[u8], file: &str) -> Result<(), ImportError> {
    let kind = match bytes {
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => "an Arrow file",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive or an office document",
        [0x1f, 0x8b, ..] => "a gzip archive",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document (upload it as a document)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a Zstandard archive",
        [0x80, 2..=5, ..] => "a pickle file",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text",
        _ if bytes.iter().take(4096).any(|byte| *byte == 0) => "a binary file",
        _ => return Ok(()),
    };
    Err(ImportError::Binary { file: file.into(), kind })
}

/// The kind of a value, for messages.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
