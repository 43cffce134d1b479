//! The `content.xml` of OpenDocument texts and presentations (OASIS ODF 1.3), event by event.

use std::collections::HashSet;
use std::io::Cursor;

use quick_xml::events::BytesStart;

use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::xml::{self, Mark, attribute, number};
use crate::formats::{Format, Input, archive};

/// Repeated white space is written out at most so often.
const MOST_SPACES: usize = 64;

/// Reads the text of an OpenDocument file.
pub fn read(input: &Input, format: Format) -> Result<Document, DocumentError> {
    let mut zip = zip::ZipArchive::new(Cursor::new(input.bytes))
        .map_err(|error| input.damaged(format, error.to_string()))?;
    let Some(content) = archive::member(&mut zip, "content.xml", archive::MOST_UNPACKED_BYTES) else {
        return Err(input.damaged(format, "content.xml is missing or cannot be unpacked"));
    };
    let mut walk = Walk::default();
    xml::walk(&content, |mark| walk.visit(mark)).map_err(|reason| input.damaged(format, reason))?;
    Ok(walk.flow.finish(format))
}

#[derive(Default)]
struct Walk {
    flow: Flow,
    /// Styles of numbered lists, and the style that is being defined.
    ordered_styles: HashSet<String>,
    list_style: String,
    in_title: bool,
    pages: u32,
    /// Depth inside an element that is left out.
    left_out: usize,
}

/// Comments, deleted text, speaker's notes, form labels, footnote numbers.
const LEFT_OUT: &[&[u8]] = &[b"annotation", b"tracked-changes", b"notes", b"forms", b"note-citation"];

impl Walk {
    fn visit(&mut self, mark: Mark) {
        match mark {
            Mark::Start(tag) => {
                let name = tag.local_name();
                let described = matches!(tag.name().as_ref(), b"svg:title" | b"svg:desc");
                if self.left_out > 0 || described || LEFT_OUT.contains(&name.as_ref()) {
                    self.left_out += 1;
                } else {
                    self.start(tag, name.as_ref());
                }
            }
            Mark::End(_) if self.left_out > 0 => self.left_out -= 1,
            Mark::End(name) => self.end(name),
            Mark::Text(text) if self.left_out == 0 => self.flow.text(text),
            Mark::Text(_) => {}
        }
    }

    fn start(&mut self, tag: &BytesStart, name: &[u8]) {
        match name {
            b"list-style" => self.list_style = attribute(tag, b"name").unwrap_or_default(),
            b"list-level-style-number" if number(tag, b"level") == Some(1) => {
                self.ordered_styles.insert(self.list_style.clone());
            }
            b"page" => {
                self.pages += 1;
                self.flow.builder.start_page(self.pages);
            }
            b"frame" => self.in_title = attribute(tag, b"class").as_deref() == Some("title"),
            b"p" if self.in_title => self.flow.open(BlockKind::Heading(1)),
            b"p" => self.flow.open(BlockKind::Paragraph),
            b"h" => {
                let level = number(tag, b"outline-level").unwrap_or(1).clamp(1, 6);
                self.flow.open(BlockKind::Heading(level as u8));
            }
            b"list" => {
                let style = attribute(tag, b"style-name");
                let inherited = self.flow.in_ordered_list();
                self.flow.start_list(style.map_or(inherited, |style| self.ordered_styles.contains(&style)));
            }
            b"list-item" => self.flow.item(),
            b"table" => self.flow.start_table(),
            b"table-row" => self.flow.start_row(),
            b"table-cell" => {
                let repeated = number(tag, b"number-columns-repeated").unwrap_or(1);
                let columns = number(tag, b"number-columns-spanned").unwrap_or(1).max(repeated);
                self.flow.start_cell(columns, number(tag, b"number-rows-spanned").unwrap_or(1));
            }
            b"s" => self.flow.text(&" ".repeat(number(tag, b"c").unwrap_or(1).min(MOST_SPACES))),
            b"tab" | b"line-break" => self.flow.text(" "),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"p" | b"h" => self.flow.close(),
            b"frame" => self.in_title = false,
            b"list" => self.flow.end_list(),
            b"table-cell" => self.flow.end_cell(),
            b"table-row" => self.flow.end_row(),
            b"table" => self.flow.end_table(),
            _ => {}
        }
    }
}
