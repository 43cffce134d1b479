//! Plain text to be continued: TRL's `text` column, or paragraphs of a text file.

use serde_json::{Value, json};

use super::{Export, ExportFile, Format, json_lines, needed_text};
use crate::error::RowError;
use crate::example::Example;
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"text"}`.
pub static FORMAT: Format = Format {
    id: "text",
    name: "Plain text",
    description: "{\"text\": …} rows, or a text file with an empty line between paragraphs; all of it is learned",
    detect: |fields| fields.contains_key("text") && !fields.contains_key("label"),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    Ok(Example::text(needed_text(row, "text")?))
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut export = Export::default();
    let mut rows: Vec<Value> = Vec::new();
    for (index, example) in examples.iter().enumerate() {
        match example.as_text() {
            Some(text) => rows.push(json!({ "text": text })),
            None => {
                export.skipped.push((index, "a conversation is no plain text: choose a chat format".into()))
            }
        }
    }
    export.files.push(ExportFile { name: format!("{name}.jsonl"), bytes: json_lines(&rows) });
    export
}
