//! Bytes to rows: a JSON array, one JSON object a line, CSV, TSV, or plain text.

use serde_json::{Map, Value};

use crate::error::{ImportError, RowError, Rule};

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

/// The rows of a file and the lines that are none.
pub struct Rows {
    pub rows: Vec<Row>,
    pub errors: Vec<RowError>,
}

/// Reads rows; the name's extension helps to tell CSV from text.
pub fn read(bytes: &[u8], file: &str) -> Result<Rows, ImportError> {
    refuse_binary(bytes, file)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ImportError::NotUtf8 { file: file.into(), position: error.valid_up_to() })?;
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.into() });
    }
    if text.starts_with("version https://git-lfs.github.com/spec/") {
        return Err(ImportError::LfsPointer { file: file.into() });
    }
    let extension =
        file.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase());
    match extension.as_str() {
        "csv" => Ok(table(text, None)),
        "tsv" | "tab" => Ok(table(text, Some(b'\t'))),
        "txt" | "text" | "md" if !text.trim_start().starts_with('{') => Ok(paragraphs(text)),
        "jsonl" | "ndjson" => lines(text, file),
        _ if text.trim_start().starts_with('[') => array(text, file),
        _ if text.trim_start().starts_with('{') => object_or_lines(text, file),
        "json" => Err(ImportError::InvalidJson {
            file: file.into(),
            message: "it begins with neither [ nor {".into(),
        }),
        _ if looks_like_table(text) => Ok(table(text, None)),
        _ => Ok(paragraphs(text)),
    }
}

fn refuse_binary(bytes: &[u8], file: &str) -> Result<(), ImportError> {
    let kind = match bytes {
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
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

fn push(rows: &mut Rows, number: usize, line: Option<usize>, value: Value) {
    match value {
        Value::Object(fields) => rows.rows.push(Row { number, line, fields }),
        other => rows.errors.push(RowError {
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

fn array(text: &str, file: &str) -> Result<Rows, ImportError> {
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(values) => values,
        // Lines that are arrays are no rows, but each can be named.
        Err(_)
            if text
                .trim_start()
                .lines()
                .next()
                .is_some_and(|line| serde_json::from_str::<Value>(line).is_ok()) =>
        {
            return lines(text, file);
        }
        Err(error) => return Err(ImportError::InvalidJson { file: file.into(), message: error.to_string() }),
    };
    let mut rows = Rows { rows: Vec::new(), errors: Vec::new() };
    for (index, value) in values.into_iter().enumerate() {
        push(&mut rows, index + 1, None, value);
    }
    if rows.rows.is_empty() && rows.errors.is_empty() {
        return Err(ImportError::Empty { file: file.into() });
    }
    Ok(rows)
}

/// One object over several lines is a single row, or holds the rows under one key (`{"data": […]}`).
fn object_or_lines(text: &str, file: &str) -> Result<Rows, ImportError> {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return lines(text, file) };
    let wrapped = ["data", "rows", "examples", "train"]
        .iter()
        .find(|key| fields.get(**key).is_some_and(Value::is_array));
    let mut rows = Rows { rows: Vec::new(), errors: Vec::new() };
    match wrapped.and_then(|key| fields.get(*key)).and_then(Value::as_array) {
        Some(values) => values
            .iter()
            .enumerate()
            .for_each(|(index, value)| push(&mut rows, index + 1, None, value.clone())),
        None => push(&mut rows, 1, Some(1), Value::Object(fields)),
    }
    Ok(rows)
}

fn lines(text: &str, file: &str) -> Result<Rows, ImportError> {
    let mut rows = Rows { rows: Vec::new(), errors: Vec::new() };
    let mut number = 0;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        number += 1;
        match serde_json::from_str(line) {
            Ok(value) => push(&mut rows, number, Some(index + 1), value),
            Err(error) => rows.errors.push(RowError {
                row: number,
                line: Some(index + 1),
                column: "row".into(),
                rule: Rule::InvalidJson,
                message: format!("the line is not valid JSON ({error}): each line must be one JSON object"),
            }),
        }
    }
    if rows.rows.is_empty()
        && let Some(first) = rows.errors.first()
    {
        return Err(ImportError::InvalidJson {
            file: file.into(),
            message: format!("line {}: {}", first.line.unwrap_or(1), first.message),
        });
    }
    Ok(rows)
}

/// A first line with the separator, and as many of it in the second.
fn looks_like_table(text: &str) -> bool {
    let separator = separator_of(text);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(header), Some(first)) = (lines.next(), lines.next()) else { return false };
    let count = |line: &str| line.bytes().filter(|byte| *byte == separator).count();
    let names = header
        .split(separator as char)
        .all(|name| !name.trim().is_empty() && name.trim().len() < 40 && !name.trim().ends_with('.'));
    count(header) > 0 && names && count(first) >= count(header)
}

fn separator_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or("");
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    [b'\t', b';', b'|']
        .into_iter()
        .filter(|separator| count(*separator) > count(b','))
        .max_by_key(|separator| count(*separator))
        .unwrap_or(b',')
}

fn table(text: &str, separator: Option<u8>) -> Rows {
    let mut rows = Rows { rows: Vec::new(), errors: Vec::new() };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or_else(|| separator_of(text)))
        .flexible(true)
        .from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_string()).collect(),
        Err(_) => Vec::new(),
    };
    for (index, record) in reader.records().enumerate() {
        let number = index + 1;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                rows.errors.push(RowError {
                    row: number,
                    line: None,
                    column: "row".into(),
                    rule: Rule::WrongFieldCount,
                    message: format!("the line cannot be read: {error}"),
                });
                continue;
            }
        };
        let line = record.position().map(|position| position.line() as usize);
        if record.len() != header.len() {
            let message = format!(
                "the line has {} fields, the header {}: put texts with separators or line breaks in double quotes",
                record.len(),
                header.len()
            );
            rows.errors.push(RowError {
                row: number,
                line,
                column: "row".into(),
                rule: Rule::WrongFieldCount,
                message,
            });
            continue;
        }
        let fields = header
            .iter()
            .zip(record.iter())
            .map(|(name, cell)| (name.clone(), Value::String(cell.to_string())))
            .collect();
        rows.rows.push(Row { number, line, fields });
    }
    rows
}

/// Paragraphs between empty lines as rows with one column `text`.
fn paragraphs(text: &str) -> Rows {
    let mut rows = Rows { rows: Vec::new(), errors: Vec::new() };
    let mut start = 1;
    let mut paragraph: Vec<&str> = Vec::new();
    for (index, line) in text.lines().chain([""]).enumerate() {
        if !line.trim().is_empty() {
            if paragraph.is_empty() {
                start = index + 1;
            }
            paragraph.push(line.trim_end());
        } else if !paragraph.is_empty() {
            let fields = Map::from_iter([(
                "text".to_string(),
                Value::String(paragraph.join("\n").trim().to_string()),
            )]);
            rows.rows.push(Row { number: rows.rows.len() + 1, line: Some(start), fields });
            paragraph.clear();
        }
    }
    rows
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
