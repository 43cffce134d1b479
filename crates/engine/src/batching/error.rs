//! [`DataError`]: what is wrong with a training file, where, and what to do.

use std::fmt;
use std::path::PathBuf;

use crate::tokenizer::MaskError;

/// Where a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file; `None` for rows that came from memory.
    pub file: Option<PathBuf>,
    /// Line of a JSON Lines file, or item of a JSON array; from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", file.display())?;
        }
        write!(f, "line {}", self.line)
    }
}

/// Why there are no training rows.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "{path} is a Git LFS pointer, not the file itself: run `git lfs pull` in that folder, or download the file"
    )]
    LfsPointer { path: PathBuf },
    #[error(
        "{path} has no rows: it needs one JSON object a line, for instance {{\"messages\": [{{\"role\": \"user\", …}}, …]}}"
    )]
    Empty { path: PathBuf },
    #[error("{place}: not JSON ({problem}); each line must be one JSON object")]
    NotJson { place: Place, problem: String },
    #[error("{place}: {field}: {problem}")]
    Row { place: Place, field: String, problem: String },
    #[error(
        "{place}: the model has no chat template, so `messages` cannot be rendered; give it a chat_template.jinja, or use rows with prompt and completion"
    )]
    NoTemplate { place: Place },
    #[error("{place}: {source}")]
    Mask { place: Place, source: MaskError },
    #[error(
        "{place}: the row has {tokens} tokens, {max_seq_len} are allowed; shorten it, raise the maximum sequence length, or allow cutting or leaving out"
    )]
    TooLong { place: Place, tokens: usize, max_seq_len: usize },
    #[error("no row is left to learn from: {dropped} were left out ({reasons})")]
    NothingLeft { dropped: usize, reasons: String },
}
