//! Lines to blocks: headings by font and number, list items by their mark, rows that stand under each other as
//! tables, and the other lines joined to paragraphs.

use super::lines::Line;
use super::measures::{Measures, number_depth, starts_item};
use super::{Element, PageElements};
use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::tables;

/// Pushes the blocks of all pages.
pub fn build(pages: &[PageElements], builder: &mut Builder) {
    let measures = Measures::of(pages);
    for (index, page) in pages.iter().enumerate() {
        builder.start_page(u32::try_from(index + 1).unwrap_or(u32::MAX));
        PageLayout { page, measures: &measures, builder: &mut *builder, open: None }.run();
    }
}

/// A block whose lines are still coming.
struct Open<'a> {
    kind: BlockKind,
    text: String,
    first: &'a Line,
    last: &'a Line,
    right: f32,
    /// It goes on with the block before it, which the end of a page or column cut.
    continues: bool,
}

struct PageLayout<'a, 'b> {
    page: &'a PageElements,
    measures: &'a Measures,
    builder: &'b mut Builder,
    open: Option<Open<'a>>,
}

impl<'a> PageLayout<'a, '_> {
    fn run(mut self) {
        let elements = &self.page.elements;
        let mut index = 0;
        while index < elements.len() {
            let line = match &elements[index] {
                Element::Table(markdown) => {
                    self.flush();
                    self.builder.push(BlockKind::Table, markdown);
                    index += 1;
                    continue;
                }
                Element::Line(line) => line,
            };
            let rows = aligned_rows(&elements[index..]);
            if !rows.is_empty() {
                self.flush();
                index += rows.len();
                self.builder.push(BlockKind::Table, &tables::markdown(&rows));
                continue;
            }
            let (before, after) = (neighbour(elements, index, -1), neighbour(elements, index, 1));
            self.line(line, before, after);
            index += 1;
        }
        self.flush();
    }

    fn line(&mut self, line: &'a Line, before: Option<&Line>, after: Option<&Line>) {
        let kind = self.kind(line, before, after);
        if let Some(open) = &mut self.open
            && joins(open, kind, line, self.measures)
        {
            match open.kind {
                BlockKind::Code => open.text.push_str(&format!("\n{}", indented(open.first, line))),
                _ => self.measures.append(&mut open.text, &line.text),
            }
            open.last = line;
            open.right = open.right.max(line.right);
            return;
        }
        self.flush();
        let continues = kind == BlockKind::Paragraph && self.goes_on(line);
        let text = match kind {
            BlockKind::ListItem => marked(&line.text),
            _ => line.text.clone(),
        };
        self.open = Some(Open { kind, text, first: line, last: line, right: line.right, continues });
    }

    fn kind(&self, line: &Line, before: Option<&Line>, after: Option<&Line>) -> BlockKind {
        if let Some(level) = self.measures.heading_level(line, before, after) {
            return BlockKind::Heading(level);
        }
        if starts_item(&line.text) {
            return BlockKind::ListItem;
        }
        if line.monospace && !self.measures.body_is_monospace {
            return BlockKind::Code;
        }
        BlockKind::Paragraph
    }

    /// Whether a line at the top of a page or column goes on with the sentence that the last block left open.
    fn goes_on(&self, line: &Line) -> bool {
        let text_before = self.builder.text();
        let open_sentence = !text_before.ends_with(['.', '!', '?', ':', '"', '”', '»']);
        matches!(self.builder.last_kind(), Some(BlockKind::Paragraph | BlockKind::ListItem))
            && line.text.starts_with(char::is_lowercase)
            && open_sentence
    }

    fn flush(&mut self) {
        let Some(open) = self.open.take() else { return };
        if !open.continues {
            return self.builder.push(open.kind, &open.text);
        }
        let divided = self.measures.is_divided(self.builder.text(), &open.text);
        if divided {
            self.builder.drop_last_hyphen();
        }
        self.builder.continue_last(&open.text, if divided { "" } else { " " });
    }
}

fn neighbour(elements: &[Element], index: usize, step: isize) -> Option<&Line> {
    match elements.get(index.checked_add_signed(step)?)? {
        Element::Line(line) => Some(line),
        Element::Table(_) => None,
    }
}

/// Whether `line` belongs to the open block.
fn joins(open: &Open, kind: BlockKind, line: &Line, measures: &Measures) -> bool {
    let last = open.last;
    let near = measures.is_next_line(last, line);
    match (open.kind, kind) {
        (BlockKind::Heading(a), BlockKind::Heading(b)) => a == b && near && number_depth(&line.text).is_none(),
        (BlockKind::Code, BlockKind::Code) => near,
        (BlockKind::ListItem, BlockKind::Paragraph) => {
            let hanging = line.left > open.first.left + 0.5 * line.size;
            let same_edge = line.left >= open.first.left - 0.5 * line.size;
            near && (hanging || same_edge && line.text.starts_with(char::is_lowercase))
        }
        (BlockKind::Paragraph, BlockKind::Paragraph) => near && !is_new_paragraph(open, line),
        _ => false,
    }
}

/// The line before ended a sentence, and stopped short or this one is indented.
fn is_new_paragraph(open: &Open, line: &Line) -> bool {
    let ended = open.last.text.ends_with(['.', '!', '?', ':', '”', '"', '»', ')']);
    let width = (open.right.max(line.right) - open.first.left.min(line.left)).max(1.0);
    let short = open.last.right < open.right.max(line.right) - 0.2 * width;
    let indented = line.left > open.last.left + line.size;
    ended && (short || indented) && !line.text.starts_with(char::is_lowercase)
}

/// `- ` for whatever sign stands before an item; numbers stay.
fn marked(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !first.is_alphanumeric() && first != '(' => format!("- {}", characters.as_str().trim_start()),
        _ => text.to_string(),
    }
}

/// A line of code with the spaces that its place means.
fn indented(first: &Line, line: &Line) -> String {
    let columns = ((line.left - first.left) / (0.6 * line.size)).round().clamp(0.0, 80.0);
    format!("{}{}", " ".repeat(columns as usize), line.text)
}

/// The cells of the rows at the beginning of `elements` whose pieces stand under each other: three rows or
/// more, or two of three columns or more.
fn aligned_rows(elements: &[Element]) -> Vec<Vec<String>> {
    let lines = elements.iter().map_while(|element| match element {
        Element::Line(line) if line.segments.len() >= 2 && !is_mark(&line.segments[0].1) => Some(line),
        _ => None,
    });
    let mut rows: Vec<&Line> = Vec::new();
    for line in lines {
        if rows.last().is_some_and(|last| !is_aligned(last, line)) {
            break;
        }
        rows.push(line);
    }
    let columns = rows.first().map_or(0, |line| line.segments.len());
    if rows.len() < 2 || columns == 2 && rows.len() < 3 {
        return Vec::new();
    }
    rows.iter().map(|line| line.segments.iter().map(|(_, text)| text.clone()).collect()).collect()
}

/// An item's mark, which often stands apart from the item.
fn is_mark(text: &str) -> bool {
    text.chars().count() <= 4 && (text.chars().all(|c| !c.is_alphanumeric()) || starts_item(&format!("{text} A")))
}

fn is_aligned(a: &Line, b: &Line) -> bool {
    let close = |(a, b): (&(f32, String), &(f32, String))| (a.0 - b.0).abs() < 4.0;
    a.segments.len() == b.segments.len()
        && a.segments.iter().zip(&b.segments).all(close)
        && (a.bottom - b.bottom).abs() < 4.0 * a.size
}
