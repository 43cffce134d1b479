//! A file to examples: rows, format, one example or one error for each row.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ImportError, RowError, listed};
use crate::example::{Example, Provenance};
use crate::formats::{self, Format};
use crate::rows::{self, Items, Row};
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
    collect(Examples::open(path, options)?)
}

/// Reads a dataset; `file` is its name, for messages, provenance and its extension.
///
/// # Errors
/// Where the file as a whole cannot be used: not text, no rows, no known format, preference or multimodal data, not
/// one usable row. Faults of single rows are in [`Import::errors`].
pub fn import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, ImportError> {
    collect(Examples::new(bytes, file, options)?)
}

fn collect(mut reader: Examples) -> Result<Import, ImportError> {
    let (mut examples, mut errors) = (Vec::new(), Vec::new());
    for item in &mut reader {
        match item? {
            Ok(example) => examples.push(example),
            Err(error) => errors.push(error),
        }
    }
    let mapping = reader.mapping().cloned();
    Ok(Import { format: reader.format().into(), mapping, rows: reader.rows(), examples, errors })
}

/// A dataset row by row: an iterator over examples and the faults of rows. Lines (JSONL, CSV, TSV, text) and Parquet
/// need the memory of a row or a row group; only a JSON array is in memory as a whole.
///
/// An item is the row's example or fault; the outer error says why the file as a whole cannot be used (any further),
/// and is the last item.
pub struct Examples<'a> {
    file: String,
    format: &'static Format,
    mapping: Option<ColumnMapping>,
    columns: Vec<String>,
    /// The rows that were read to detect the format.
    head: std::vec::IntoIter<Result<Row, RowError>>,
    rest: Items<'a>,
    rows: usize,
    good: usize,
    first_fault: Option<RowError>,
    ended: bool,
}

impl Examples<'static> {
    /// Opens a file of the disk.
    ///
    /// # Errors
    /// As [`Examples::new`], and where the file cannot be read.
    pub fn open(path: &Path, options: &ImportOptions) -> Result<Self, ImportError> {
        let name = path
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        Self::open_as(path, &name, options)
    }

    /// Opens a file of the disk that people know by another name.
    ///
    /// # Errors
    /// As [`Examples::open`].
    pub fn open_as(path: &Path, name: &str, options: &ImportOptions) -> Result<Self, ImportError> {
        let unreadable = |source| ImportError::Io { file: path.display().to_string(), source };
        let file = File::open(path).map_err(unreadable)?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let is_parquet = reader.fill_buf().map_err(unreadable)?.starts_with(rows::parquet::MAGIC);
        let items = match is_parquet {
            true => rows::parquet::rows(reader.into_inner(), name)?,
            false => rows::open(reader, name)?,
        };
        Self::of(items, name, options)
    }
}

impl<'a> Examples<'a> {
    /// Reads the first rows; `file` is the dataset's name, for messages, provenance and its extension.
    ///
    /// # Errors
    /// Where the first rows show that the file as a whole cannot be used.
    pub fn new(reader: impl BufRead + 'a, file: &str, options: &ImportOptions) -> Result<Self, ImportError> {
        Self::of(rows::open(reader, file)?, file, options)
    }

    fn of(mut items: Items<'a>, file: &str, options: &ImportOptions) -> Result<Self, ImportError> {
        let mut head = Vec::new();
        let mut first_rows: Vec<Row> = Vec::new();
        while first_rows.len() < LOOKED_AT && head.len() < FAULTS_LOOKED_AT {
            let Some(item) = items.next().transpose()? else { break };
            first_rows.extend(item.clone());
            head.push(item);
        }
        if first_rows.is_empty() {
            return Err(match head.iter().find_map(|item| item.as_ref().err()) {
                Some(first) => {
                    ImportError::NoUsableRow { file: file.into(), rows: head.len(), first: first.clone() }
                }
                None => ImportError::Empty { file: file.into() },
            });
        }
        first_rows.iter().try_for_each(|row| refuse_unfit(row, file))?;
        let (format, mapping) = choose(&first_rows, file, options)?;
        Ok(Self {
            file: file.into(),
            format,
            mapping,
            columns: known_columns(&first_rows),
            head: head.into_iter(),
            rest: items,
            rows: 0,
            good: 0,
            first_fault: None,
            ended: false,
        })
    }

