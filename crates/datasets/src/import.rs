//! A file to examples: rows, format, one example or one error for each row.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ImportError, RowError};
use crate::example::Example;
use crate::formats::{self, Format};
use crate::rows::{self, Row};
use crate::validate::validate;

/// Which columns hold what, for tables and rows of no known format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnMapping {
    /// The question or instruction.
    pub prompt: Option<String>,
    /// The answer.
    pub completion: Option<String>,
    /// The system message.
    pub system: Option<String>,
    /// What the question is about; put behind the prompt.
    pub context: Option<String>,
}

/// How to read a file. By default everything is detected.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Id of a format of the registry.
    pub format: Option<String>,
    /// Columns chosen by a person; implies the format `csv`.
    pub mapping: Option<ColumnMapping>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// Id of the format that was found or asked for.
    pub format: String,
    /// The columns that were used, where the format has a choice.
    pub mapping: Option<ColumnMapping>,
    /// Rows of the file, faulty ones included.
    pub rows: usize,
    /// One for each good row, pending.
    pub examples: Vec<Example>,
    /// One for each faulty row.
    pub errors: Vec<RowError>,
}

/// Reads a file of the disk.
///
/// # Errors
/// As [`import`], and where the file cannot be read.
pub fn import_path(path: &Path, options: &ImportOptions) -> Result<Import, ImportError> {
    let file = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let bytes =
        std::fs::read(path).map_err(|source| ImportError::Io { file: path.display().to_string(), source })?;
    import(&bytes, &file, options)
}

/// Reads a dataset; `file` is its name, for messages, provenance and its extension.
///
/// # Errors
/// Where the file as a whole cannot be used: not text, no rows, no known format, preference or multimodal data, not
/// one usable row. Faults of single rows are in [`Import::errors`].
pub fn import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, ImportError> {
    let read = rows::read(bytes, file)?;
    refuse_unfit(&read.rows, file)?;
    let columns = || known_columns(&read.rows);
    let (format, mapping) = match (&options.mapping, &options.format) {
        (Some(mapping), _) => (&formats::csv::FORMAT, Some(checked(mapping, &read.rows, file)?)),
        (None, Some(id)) => {
            let format = formats::by_id(id)
                .ok_or_else(|| ImportError::UnknownFormat { file: file.into(), columns: columns() })?;
            (format, formats::csv::detected_mapping(&read.rows))
        }
        (None, None) => {
            let format = detect(&read.rows)
                .ok_or_else(|| ImportError::UnknownFormat { file: file.into(), columns: columns() })?;
            (format, formats::csv::detected_mapping(&read.rows))
        }
    };
    let used = mapping.clone().unwrap_or_default();
    let mut import = Import {
        format: format.id.into(),
        mapping: None,
        rows: read.rows.len() + read.errors.len(),
        examples: Vec::new(),
        errors: read.errors,
    };
    if format.id == formats::csv::FORMAT.id {
        import.mapping = mapping;
    }
    for row in &read.rows {
        let outcome = (format.read)(row, &used)
            .and_then(|example| validate(&example, row.number, row.line).map(|()| example));
        match outcome {
            Ok(mut example) => {
                example.provenance.file_name = Some(file.to_string());
                example.provenance.row = Some(row.number);
                example.provenance.generator = Some("import".to_string());
                import.examples.push(example);
            }
            Err(error) => import.errors.push(error),
        }
    }
    import.errors.sort_by_key(|error| error.row);
    match (import.examples.is_empty(), import.errors.first()) {
        (true, Some(first)) => {
            Err(ImportError::NoUsableRow { file: file.into(), rows: import.rows, first: first.clone() })
        }
        (true, None) => Err(ImportError::Empty { file: file.into() }),
        (false, _) => Ok(import),
    }
}

/// The format that most of the first rows have.
fn detect(rows: &[Row]) -> Option<&'static Format> {
    const LOOKED_AT: usize = 100;
    let matches =
        |format: &Format| rows.iter().take(LOOKED_AT).filter(|row| (format.detect)(&row.fields)).count();
    // On a tie the first one of the registry, which is the more special one.
    formats::REGISTRY
        .iter()
        .rev()
        .map(|format| (matches(format), *format))
        .filter(|(count, _)| *count > 0)
        .max_by_key(|(count, _)| *count)
        .map(|(_, format)| format)
}

fn known_columns(rows: &[Row]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for name in rows.iter().take(20).flat_map(|row| row.fields.keys()) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    if columns.is_empty() { "none".to_string() } else { columns.join(", ") }
}

fn checked(mapping: &ColumnMapping, rows: &[Row], file: &str) -> Result<ColumnMapping, ImportError> {
    for column in
        [&mapping.prompt, &mapping.completion, &mapping.system, &mapping.context].into_iter().flatten()
    {
        if !rows.iter().any(|row| row.fields.contains_key(column)) {
            return Err(ImportError::MappedColumnMissing {
                file: file.into(),
                column: column.clone(),
                columns: known_columns(rows),
            });
        }
    }
    Ok(mapping.clone())
}

/// Preference and multimodal sets are refused as a whole: a part of them would teach something else.
fn refuse_unfit(rows: &[Row], file: &str) -> Result<(), ImportError> {
    const PREFERENCE: &[&str] = &["chosen", "rejected", "chosen_messages", "rejected_messages", "kto_tag"];
    const MEDIA: &[&str] =
        &["image", "images", "video", "videos", "audio", "audios", "image_path", "image_url"];
    let holds = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    for row in rows {
        for (column, value) in &row.fields {
            let name = column.to_ascii_lowercase();
            if PREFERENCE.contains(&name.as_str()) && holds(value) {
                return Err(ImportError::Preference {
                    file: file.into(),
                    column: column.clone(),
                    row: row.number,
                });
            }
            if MEDIA.contains(&name.as_str()) && holds(value) {
                return Err(ImportError::Multimodal {
                    file: file.into(),
                    column: column.clone(),
                    row: row.number,
                });
            }
            if has_media_part(value) {
                return Err(ImportError::Multimodal {
                    file: file.into(),
                    column: column.clone(),
                    row: row.number,
                });
            }
        }
    }
    Ok(())
}

/// A message whose content has a part of another type than text.
fn has_media_part(value: &Value) -> bool {
    const TYPES: &[&str] =
        &["image", "image_url", "input_image", "audio", "input_audio", "video", "video_url"];
    let Value::Array(messages) = value else { return false };
    messages.iter().any(|message| {
        let parts = ["content", "value"]
            .iter()
            .filter_map(|key| message.get(*key))
            .filter_map(Value::as_array)
            .flatten();
        parts
            .into_iter()
            .any(|part| part.get("type").and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind)))
    })
}
