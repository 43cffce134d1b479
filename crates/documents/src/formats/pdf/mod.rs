//! PDF (ISO 32000): characters at places, from which lines, paragraphs, headings, lists and tables are found again.
//!
//! pdf_oxide reads the file and gives runs of text with place and font; the layout is read here: [`lines`] puts
//! runs together, [`furniture`] takes running headers and page numbers off, [`layout`] makes blocks.

use std::collections::HashSet;

use pdf_oxide::document::{PdfDocument, ReadingOrder};
use pdf_oxide::encryption::EncryptionHandler;
use pdf_oxide::object::Object;

use crate::builder::Builder;
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader};
use crate::remark::Remark;

mod furniture;
mod layout;
mod lines;
mod measures;
mod page_tables;
mod repair;
mod table_text;

pub static READER: Reader = Reader {
    format: Format::Pdf,
    name: "PDF",
    extensions: &["pdf"],
    media_type: "application/pdf",
    recognises,
    read,
};

/// More pages than any book; a lying page count must not keep the reader busy.
const MOST_PAGES: usize = 20_000;
/// So many pages in a row without one that can be read end the reading.
const MOST_FAILURES: usize = 50;

/// The header may stand behind other bytes (ISO 32000-1, annex H: within the first 1024). A file without one is a
/// damaged PDF, not plain text, if its name says PDF and it has a PDF's objects.
fn recognises(input: &Input) -> bool {
    let has = |bytes: usize, mark: &[u8]| {
        input.bytes[..input.bytes.len().min(bytes)].windows(mark.len()).any(|window| window == mark)
    };
    has_header(input.bytes)
        || input.extension() == "pdf"
            && (has(65536, b"obj") || has(1024, b"%PDF"))
            && [b"trailer".as_slice(), b"endobj", b"startxref"].iter().any(|mark| has(65536, mark))
}

/// Whether the header is where it belongs.
pub fn has_header(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(1024)].windows(5).any(|window| window == b"%PDF-")
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    if !has_trailer(input.bytes) {
        return Err(input.damaged(Format::Pdf, "its trailer is missing, and with it the end of the file"));
    }
    let outcome = read_bytes(input, input.bytes.to_vec());
    let has_text = |document: &Document| !document.text.trim().is_empty();
    let failed = match &outcome {
        Ok(document) => !has_text(document),
        Err(error) => matches!(error, DocumentError::Damaged { .. } | DocumentError::Empty { .. }),
    };
    if !failed {
        return outcome;
    }
    let again = repair::repaired(input.bytes).and_then(|bytes| read_bytes(input, bytes).ok());
    let Some(mut document) = again.filter(has_text) else { return outcome };
    document.warnings.push(Remark::Repaired {}.on(None));
    Ok(document)
}

/// Without a trailer (or the stream that stands for it since PDF 1.5) nothing says what the file holds: what is found
/// in it all the same may be any part of it.
fn has_trailer(bytes: &[u8]) -> bool {
    let mark = b"trailer";
    let begins = |place: usize| {
        let rest = bytes[place + mark.len()..].iter().copied();
        let mut rest = rest.skip_while(|byte| byte.is_ascii_whitespace() || *byte == 0);
        rest.next() == Some(b'<') && rest.next() == Some(b'<')
    };
    let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    let mut places = bytes.windows(mark.len()).enumerate().filter(|(_, window)| window == mark);
    places.any(|(place, _)| begins(place)) || has(b"/XRef")
}

fn read_bytes(input: &Input, bytes: Vec<u8>) -> Result<Document, DocumentError> {
    let pdf = PdfDocument::from_bytes(bytes).map_err(|error| open_error(input, &error.to_string()))?;
    if pdf.is_encrypted() && (!pdf.is_authenticated() || opens_only_for_owner(&pdf)) {
        return Err(password(input));
    }
    if !has_sound_page_tree(&pdf) {
        return Err(input.damaged(Format::Pdf, "its page tree leads back into itself"));
    }
    let count = pdf.page_count().map_err(|error| open_error(input, &error.to_string()))?;
    if count == 0 {
        return Err(input.damaged(Format::Pdf, "it has no pages"));
    }
    let mut builder = Builder::default();
    let mut pages = Vec::new();
    let (mut failures, mut last_reason) = (0, String::new());
    for index in 0..count.min(MOST_PAGES) {
        let page = page_elements(&pdf, index).unwrap_or_else(|reason| {
            failures += 1;
            builder.warn(Remark::PageUnreadable { detail: reason.clone() }, number(index));
            last_reason = reason;
            PageElements::default()
        });
        pages.push(page);
        if failures >= MOST_FAILURES && failures == pages.len() {
            break;
        }
    }
    if failures == pages.len() {
        return Err(input.damaged(Format::Pdf, last_reason));
    }
    if let Some(error) = nothing_shown(input, &pages, last_reason) {
        return Err(error);
    }
    furniture::remove(&mut pages);
    layout::build(&pages, &mut builder);
    warn_of_empty_pages(&pages, &mut builder);
    Ok(builder.finish(Format::Pdf))
}

fn number(index: usize) -> Option<u32> {
    u32::try_from(index + 1).ok()
}

fn password(input: &Input) -> DocumentError {
    DocumentError::Password { file: input.name.clone(), format: Format::Pdf.name().to_string() }
}

