//! Our own record: messages with their source, score and status. What the other commands write and read again.

use serde_json::Value;

use super::{Export, ExportFile, Format};
use crate::error::{RowError, Rule};
use crate::example::Example;
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"version", "messages", "provenance", "quality", "status"}`.
pub static FORMAT: Format = Format {
    id: "record",
    name: "FineTuneFlow records",
    description: "one JSON object a line: messages with their source, score and status; nothing is lost",
    detect: |fields| ["version", "messages", "provenance"].iter().all(|column| fields.contains_key(*column)),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    let example: Example = serde_json::from_value(Value::Object(row.fields.clone()))
        .map_err(|error| row.error("row", Rule::WrongType, format!("is not a record: {error}")))?;
    if example.version > Example::VERSION {
        let message = format!(
            "has the record version {}, this program knows {}: use a later one",
            example.version,
            Example::VERSION
        );
        return Err(row.error("version", Rule::WrongType, message));
    }
    Ok(example)
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut bytes = Vec::new();
    for example in examples {
        // Records are plain data: writing them to memory cannot fail.
        let _ = serde_json::to_writer(&mut bytes, example);
        bytes.push(b'\n');
    }
    Export { files: vec![ExportFile { name: format!("{name}.jsonl"), bytes }], skipped: Vec::new() }
}
