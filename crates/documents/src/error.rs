//! Why a file gave no text: what happened, to which file, and what to do.

use serde::{Deserialize, Serialize};

/// Why a file gave no text. Serialisable, because it comes out of a child process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum DocumentError {
    /// The file could not be opened or read.
    #[error("{file}: cannot be read ({reason}); check that the file exists and that you may read it")]
    Unreadable { file: String, reason: String },
    /// The file has no bytes, or no text in them.
    #[error("{file}: there is no text in it; choose a file that has some")]
    Empty { file: String },
    /// The bytes are none of the known formats.
    #[error("{file}: {found}; convert it to one of {known} and try again")]
    UnknownFormat { file: String, found: String, known: String },
    /// The file is encrypted and the empty password does not open it.
    #[error(
        "{file}: this {format} file is protected by a password; save a copy without password and use that"
    )]
    Password { file: String, format: String },
    /// Pages, but no text on any: a scan, or pictures only.
    #[error(
        "{file}: no text on {pages} page(s): it is probably a scan or holds only pictures; let its text be recognised (OCR), which needs tesseract and poppler (Debian: apt install tesseract-ocr poppler-utils, Fedora: dnf install tesseract poppler-utils)"
    )]
    NoText { file: String, pages: u32 },
    /// A program that text recognition needs is not there.
    #[error(
        "{file}: text recognition (OCR) needs the program {program}, which is not installed; install it (Debian: apt install {debian}, Fedora: dnf install {fedora}) and try again"
    )]
    ToolMissing { file: String, program: String, debian: String, fedora: String },
    /// tesseract has no data for a language.
    #[error(
        "{file}: tesseract has no data for the language \"{language}\" (it has {installed}); choose another, or install it (Debian: apt install tesseract-ocr-{language}, Fedora: dnf install tesseract-langpack-{language})"
    )]
    OcrLanguage { file: String, language: String, installed: String },
    /// The text could not be recognised.
    #[error(
        "{file}: its text could not be recognised ({reason}); scan it again, straight and with 300 dots an inch, or use another copy"
    )]
    Recognition { file: String, reason: String },
    /// More pages than are recognised.
    #[error(
        "{file}: {pages} pages without text are more than the {limit} that are recognised; split the file into smaller ones"
    )]
    TooManyPages { file: String, pages: u32, limit: u32 },
    /// The format was recognised but the file breaks its rules.
    #[error(
        "{file}: damaged or incomplete {format} file ({reason}); open it in its own program, save it again, and use that copy"
    )]
    Damaged { file: String, format: String, reason: String },
    /// The file is larger than what is read.
    #[error(
        "{file}: {size_bytes} bytes is more than the limit of {limit_bytes}; split the file into smaller ones"
    )]
    FileTooLarge { file: String, size_bytes: u64, limit_bytes: u64 },
    /// An archive that holds more than it should.
    #[error(
        "{file}: unpacked, it is larger than {limit_bytes} bytes, which is the limit; the file is hostile or very large: save a fresh copy, or split it"
    )]
    TooLarge { file: String, limit_bytes: u64 },
    /// The text is longer than the limit.
    #[error(
        "{file}: holds more than {limit_bytes} bytes of text, which is the limit; split the file into smaller ones"
    )]
    TooMuchText { file: String, limit_bytes: u64 },
    /// The child reached its memory limit.
    #[error(
        "{file}: reading it needs more than {limit_bytes} bytes of memory; the file is damaged, hostile or very large: save a fresh copy, or split it"
    )]
    OutOfMemory { file: String, limit_bytes: u64 },
    /// The child reached its limit of processor or wall time.
    #[error(
        "{file}: reading it took longer than {seconds} seconds; the file is damaged, hostile or very large: save a fresh copy, or split it"
    )]
    TimeLimit { file: String, seconds: u64 },
    /// The parsing child ended without an answer.
    #[error(
        "{file}: the program that reads it crashed ({how}); nothing else is affected: save a fresh copy of the file, or convert it to PDF or plain text"
    )]
    Crashed { file: String, how: String },
    /// The caller's cancel flag was set.
    #[error("{file}: reading was cancelled")]
    Cancelled { file: String },
    /// The parsing child could not be started or spoken to.
    #[error(
        "{file}: the reading process could not be run ({reason}); this is not the file's fault: try again"
    )]
    ChildProcess { file: String, reason: String },
}