/// Whether the page tree can be walked through. One branch that leads back costs a few turns; two of them, taken at each
/// turn, would cost 2⁵⁰.
fn has_sound_page_tree(pdf: &PdfDocument) -> bool {
    let catalog = pdf.catalog().ok();
    let root = catalog.as_ref().and_then(|catalog| catalog.as_dict()?.get("Pages")?.as_reference());
    let (mut open, mut met, mut met_again) = (Vec::from_iter(root), HashSet::new(), 0);
    while let Some(reference) = open.pop() {
        let Ok(node) = pdf.load_object(reference) else { continue };
        let Some(kids) = node.as_dict().and_then(|node| node.get("Kids")?.as_array()) else { continue };
        if met.insert(reference) {
            open.extend(kids.iter().filter_map(Object::as_reference));
        } else {
            met_again += 1;
        }
    }
    met_again < 2
}

/// Whether the empty password is the owner's but not the reader's: a file that was made to ask for a password,
/// by a program that left the second one empty. (Revision 5 and 6; before, the two are entangled.)
fn opens_only_for_owner(pdf: &PdfDocument) -> bool {
    let encrypt = pdf.trailer().as_dict().and_then(|trailer| trailer.get("Encrypt")).cloned();
    let encrypt = match encrypt {
        Some(Object::Reference(reference)) => pdf.load_object(reference).ok(),
        other => other,
    };
    let Some(Object::Dictionary(mut dictionary)) = encrypt else { return false };
    if dictionary.get("R").and_then(Object::as_integer).is_none_or(|revision| revision < 5) {
        return false;
    }
    // With a check value that nothing fulfils, only the reader's password is tried.
    dictionary.insert("O".into(), Object::String(vec![0; 48]));
    let handler = EncryptionHandler::new(&Object::Dictionary(dictionary), Vec::new());
    handler.is_ok_and(|mut handler| matches!(handler.authenticate(b""), Ok(false)))
}

fn open_error(input: &Input, reason: &str) -> DocumentError {
    let lower = reason.to_ascii_lowercase();
    if lower.contains("password") || lower.contains("encrypted") {
        return password(input);
    }
    input.damaged(Format::Pdf, reason)
}

/// What stands on a page, in reading order.
#[derive(Default)]
pub struct PageElements {
    pub elements: Vec<Element>,
    content: Content,
    /// Points.
    pub height: f32,
}

/// A line of text or a whole table.
pub enum Element {
    Line(lines::Line),
    /// As Markdown.
    Table(String),
}

/// What a page's content does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Content {
    /// There is none.
    #[default]
    Empty,
    /// There is some, but it shows nothing.
    ShowsNothing,
    /// It paints, shows pictures or writes.
    Shows,
}

/// Operators that leave something on a page (ISO 32000-1, annex A).
const SHOWING: &[&[u8]] = &[
    b"Tj", b"TJ", b"'", b"\"", b"Do", b"BI", b"sh", b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"S", b"s",
];

impl Content {
    fn of(content: &[u8]) -> Self {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"[]()<>\0".contains(byte);
        let mut words = content.split(ends).filter(|word| !word.is_empty()).peekable();
        if words.peek().is_none() {
            return Self::Empty;
        }
        if words.any(|word| SHOWING.contains(&word)) { Self::Shows } else { Self::ShowsNothing }
    }
}

/// Why a file is no scan, if nothing can be seen on its pages: blank ones, or a damaged file.
fn nothing_shown(input: &Input, pages: &[PageElements], failure: String) -> Option<DocumentError> {
    if pages.iter().any(|page| page.content == Content::Shows) {
        return None;
    }
    let reason = match failure.is_empty() {
        false => failure,
        true if pages.iter().all(|page| page.content == Content::Empty) => {
            return Some(DocumentError::Empty { file: input.name.clone() });
        }
        true => "its pages show nothing, neither text nor pictures".to_string(),
    };
    Some(input.damaged(Format::Pdf, reason))
}

fn page_elements(pdf: &PdfDocument, index: usize) -> Result<PageElements, String> {
    let say = |error: pdf_oxide::error::Error| error.to_string();
    let spans = pdf.extract_spans_with_reading_order(index, ReadingOrder::TopToBottom).map_err(say)?;
    let (_, bottom, _, top) = pdf.get_page_media_box(index).unwrap_or((0.0, 0.0, 595.0, 842.0));
    let tables = page_tables::find(pdf, index);
    let runs = lines::runs(&spans);
    let elements = if lines::has_columns(&runs, &tables) {
        let spans = pdf.extract_spans_with_reading_order(index, ReadingOrder::ColumnAware).map_err(say)?;
        lines::in_given_order(&lines::runs(&spans), &tables)
    } else {
        lines::top_to_bottom(&runs, &tables)
    };
    let content = match elements.is_empty() {
        // Nothing to see, or nothing that could be unpacked?
        true => Content::of(&pdf.get_page_content_data(index).map_err(say)?),
        false => Content::Shows,
    };
    Ok(PageElements { elements, content, height: (top - bottom).abs().max(1.0) })
}

fn warn_of_empty_pages(pages: &[PageElements], builder: &mut Builder) {
    if pages.iter().all(|page| page.elements.is_empty()) {
        return;
    }
    for (index, page) in pages.iter().enumerate() {
        if page.elements.is_empty() {
            builder.warn(Remark::EmptyPage {}, number(index));
        }
    }
}
