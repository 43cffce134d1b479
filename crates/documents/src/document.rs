//! What a parsed file is: one text, and where its pages and blocks lie in it.

use serde::{Deserialize, Serialize};

use crate::formats::Format;

/// A half-open range of a document's text, counted in Unicode code points (not bytes), so that a web
/// page or another program can cut the same piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
}

impl Span {
    /// Number of code points.
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the range holds nothing.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Whether the two ranges share at least one code point.
    pub fn overlaps(&self, other: &Span) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// A parsed file. `pages` and `blocks` are in the order of the text; blocks do not overlap, and only
/// white space lies between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The whole text: paragraphs on one line each, blocks apart by an empty line (list items by a line
    /// break), tables as Markdown tables.
    pub text: String,
    /// What the file was found to be.
    pub format: Format,
    /// Pages (PDF), slides (presentations) or sheets (workbooks); empty where the format has none.
    pub pages: Vec<Page>,
    /// Headings, paragraphs, list items, tables and code.
    pub blocks: Vec<Block>,
    /// ISO 639-3 code (`eng`, `fra`), only where the detection calls itself reliable.
    pub language: Option<String>,
    /// What a reader should know before trusting the text.
    pub warnings: Vec<Warning>,
    /// Set where text was read off pictures; there is a warning of it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
}

/// Text that was read off pictures (OCR).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recognition {
    /// Program and version, `tesseract 5.3.0`.
    pub engine: String,
    /// Languages that it was to expect, as it calls them (`eng`, `fra`).
    pub languages: Vec<String>,
    /// Pages whose text was recognised.
    pub pages: u32,
    /// How sure the program is of a word, 0 to 100, the mean of all words.
    pub mean_confidence: f32,
}

/// One page. A page without text has an empty span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Where its text lies.
    pub span: Span,
}

/// One piece of structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where its text lies.
    pub span: Span,
    /// The page on which it starts.
    pub page: Option<u32>,
}

/// The kinds of block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading and its level, 1 (outermost) to 6. Its text carries no mark, only its own number if any.
    Heading(u8),
    /// Running text, line breaks inside it joined.
    Paragraph,
    /// One item of a list, with its marker.
    ListItem,
    /// A Markdown table, or rows on lines where the columns were not recognised.
    Table,
    /// Preformatted text, line breaks kept.
    Code,
}

/// Something that a reader should know before trusting the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// For programs.
    pub kind: WarningKind,
    /// What is said, as a stable name; empty in what older versions stored.
    #[serde(default)]
    pub code: String,
    /// The values of the text; `detail` is the words of a library.
    #[serde(default)]
    pub params: serde_json::Map<String, serde_json::Value>,
    /// For people, in English.
    pub message: String,
    /// The page that is meant, where there is one.
    pub page: Option<u32>,
}

/// The kinds of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A page without text in a file that has text elsewhere: probably a scan or a picture.
    PageWithoutText,
    /// Bytes that are not valid in the encoding that was found were replaced.
    ReplacedCharacters,
    /// The encoding was guessed.
    GuessedEncoding,
    /// The file is damaged, and only a part could be read.
    PartlyRead,
    /// Text was read off pictures and may have errors.
    Recognised,
    /// A remark of the parsing library.
    Parser,
}

impl Document {
    /// The text of a span. Spans beyond the end are cut.
    pub fn slice(&self, span: Span) -> &str {
        let mut offsets = self.text.char_indices().map(|(offset, _)| offset).chain([self.text.len()]);
        let Some(start) = offsets.nth(span.start) else { return "" };
        if span.is_empty() {
            return "";
        }
        let end = offsets.nth(span.len() - 1).unwrap_or(self.text.len());
        &self.text[start..end]
    }

    /// First and last page that a span touches, for citations. `None` where the format has no pages.
    pub fn pages_of(&self, span: Span) -> Option<(u32, u32)> {
        let mut touched = self.pages.iter().filter(|page| page.span.overlaps(&span)).map(|page| page.number);
        let first = touched.next()?;
        Some((first, touched.next_back().unwrap_or(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_code_points() {
        let text = "déjà vu – ok".to_string();
        let page = Page { number: 1, span: Span { start: 0, end: 7 } };
        let other = Page { number: 2, span: Span { start: 7, end: 12 } };
        let document = Document {
            text,
            format: Format::Text,
            pages: vec![page, other],
            blocks: vec![],
            language: None,
            warnings: vec![],
            recognition: None,
        };
        assert_eq!(document.slice(Span { start: 0, end: 4 }), "déjà");
        assert_eq!(document.slice(Span { start: 8, end: 12 }), "– ok");
        assert_eq!(document.slice(Span { start: 8, end: 99 }), "– ok");
        assert_eq!(document.slice(Span { start: 40, end: 41 }), "");
        assert_eq!(document.pages_of(Span { start: 5, end: 9 }), Some((1, 2)));
        assert_eq!(document.pages_of(Span { start: 9, end: 10 }), Some((2, 2)));
    }
}
