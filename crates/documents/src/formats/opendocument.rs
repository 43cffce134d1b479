//! The `content.xml` of OpenDocument texts and presentations (OASIS ODF 1.3), event by event.

use std::collections::HashSet;
use std::io::Cursor;

use quick_xml::Reader as XmlReader;
use quick_xml::events::{BytesStart, Event};

use crate::builder::Builder;
use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::{Format, Input, archive, tables};

/// A `content.xml` is not longer; what is longer is a bomb.
const MOST_BYTES: u64 = 256 << 20;
/// A repeated cell is written out at most so often.
const MOST_REPEATED: usize = 64;

/// Reads the text of an OpenDocument file.
pub fn read(input: &Input, format: Format) -> Result<Document, DocumentError> {
    let mut zip =
        zip::ZipArchive::new(Cursor::new(input.bytes)).map_err(|error| input.damaged(format, error.to_string()))?;
    let Some(xml) = archive::member(&mut zip, "content.xml", MOST_BYTES) else {
        return Err(input.damaged(format, "content.xml is missing or cannot be unpacked"));
    };
    let mut reader = XmlReader::from_str(&xml);
    let mut walk = Walk::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => walk.start(&tag),
            Ok(Event::Empty(tag)) => {
                walk.start(&tag);
                walk.end(tag.local_name().as_ref());
            }
            Ok(Event::End(tag)) => walk.end(tag.local_name().as_ref()),
            Ok(Event::Text(text)) => walk.text(&text.decode().unwrap_or_default()),
            Ok(Event::GeneralRef(reference)) => walk.reference(&reference),
            Ok(Event::CData(text)) => walk.text(&String::from_utf8_lossy(&text)),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(input.damaged(format, error.to_string())),
        }
    }
    Ok(walk.builder.finish(format))
}

/// A paragraph or heading whose text is still coming.
struct Open {
    kind: BlockKind,
    marker: String,
    text: String,
}

struct List {
    ordered: bool,
    items: usize,
    /// No paragraph of the current item has come yet.
    at_item: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    repeat: usize,
}

#[derive(Default)]
struct Walk {
    builder: Builder,
    /// Paragraphs inside paragraphs: text boxes and notes.
    open: Vec<Open>,
    /// Inner paragraphs, which come after the outer one.
    later: Vec<Open>,
    lists: Vec<List>,
    tables: Vec<Table>,
    ordered_styles: HashSet<String>,
    list_style: String,
    in_title: bool,
    pages: u32,
    /// Depth inside an element that is left out.
    skipped: usize,
}

/// Comments, deleted text, speaker's notes, form labels, footnote numbers.
const LEFT_OUT: &[&[u8]] = &[b"annotation", b"tracked-changes", b"notes", b"forms", b"note-citation"];

