//! What a file is, decided by its bytes, and the reader of each format: one file, one line in [`REGISTRY`].

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::archive::Archive;

mod archive;
mod charts;
mod csv_table;
mod docx;
mod docx_styles;
mod email;
mod epub;
mod flow;
mod foreign;
mod html;
mod markdown;
mod markdown_inline;
mod odp;
mod ods;
mod odt;
mod office_comments;
mod opendocument;
mod package;
pub(crate) mod pdf;
pub(crate) mod picture;
mod pptx;
mod rtf;
mod sheets;
mod tables;
mod text;
mod xlsx;
mod xml;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Pdf,
    Picture,
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
pub static REGISTRY: &[&Reader] = &[
    &pdf::READER,
    &picture::READER,
    &docx::READER,
    &pptx::READER,
    &xlsx::READER,
    &odt::READER,
    &odp::READER,
    &ods::READER,
    &epub::READER,
    &rtf::READER,
    &email::READER,
    &html::READER,
    &markdown::READER,
    &csv_table::READER,
    &text::READER,
];

/// A file's bytes and what was found out about them.
pub struct Input<'a> {
    /// The file as the caller calls it, for errors.
    pub name: String,
    /// All of it.
    pub bytes: &'a [u8],
    decoded: OnceCell<Option<text::Decoded>>,
    archive: OnceCell<Option<Result<Archive, String>>>,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8], name: &str) -> Self {
        Self { name: name.to_string(), bytes, decoded: OnceCell::new(), archive: OnceCell::new() }
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

    /// The archive, if the bytes are one that can be read.
    fn archive(&self) -> Option<&Archive> {
        self.archive_or_reason()?.as_ref().ok()
    }

    fn archive_or_reason(&self) -> Option<&Result<Archive, String>> {
        let open = || self.bytes.starts_with(b"PK").then(|| Archive::open(self.bytes));
        self.archive.get_or_init(open).as_ref()
    }

    /// The archive says of itself that it is of this media type, or of one that begins so (templates).
    fn media_type_begins(&self, media_type: &str) -> bool {
        let own = self.archive().and_then(|archive| archive.media_type.as_deref());
        own.is_some_and(|own| own.starts_with(media_type))
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
    refuse_protected(&input)?;
    if input.archive().is_some_and(|archive| archive.is_bomb) {
        return Err(DocumentError::TooLarge { file: input.name, limit_bytes: archive::MOST_UNPACKED_BYTES });
    }
    let Some(reader) = REGISTRY.iter().find(|reader| (reader.recognises)(&input)) else {
        return Err(unknown(&input));
    };
    refuse_text_in_disguise(&input, reader.format)?;
    let document = (reader.read)(&input)?;
    if document.text.trim().is_empty() {
        return Err(match document.pages.len() {
            0 => DocumentError::Empty { file: input.name },
            pages => DocumentError::NoText { file: input.name, pages: pages as u32 },
        });
    }
    Ok(document)
}

/// First bytes of the container of old binary Office files, and of encrypted new ones.
const COMPOUND_FILE: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// Encrypted Office and OpenDocument files, which no reader recognises by their content.
fn refuse_protected(input: &Input) -> Result<(), DocumentError> {
    let utf16: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    let encrypted_office = input.bytes.starts_with(COMPOUND_FILE)
        && input.bytes.windows(utf16.len()).any(|window| window == utf16);
    let encrypted_archive = input.archive().is_some_and(|archive| archive.encrypted);
    if encrypted_office || encrypted_archive {
        let format = if encrypted_office { "Office" } else { "ZIP-based" };
        return Err(DocumentError::Password { file: input.name.clone(), format: format.to_string() });
    }
    Ok(())
}

/// Formats that are more than text.
const BINARY: &[Format] = &[
    Format::Pdf,
    Format::Picture,
    Format::Docx,
    Format::Pptx,
    Format::Xlsx,
    Format::Odt,
    Format::Odp,
    Format::Ods,
    Format::Epub,
];

/// A file whose name says PDF or Word and whose content anything could be: a download that failed, or what is left of
/// a damaged file.
fn refuse_text_in_disguise(input: &Input, found: Format) -> Result<(), DocumentError> {
    if !matches!(found, Format::Text | Format::Csv | Format::Markdown) {
        return Ok(());
    }
    let extension = input.extension();
    let named = REGISTRY.iter().find(|reader| reader.extensions.contains(&&*extension));
    match named.filter(|reader| BINARY.contains(&reader.format)) {
        Some(reader) => Err(input.damaged(reader.format, "its name says so, but its content is plain text")),
        None => Ok(()),
    }
}

fn unknown(input: &Input) -> DocumentError {
    let found = match input.archive_or_reason() {
        Some(Err(reason)) => {
            let reason = format!("it begins like a ZIP archive but cannot be opened: {reason}");
            let format = "ZIP-based".to_string();
            return DocumentError::Damaged { file: input.name.clone(), format, reason };
        }
        Some(Ok(_)) => "it is a ZIP archive without a document that is known here".to_string(),
        None => match foreign::name(input.bytes) {
            Some(name) => format!("it is {name}"),
            None => "its content is no document format that is known here".to_string(),
        },
    };
    let names: Vec<&str> = REGISTRY.iter().map(|reader| reader.name).collect();
    DocumentError::UnknownFormat { file: input.name.clone(), found, known: names.join(", ") }
}
