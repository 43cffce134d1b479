//! Word documents (ECMA-376 WordprocessingML), event by event. Running headers and footers, deleted text and
//! pictures are left out; text boxes, footnotes and comments come along.

use quick_xml::events::BytesStart;

use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::docx_styles::{LEVELS, Numbered, Styles};
use crate::formats::flow::Flow;
use crate::formats::package::Package;
use crate::formats::xml::{self, Mark, attribute, number};
use crate::formats::{Format, Input, Reader};

pub static READER: Reader = Reader {
    format: Format::Docx,
    name: "Word (DOCX)",
    extensions: &["docx", "docm", "dotx"],
    media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    recognises: |input| {
        input.archive().is_some_and(|archive| archive.has("word/document.xml") || archive.has_folder("word/"))
    },
    read,
};

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut package = Package::open(input, Format::Docx)?;
    let main = package.relations("").into_values().find(|relation| relation.kind == "officeDocument");
    let main = main.map_or_else(|| "word/document.xml".to_string(), |relation| relation.part);
    let Some(text) = package.part(&main) else {
        return Err(input.damaged(Format::Docx, format!("{main} is missing or cannot be unpacked")));
    };
    let relations = package.relations(&main);
    let mut related = |kind: &str| {
        let part =
            relations.values().find(|relation| relation.kind == kind).map(|relation| relation.part.clone());
        part.and_then(|part| package.part(&part))
    };
    let styles = Styles::new(related("styles").as_deref(), related("numbering").as_deref());
    let mut walk = Walk::new(styles);
    xml::walk(&text, |mark| walk.visit(mark)).map_err(|reason| input.damaged(Format::Docx, reason))?;
    walk.flow.close_all();
    for kind in ["footnotes", "endnotes", "comments"] {
        if let Some(text) = related(kind) {
            // The document itself has been read; notes that are damaged are not worth losing it.
            let _ = xml::walk(&text, |mark| walk.visit(mark));
            walk.flow.close_all();
        }
    }
    Ok(walk.flow.finish(Format::Docx))
}

/// A paragraph, of which the properties come before the words.
#[derive(Default)]
struct Paragraph {
    style: String,
    outline: Option<usize>,
    list: Option<usize>,
    level: Option<usize>,
    opened: bool,
}

#[derive(Default)]
struct Cell {
    columns: usize,
    /// It goes on with the cell above.
    merged: bool,
    started: bool,
}

struct Walk {
    flow: Flow,
    styles: Styles,
    /// Paragraphs inside paragraphs: text boxes.
    paragraphs: Vec<Paragraph>,
    cells: Vec<Cell>,
    in_text: bool,
    in_run: bool,
    /// Words that stand before the next paragraph: who wrote a comment.
    preface: String,
    /// Depth inside an element that is left out.
    left_out: usize,
}

/// The copy of a drawing for old programs, text that was moved away, and the marks that part footnotes.
fn is_left_out(tag: &BytesStart) -> bool {
    match tag.local_name().as_ref() {
        b"Fallback" | b"moveFrom" | b"del" => true,
        b"footnote" | b"endnote" => attribute(tag, b"type").is_some_and(|kind| kind != "normal"),
        _ => false,
    }
}

impl Walk {
    fn new(styles: Styles) -> Self {
        Self {
            flow: Flow::default(),
            styles,
            paragraphs: Vec::new(),
            cells: Vec::new(),
            in_text: false,
            in_run: false,
            preface: String::new(),
            left_out: 0,
        }
    }

    fn visit(&mut self, mark: Mark) {
        match mark {
            Mark::Start(tag) if self.left_out > 0 || is_left_out(tag) => self.left_out += 1,
            Mark::End(_) if self.left_out > 0 => self.left_out -= 1,
            Mark::Start(tag) => self.start(tag),
            Mark::End(name) => self.end(name),
            Mark::Text(text) if self.in_text && self.left_out == 0 => self.words(text),
            Mark::Text(_) => {}
        }
    }

