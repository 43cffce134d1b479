//! PDF (ISO 32000): characters at places, from which lines, paragraphs, headings, lists and tables are found again.
//!
//! pdf_oxide reads the file and gives runs of text with place and font; the layout is read here: [`lines`] puts
//! runs together, [`furniture`] takes running headers and page numbers off, [`layout`] makes blocks.

use pdf_oxide::document::{PdfDocument, ReadingOrder};
use pdf_oxide::encryption::EncryptionHandler;
use pdf_oxide::object::Object;

use crate::builder::Builder;
use crate::document::{Document, WarningKind};
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader};

mod furniture;
mod layout;
mod lines;
mod measures;
mod page_tables;
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
    has(1024, b"%PDF-")
        || input.extension() == "pdf"
            && (has(65536, b"obj") || has(1024, b"%PDF"))
            && [b"trailer".as_slice(), b"endobj", b"startxref"].iter().any(|mark| has(65536, mark))
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    let pdf = PdfDocument::from_bytes(input.bytes.to_vec())
        .map_err(|error| open_error(input, &error.to_string()))?;
    if pdf.is_encrypted() && (!pdf.is_authenticated() || opens_only_for_owner(&pdf)) {
        return Err(password(input));
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
            builder.warn(
                WarningKind::PartlyRead,
                format!("the page could not be read: {reason}"),
                number(index),
            );
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
    /// Points.
    pub height: f32,
}

/// A line of text or a whole table.
pub enum Element {
    Line(lines::Line),
    /// As Markdown.
    Table(String),
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
    Ok(PageElements { elements, height: (top - bottom).abs().max(1.0) })
}

fn warn_of_empty_pages(pages: &[PageElements], builder: &mut Builder) {
    if pages.iter().all(|page| page.elements.is_empty()) {
        return;
    }
    for (index, page) in pages.iter().enumerate() {
        if page.elements.is_empty() {
            let message = "no text on this page: a picture or a scan, or left empty";
            builder.warn(WarningKind::PageWithoutText, message, number(index));
        }
    }
}
