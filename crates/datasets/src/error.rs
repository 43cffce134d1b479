//! What can be wrong with a dataset and with one of its rows.

use serde::{Deserialize, Serialize};

/// A rule that a row breaks; stable names for programs and translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The line is no JSON.
    InvalidJson,
    /// The row is no object.
    NotAnObject,
    /// A needed column is not there.
    MissingColumn,
    /// A cell is of another type than needed.
    WrongType,
    /// A needed text is empty.
    EmptyText,
    /// A role that no chat has.
    UnknownRole,
    /// No messages.
    NoMessages,
    /// No answer to learn.
    NoAnswer,
    /// An answer that OpenAI's `weight` keeps from being learned.
    NotLearned,
    /// A system message that is not the first.
    SystemNotFirst,
    /// A text longer than [`crate::MAX_MESSAGE_BYTES`].
    TooLong,
    /// A CSV line with another number of fields than the header.
    WrongFieldCount,
    /// Bytes that are no UTF-8.
    NotUtf8,
}

/// One row that cannot be used. The others can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("row {row}, {column}: {message}")]
pub struct RowError {
    /// From 1, not counting a header.
    pub row: usize,
    /// Line of the file, from 1, where rows are lines.
    pub line: Option<usize>,
    /// Column or path inside the row, such as `messages[2].role`.
    pub column: String,
    /// The rule that it breaks.
    pub rule: Rule,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why a whole file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Io {
        /// As it was given.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error("{file} is empty: a dataset needs at least one row")]
    Empty {
        /// As it was given.
        file: String,
    },
    /// A Git LFS pointer instead of the data.
    #[error(
        "{file} is a Git LFS pointer, not the data: run `git lfs pull` where it comes from, then import it again"
    )]
    LfsPointer {
        /// As it was given.
        file: String,
    },
    /// A binary format that is not read.
    #[error("{file} is {kind}, which is not read: save it as JSONL, JSON, CSV or Parquet")]
    Binary {
        /// As it was given.
        file: String,
        /// Such as "a ZIP archive".
        kind: &'static str,
    },
    /// A damaged Parquet file, or one with a compression that is not read.
    #[error(
        "{file} cannot be read as Parquet: {message}; write it again, uncompressed or with Snappy, or as JSONL"
    )]
    Parquet {
        /// As it was given.
        file: String,
        /// The library's words.
        message: String,
    },
    /// Not UTF-8.
    #[error("{file} is not UTF-8 text (byte {position}): save it as UTF-8")]
    NotUtf8 {
        /// As it was given.
        file: String,
        /// Bytes before the fault.
        position: usize,
    },
    /// A line that is longer than any row of training data.
    #[error(
        "{file}: line {line} is longer than {limit_bytes} bytes; put each row on a line of its own, and cut long texts into parts"
    )]
    LongLine {
        /// As it was given.
        file: String,
        /// From 1.
        line: usize,
        /// What a line may have.
        limit_bytes: usize,
    },
    /// A JSON file that is damaged as a whole.
    #[error(
        "{file} is not valid JSON: {message}; a dataset is a JSON array of objects, or one object a line"
    )]
    InvalidJson {
        /// As it was given.
        file: String,
        /// The parser's words, with line and column.
        message: String,
    },
    /// Rows, but of no known shape.
    #[error(
        "{file}: no known dataset format (columns: {}); known are messages, conversations, instruction with output, prompt with completion, question with answer, and text. Choose the columns for prompt and completion",
        listed(.columns)
    )]
    UnknownFormat {
        /// As it was given.
        file: String,
        /// What the first rows have.
        columns: Vec<String>,
    },
    /// Chosen and rejected answers.
    #[error(
        "{file} holds preference data (column {column}, row {row}); supervised fine-tuning learns from one answer: keep the chosen one as the completion"
    )]
    Preference {
        /// As it was given.
        file: String,
        /// The column that shows it.
        column: String,
        /// From 1.
        row: usize,
    },
    /// Pictures, sound or video.
    #[error(
        "{file} holds pictures, sound or video (column {column}, row {row}); only text can be trained: remove these rows or columns"
    )]
    Multimodal {
        /// As it was given.
        file: String,
        /// The column that shows it.
        column: String,
        /// From 1.
        row: usize,
    },
    /// A column of the mapping is not in the file.
    #[error("{file} has no column {column:?}; it has {columns}")]
    MappedColumnMissing {
        /// As it was given.
        file: String,
        /// The one that was asked for.
        column: String,
        /// The ones that are there.
        columns: String,
    },
    /// Not one row can be used.
    #[error("{file}: none of its {rows} rows can be used; the first fault: {first}")]
    NoUsableRow {
        /// As it was given.
        file: String,
        /// How many there are.
        rows: usize,
        /// The first row's fault.
        first: RowError,
    },
}

/// Names of columns in a sentence.
pub(crate) fn listed(columns: &[String]) -> String {
    if columns.is_empty() { "none".to_owned() } else { columns.join(", ") }
}