    fn start(&mut self, tag: &BytesStart) {
        let paragraph = self.paragraphs.last_mut();
        match (tag.local_name().as_ref(), paragraph) {
            (b"p", _) => {
                self.start_cell();
                self.paragraphs.push(Paragraph::default());
            }
            (b"pStyle", Some(paragraph)) => paragraph.style = attribute(tag, b"val").unwrap_or_default(),
            (b"outlineLvl", Some(paragraph)) => paragraph.outline = number(tag, b"val"),
            (b"numId", Some(paragraph)) => paragraph.list = number(tag, b"val"),
            (b"ilvl", Some(paragraph)) => paragraph.level = number(tag, b"val"),
            (b"r", _) => self.in_run = true,
            (b"t", _) => self.in_text = true,
            (b"tab" | b"br" | b"cr", _) if self.in_run => self.words(" "),
            (b"noBreakHyphen", _) if self.in_run => self.words("-"),
            (b"tbl", _) => self.flow.start_table(),
            (b"tr", _) => self.flow.start_row(),
            (b"tc", _) => self.cells.push(Cell { columns: 1, ..Cell::default() }),
            (b"gridSpan", _) => {
                if let Some(cell) = self.cells.last_mut() {
                    cell.columns = number(tag, b"val").unwrap_or(1);
                }
            }
            (b"vMerge", _) => {
                if let Some(cell) = self.cells.last_mut() {
                    cell.merged = attribute(tag, b"val").is_none_or(|value| value != "restart");
                }
            }
            (b"comment", _) => {
                let author = attribute(tag, b"author").unwrap_or_default();
                let time = attribute(tag, b"date").map_or(String::new(), |time| format!(", time: {time}"));
                self.preface = format!("[author: {author}{time}]: ");
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"p" => self.end_paragraph(),
            b"r" => self.in_run = false,
            b"t" => self.in_text = false,
            b"tc" => {
                self.start_cell();
                self.flow.end_cell();
                self.cells.pop();
            }
            b"tr" => self.flow.end_row(),
            b"tbl" => self.flow.end_table(),
            b"comment" => self.preface.clear(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        if self.paragraphs.pop().is_some_and(|paragraph| paragraph.opened) {
            self.flow.close();
        }
    }

    /// The cell's properties are known when its first paragraph begins.
    fn start_cell(&mut self) {
        let Some(cell) = self.cells.last_mut().filter(|cell| !cell.started) else { return };
        cell.started = true;
        match cell.merged {
            true => self.flow.cell_as_above(cell.columns),
            false => self.flow.start_cell(cell.columns, 1),
        }
    }

    fn words(&mut self, text: &str) {
        if self.paragraphs.last().is_some_and(|paragraph| !paragraph.opened) {
            if text.trim().is_empty() {
                return;
            }
            self.open();
        }
        self.flow.text(text);
    }

    fn open(&mut self) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        paragraph.opened = true;
        let outline = paragraph.outline.filter(|level| *level < LEVELS).map(|level| (level + 1).min(6) as u8);
        let heading = outline.or_else(|| self.styles.heading(&paragraph.style));
        let of_style = self.styles.numbering(&paragraph.style);
        let numbered = match paragraph.list {
            Some(0) => None,
            Some(list) => Some(Numbered { list, level: paragraph.level.unwrap_or(0).min(LEVELS - 1) }),
            None => of_style
                .map(|own| Numbered { level: paragraph.level.unwrap_or(own.level).min(LEVELS - 1), ..own }),
        };
        let mark = numbered.and_then(|numbered| self.styles.mark(numbered));
        match (heading, mark, numbered) {
            (Some(level), mark, _) => {
                self.flow.open(BlockKind::Heading(level));
                if let Some((mark, false)) = mark {
                    self.flow.text(&format!("{mark} "));
                }
            }
            (None, Some((mark, _)), Some(numbered)) => {
                self.flow.open(BlockKind::ListItem);
                self.flow.marker(&format!("{}{mark} ", "  ".repeat(numbered.level)));
            }
            _ => self.flow.open(BlockKind::Paragraph),
        }
        let preface = std::mem::take(&mut self.preface);
        self.flow.text(&preface);
    }
}