impl Walk {
    fn start(&mut self, tag: &BytesStart) {
        let name = tag.local_name();
        let described = matches!(tag.name().as_ref(), b"svg:title" | b"svg:desc");
        if self.skipped > 0 || described || LEFT_OUT.contains(&name.as_ref()) {
            self.skipped += 1;
            return;
        }
        match name.as_ref() {
            b"list-style" => self.list_style = attribute(tag, b"name").unwrap_or_default(),
            b"list-level-style-number" if attribute(tag, b"level").as_deref() == Some("1") => {
                self.ordered_styles.insert(self.list_style.clone());
            }
            b"page" => {
                self.pages += 1;
                self.builder.start_page(self.pages);
            }
            b"frame" => self.in_title = attribute(tag, b"class").as_deref() == Some("title"),
            b"p" => self.paragraph(),
            b"h" => {
                let level = attribute(tag, b"outline-level").and_then(|level| level.parse().ok()).unwrap_or(1);
                self.open.push(Open { kind: BlockKind::Heading(level.clamp(1, 6)), marker: String::new(), text: String::new() });
            }
            b"list" => self.list(tag),
            b"list-item" => {
                if let Some(list) = self.lists.last_mut() {
                    list.items += 1;
                    list.at_item = true;
                }
            }
            b"table" => self.tables.push(Table::default()),
            b"table-row" => {
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            b"table-cell" | b"covered-table-cell" => self.cell(tag),
            b"s" => {
                let count = attribute(tag, b"c").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
                self.text(&" ".repeat(count.min(MOST_REPEATED)));
            }
            b"tab" | b"line-break" => self.text(" "),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match name {
            b"p" | b"h" => {
                let Some(closed) = self.open.pop() else { return };
                if !self.open.is_empty() {
                    return self.later.push(closed);
                }
                self.emit(&closed);
                for inner in std::mem::take(&mut self.later) {
                    self.emit(&inner);
                }
            }
            b"frame" => self.in_title = false,
            b"list" => {
                self.lists.pop();
            }
            b"table-cell" => self.repeat_cell(),
            b"table" => {
                let Some(table) = self.tables.pop() else { return };
                let markdown = tables::markdown(&table.rows);
                match self.tables.is_empty() {
                    true => self.builder.push(BlockKind::Table, &markdown),
                    false => self.append_to_cell(&markdown),
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped == 0
            && let Some(open) = self.open.last_mut()
        {
            open.text.push_str(text);
        }
    }

    /// `&amp;` and its like, and numbers of characters; entities that a file defines itself are not followed.
    fn reference(&mut self, reference: &quick_xml::events::BytesRef) {
        let number = reference.resolve_char_ref().ok().flatten();
        let name = reference.decode().unwrap_or_default();
        match (number, name.as_ref()) {
            (Some(character), _) => self.text(character.encode_utf8(&mut [0; 4])),
            (None, "amp") => self.text("&"),
            (None, "lt") => self.text("<"),
            (None, "gt") => self.text(">"),
            (None, "quot") => self.text("\""),
            (None, "apos") => self.text("'"),
            _ => {}
        }
    }

    fn paragraph(&mut self) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
        let at_item = self.lists.last_mut().filter(|list| list.at_item);
        let (kind, marker) = match at_item {
            Some(list) => {
                list.at_item = false;
                let mark = if list.ordered { format!("{}.", list.items) } else { "-".to_string() };
                (BlockKind::ListItem, format!("{indent}{mark} "))
            }
            None if self.in_title => (BlockKind::Heading(1), String::new()),
            None => (BlockKind::Paragraph, String::new()),
        };
        self.open.push(Open { kind, marker, text: String::new() });
    }

    fn list(&mut self, tag: &BytesStart) {
        let style = attribute(tag, b"style-name");
        let inherited = self.lists.last().is_some_and(|list| list.ordered);
        let ordered = style.map_or(inherited, |style| self.ordered_styles.contains(&style));
        self.lists.push(List { ordered, items: 0, at_item: false });
    }

    fn cell(&mut self, tag: &BytesStart) {
        let repeat = attribute(tag, b"number-columns-repeated").and_then(|count| count.parse().ok()).unwrap_or(1);
        if let Some(table) = self.tables.last_mut() {
            table.repeat = repeat;
            if let Some(row) = table.rows.last_mut() {
                row.push(String::new());
            }
        }
    }

    fn repeat_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        let times = std::mem::take(&mut table.repeat).clamp(1, MOST_REPEATED) - 1;
        if let Some(row) = table.rows.last_mut() {
            let cell = row.last().cloned().unwrap_or_default();
            row.extend(std::iter::repeat_n(cell, times));
        }
    }

    fn append_to_cell(&mut self, text: &str) {
        let cell = self.tables.last_mut().and_then(|table| table.rows.last_mut()).and_then(|row| row.last_mut());
        if let Some(cell) = cell {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(text);
        }
    }

    fn emit(&mut self, block: &Open) {
        let text = block.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return;
        }
        let text = format!("{}{text}", block.marker);
        match self.tables.is_empty() {
            true => self.builder.push(block.kind, &text),
            false => self.append_to_cell(&text),
        }
    }
}

fn attribute(tag: &BytesStart, name: &[u8]) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}
