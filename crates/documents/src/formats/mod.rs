//! What a file is, decided by its bytes, and the reader of each format: one file, one line in [`REGISTRY`].

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::DocumentError;

mod text;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Odt,
    Odp,
    Ods,
    Epub,
    Rtf,
    Email,
    Html,
    Csv,
    Markdown,
    Text,
}

impl Format {
    /// The format's line in the registry.
    pub fn reader(self) -> Option<&'static Reader> {
        REGISTRY.iter().copied().find(|reader| reader.format == self)
    }

    /// Its name for people: `PDF`, `Word (DOCX)`.
    pub fn name(self) -> &'static str {
        self.reader().map_or("unknown", |reader| reader.name)
    }
}

/// One format: how it is recognised and read.
pub struct Reader {
    /// What it reads.
    pub format: Format,
    /// For people.
    pub name: &'static str,
    /// Usual endings of file names, without the dot, for upload dialogs.
    pub extensions: &'static [&'static str],
    /// Media type, for upload dialogs.
    pub media_type: &'static str,
    /// Whether the bytes are this format. Asked in the order of the registry.
    recognises: fn(&Input) -> bool,
    /// Bytes to document.
    read: fn(&Input) -> Result<Document, DocumentError>,
}

/// All formats, the most certain marks first; plain text, which anything can be, last.
pub static REGISTRY: &[&Reader] = &[&text::READER];

/// A file's bytes and what was found out about them.
pub struct Input<'a> {
    /// The file as the caller calls it, for errors.
    pub name: String,
    /// All of it.
    pub bytes: &'a [u8],
    decoded: OnceCell<Option<text::Decoded>>,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8], name: &str) -> Self {
        Self { name: name.to_string(), bytes, decoded: OnceCell::new() }
    }

    /// The ending of the file's name in lower case. Only ever decides between kinds of plain text.
    fn extension(&self) -> Cow<'_, str> {
        let ending = self.name.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.'));
        ending.map_or(Cow::Borrowed(""), |(_, ending)| Cow::Owned(ending.to_ascii_lowercase()))
    }

    /// The bytes as text, if they are text.
    fn decoded(&self) -> Option<&text::Decoded> {
        self.decoded.get_or_init(|| text::decode(self.bytes)).as_ref()
    }

    fn damaged(&self, format: Format, reason: impl ToString) -> DocumentError {
        let reason = reason.to_string();
        DocumentError::Damaged { file: self.name.clone(), format: format.name().to_string(), reason }
    }
}

/// Reads a file in this process. Parsers meet hostile input: call [`crate::isolation::parse_isolated`] for
/// files that somebody uploaded.
pub fn parse(path: &Path) -> Result<Document, DocumentError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|error| DocumentError::Unreadable { file: name.clone(), reason: error.to_string() })?;
    parse_bytes(&bytes, Some(&name))
}

/// Reads bytes in this process; `hint_name` is for errors, and decides between kinds of plain text.
pub fn parse_bytes(bytes: &[u8], hint_name: Option<&str>) -> Result<Document, DocumentError> {
    let input = Input::new(bytes, hint_name.unwrap_or("file"));
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(DocumentError::Empty { file: input.name });
    }
    let Some(reader) = REGISTRY.iter().find(|reader| (reader.recognises)(&input)) else {
        return Err(unknown(&input));
    };
    let document = (reader.read)(&input)?;
    if document.text.trim().is_empty() {
        return Err(match document.pages.len() {
            0 => DocumentError::Empty { file: input.name },
            pages => DocumentError::NoText { file: input.name, pages: pages as u32 },
        });
    }
    Ok(document)
}

fn unknown(input: &Input) -> DocumentError {
    let names: Vec<&str> = REGISTRY.iter().map(|reader| reader.name).collect();
    DocumentError::UnknownFormat {
        file: input.name.clone(),
        found: "its content is no document format that is read here".to_string(),
        known: names.join(", "),
    }
}
