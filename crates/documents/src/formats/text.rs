//! Plain text: the encoding found by its bytes, paragraphs apart by empty lines.

use crate::builder::Builder;
use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader};
use crate::remark::Remark;

pub static READER: Reader = Reader {
    format: Format::Text,
    name: "plain text",
    extensions: &["txt", "text", "log"],
    media_type: "text/plain",
    recognises: |input| input.decoded().is_some(),
    read,
};

/// Text out of bytes.
pub struct Decoded {
    /// Line ends are `\n`; no byte order mark.
    pub text: String,
    /// What should be said about it.
    pub warning: Option<Remark>,
}

/// UTF-8 and UTF-16 (with mark or by their pattern of zero bytes), else Windows-1252. `None` where the bytes
/// are not text: zero bytes or too many control characters.
pub fn decode(bytes: &[u8]) -> Option<Decoded> {
    let (text, warning) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?,
        [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes)?, None),
        [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes)?, None),
        _ => without_mark(bytes)?,
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    is_text(&text).then_some(Decoded { text, warning })
}

type Found = (String, Option<Remark>);

fn without_mark(bytes: &[u8]) -> Option<Found> {
    let sample = &bytes[..bytes.len().min(4096)];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
    if pairs > 2 && odd > pairs * 2 / 5 && even * 10 < pairs {
        return Some((utf16(bytes, u16::from_le_bytes)?, None));
    }
    if pairs > 2 && even > pairs * 2 / 5 && odd * 10 < pairs {
        return Some((utf16(bytes, u16::from_be_bytes)?, None));
    }
    if bytes.contains(&0) {
        return None;
    }
    utf8(bytes).or_else(|| Some(windows_1252(bytes)))
}

/// UTF-8; a few broken sequences in a text that is otherwise plainly UTF-8 are replaced, and said.
fn utf8(bytes: &[u8]) -> Option<Found> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((text.to_string(), None)),
        Err(_) => {
            let lossy = String::from_utf8_lossy(bytes);
            let broken = lossy.chars().filter(|c| *c == '\u{FFFD}').count();
            let sound = lossy.chars().filter(|c| !c.is_ascii() && *c != '\u{FFFD}').count();
            (sound > broken * 4).then(|| (lossy.into_owned(), Some(Remark::ReplacedBytes { count: broken })))
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

/// Code points of the bytes 0x80 to 0x9F (<https://encoding.spec.whatwg.org/#windows-1252>); the others are their own.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

/// A byte's character in Windows-1252.
pub fn windows_1252_character(byte: u8) -> char {
    match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn windows_1252(bytes: &[u8]) -> Found {
    let text = bytes.iter().map(|byte| windows_1252_character(*byte));
    (text.collect(), Some(Remark::GuessedEncoding { encoding: "Windows-1252 (Western European)" }))
}

/// Fewer than one control character in 500.
fn is_text(text: &str) -> bool {
    let control = text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\u{0C}')).count();
    !text.contains('\0') && control * 500 <= text.chars().count()
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    let Some(decoded) = input.decoded() else {
        return Err(input.damaged(Format::Text, "the bytes are not text"));
    };
    let mut builder = Builder::default();
    if let Some(remark) = &decoded.warning {
        builder.warn(remark.clone(), None);
    }
    for paragraph in decoded.text.replace('\u{0C}', "\n\n").split("\n\n") {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        builder.push(BlockKind::Paragraph, &lines.join(" "));
    }
    Ok(builder.finish(Format::Text))
}
