//! Tables: a header line and records, separated by a comma, a semicolon, a bar or a tab.

use std::io::Read;

use csv::{Error, ErrorKind, StringRecord};
use serde_json::Value;

use super::{Items, Row};
use crate::error::{ImportError, RowError, Rule};

/// A first line with the separator, and as many of it in the second.
pub fn looks_like_table(text: &str) -> bool {
    let separator = separator_of(text);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(header), Some(first)) = (lines.next(), lines.next()) else { return false };
    let count = |line: &str| line.bytes().filter(|byte| *byte == separator).count();
    let names = header
        .split(separator as char)
        .all(|name| !name.trim().is_empty() && name.trim().len() < 40 && !name.trim().ends_with('.'));
    count(header) > 0 && names && count(first) >= count(header)
}

/// The one that the first line has most of; the comma where it has none.
pub fn separator_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or("");
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    [b'\t', b';', b'|']
        .into_iter()
        .filter(|separator| count(*separator) > count(b','))
        .max_by_key(|separator| count(*separator))
        .unwrap_or(b',')
}

/// One row a record.
pub fn rows<'a>(reader: impl Read + 'a, file: &str, separator: u8) -> Result<Items<'a>, ImportError> {
    let file = file.to_string();
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(reader);
    let header = reader.headers().map_err(|error| unreadable(error, &file, 0));
    let header: Vec<String> = match header {
        Ok(header) => header.iter().map(|name| name.trim().to_string()).collect(),
        Err(Ok(_)) => Vec::new(),
        Err(Err(error)) => return Err(error),
    };
    let records = reader.into_records().zip(1..);
    Ok(Box::new(records.map(move |(record, number)| match record {
        Ok(record) => Ok(row(&record, &header, number)),
        Err(error) => unreadable(error, &file, number).map(Err),
    })))
}

fn row(record: &StringRecord, header: &[String], number: usize) -> Result<Row, RowError> {
    let line = record.position().map(|position| position.line() as usize);
    if record.len() != header.len() {
        let message = format!(
            "the line has {} fields, the header {}: put texts with separators or line breaks in double quotes",
            record.len(),
            header.len()
        );
        let rule = Rule::WrongFieldCount;
        return Err(RowError { row: number, line, column: "row".into(), rule, message });
    }
    let cells = record.iter().map(|cell| Value::String(cell.to_string()));
    Ok(Row { number, line, fields: header.iter().cloned().zip(cells).collect() })
}

/// A fault of the record, or of the file.
fn unreadable(error: Error, file: &str, number: usize) -> Result<RowError, ImportError> {
    let message = format!("the line cannot be read: {error}");
    match error.into_kind() {
        ErrorKind::Io(source) => Err(ImportError::Io { file: file.into(), source }),
        ErrorKind::Utf8 { pos, .. } => {
            let position = pos.map_or(0, |position| position.byte() as usize);
            Err(ImportError::NotUtf8 { file: file.into(), position })
        }
        _ => {
            let rule = Rule::WrongFieldCount;
            Ok(RowError { row: number, line: None, column: "row".into(), rule, message })
        }
    }
}