    /// Id of the format that was found or asked for.
    pub fn format(&self) -> &'static str {
        self.format.id
    }

    /// The columns that are used, where the format has a choice.
    pub fn mapping(&self) -> Option<&ColumnMapping> {
        self.mapping.as_ref().filter(|_| self.format.id == formats::csv::FORMAT.id)
    }

    /// The columns of the first rows.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rows so far, faulty ones included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn example(&self, row: &Row) -> Result<Example, RowError> {
        let mapping = self.mapping.clone().unwrap_or_default();
        let mut example = (self.format.read)(row, &mapping)?;
        validate(&example, row.number, row.line)?;
        if example.provenance == Provenance::default() {
            example.provenance.file_name = Some(self.file.clone());
            example.provenance.row = Some(row.number);
            example.provenance.generator = Some("import".to_string());
        }
        Ok(example)
    }

    /// The last item, where no row was good.
    fn end(&mut self) -> Option<Result<Result<Example, RowError>, ImportError>> {
        self.ended = true;
        let first = self.first_fault.take().filter(|_| self.good == 0)?;
        Some(Err(ImportError::NoUsableRow { file: self.file.clone(), rows: self.rows, first }))
    }
}

impl Iterator for Examples<'_> {
    type Item = Result<Result<Example, RowError>, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = match self.head.next().map(Ok).or_else(|| self.rest.next()) {
            None => return self.end(),
            Some(item) => item.and_then(|row| {
                row.iter().try_for_each(|row| refuse_unfit(row, &self.file))?;
                Ok(row)
            }),
        };
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                self.ended = true;
                return Some(Err(error));
            }
        };
        self.rows += 1;
        let outcome = row.and_then(|row| self.example(&row));
        match &outcome {
            Ok(_) => self.good += 1,
            Err(fault) if self.first_fault.is_none() => self.first_fault = Some(fault.clone()),
            Err(_) => {}
        }
        Some(Ok(outcome))
    }
}

/// Rows by which the format is told.
const LOOKED_AT: usize = 100;
/// Rows after which a file without a good one is given up.
const FAULTS_LOOKED_AT: usize = 1000;

/// The format and the columns that were asked for, or those of the first rows.
fn choose(
    rows: &[Row],
    file: &str,
    options: &ImportOptions,
) -> Result<(&'static Format, Option<ColumnMapping>), ImportError> {
    if let Some(mapping) = &options.mapping {
        return Ok((&formats::csv::FORMAT, Some(checked(mapping, rows, file)?)));
    }
    let format = match &options.format {
        Some(id) => formats::by_id(id),
        None => detect(rows),
    };
    let unknown = || ImportError::UnknownFormat { file: file.into(), columns: known_columns(rows) };
    Ok((format.ok_or_else(unknown)?, formats::csv::detected_mapping(rows)))
}

/// The format that most of the first rows have.
fn detect(rows: &[Row]) -> Option<&'static Format> {
    let matches = |format: &Format| rows.iter().filter(|row| (format.detect)(&row.fields)).count();
    // On a tie the first one of the registry, which is the more special one.
    formats::REGISTRY
        .iter()
        .rev()
        .map(|format| (matches(format), *format))
        .filter(|(count, _)| *count > 0)
        .max_by_key(|(count, _)| *count)
        .map(|(_, format)| format)
}

fn known_columns(rows: &[Row]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for name in rows.iter().take(20).flat_map(|row| row.fields.keys()) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns
}

fn checked(mapping: &ColumnMapping, rows: &[Row], file: &str) -> Result<ColumnMapping, ImportError> {
    for column in
        [&mapping.prompt, &mapping.completion, &mapping.system, &mapping.context].into_iter().flatten()
    {
        if !rows.iter().any(|row| row.fields.contains_key(column)) {
            return Err(ImportError::MappedColumnMissing {
                file: file.into(),
                column: column.clone(),
                columns: listed(&known_columns(rows)),
            });
        }
    }
    Ok(mapping.clone())
}

/// Preference and multimodal sets are refused as a whole: a part of them would teach something else.
fn refuse_unfit(row: &Row, file: &str) -> Result<(), ImportError> {
    const PREFERENCE: &[&str] = &["chosen", "rejected", "chosen_messages", "rejected_messages", "kto_tag"];
    const MEDIA: &[&str] =
        &["image", "images", "video", "videos", "audio", "audios", "image_path", "image_url"];
    let holds = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    for (column, value) in &row.fields {
        let name = column.to_ascii_lowercase();
        let (file, column, row) = (file.to_string(), column.clone(), row.number);
        if PREFERENCE.contains(&name.as_str()) && holds(value) {
            return Err(ImportError::Preference { file, column, row });
        }
        if (MEDIA.contains(&name.as_str()) && holds(value)) || has_media_part(value) {
            return Err(ImportError::Multimodal { file, column, row });
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
