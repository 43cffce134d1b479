//! Lines to blocks: headings by font and number, list items by their mark, rows that stand under each other as
//! tables, and the other lines joined to paragraphs.

use super::lines::Line;
use super::measures::{Measures, joiner, number_depth, starts_item};
use super::table_text::{self, Piece};
use super::{Element, PageElements};
use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::tables;

/// Pushes the blocks of all pages.
pub fn build(pages: &[PageElements], builder: &mut Builder) {
    let measures = Measures::of(pages);
    let mut cut_off = false;
    for (index, page) in pages.iter().enumerate() {
        builder.start_page(u32::try_from(index + 1).unwrap_or(u32::MAX));
        let right = page_right(page);
        let mut layout =
            PageLayout { page, right, measures: &measures, builder: &mut *builder, open: None, cut_off };
        layout.run();
        cut_off = layout.cut_off;
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
    /// Where its longest line ends.
    right: f32,
    measures: &'a Measures,
    builder: &'b mut Builder,
    open: Option<Open<'a>>,
    /// The last line of the last block is full and ends no sentence.
    cut_off: bool,
}

impl<'a> PageLayout<'a, '_> {
    fn run(&mut self) {
        let elements = &self.page.elements;
        let mut index = 0;
        while index < elements.len() {
            let line = match &elements[index] {
                Element::Table(markdown) => {
                    self.flush();
                    self.cut_off = false;
                    self.builder.push(BlockKind::Table, markdown);
                    index += 1;
                    continue;
                }
                Element::Line(line) => line,
            };
            if let Some((count, rows)) = unruled_table(&elements[index..], self.measures) {
                self.flush();
                index += count;
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
        let running = matches!(self.builder.last_kind(), Some(BlockKind::Paragraph | BlockKind::ListItem));
        let open_sentence = !ends_sentence(self.builder.text());
        running && open_sentence && (self.cut_off || line.text.starts_with(char::is_lowercase))
    }

    fn flush(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.cut_off =
            !ends_sentence(&open.text) && open.last.right > self.right - 0.15 * (self.right - open.last.left);
        if !open.continues {
            return self.builder.push(open.kind, &open.text);
        }
        let divided = self.measures.is_divided(self.builder.text(), &open.text);
        if divided {
            self.builder.drop_last_hyphen();
        }
        let between = if divided { "" } else { joiner(self.builder.text(), &open.text) };
        self.builder.continue_last(&open.text, between);
    }
}

fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', ':', ';', '"', '”', '»'])
}

fn page_right(page: &PageElements) -> f32 {
    let rights = page.elements.iter().filter_map(|element| match element {
        Element::Line(line) => Some(line.right),
        Element::Table(_) => None,
    });
    rights.fold(f32::NEG_INFINITY, f32::max)
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
        (BlockKind::Heading(a), BlockKind::Heading(b)) => {
            a == b && near && number_depth(&line.text).is_none()
        }
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
        Some(first) if !first.is_alphanumeric() && first != '(' => {
            format!("- {}", characters.as_str().trim_start())
        }
        _ => text.to_string(),
    }
}

/// A line of code with the spaces that its place means.
fn indented(first: &Line, line: &Line) -> String {
    let columns = ((line.left - first.left) / (0.6 * line.size)).round().clamp(0.0, 80.0);
    format!("{}{}", " ".repeat(columns as usize), line.text)
}

/// A table without rules at the beginning of `elements`: how many lines, and its rows. Three rows or more,
/// or two of three columns or more, whose pieces stand under each other.
fn unruled_table(elements: &[Element], measures: &Measures) -> Option<(usize, Vec<Vec<String>>)> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    let mut whole = 0;
    let mut taken = 0;
    let mut columns = Vec::new();
    for element in elements {
        let Element::Line(line) = element else { break };
        let code = line.monospace && !measures.body_is_monospace;
        if code
            || line.segments.is_empty()
            || is_mark(&line.segments[0].text)
            || line.segments.len() < 2 && lines.is_empty()
        {
            break;
        }
        let far = lines.last().is_some_and(|last| last[0].bottom - line.bottom > 3.0 * line.size);
        lines.push(line.segments.clone());
        let found = table_text::columns(&lines).unwrap_or_default();
        let most = lines.iter().map(Vec::len).max().unwrap_or(0);
        // A single piece only goes on with a cell behind the first column.
        let alone = line.segments.len() == 1;
        let goes_on = !alone || columns.first().is_some_and(|first: &(f32, f32)| line.left > first.1);
        if far || found.len() < most.max(2) || !goes_on {
            break;
        }
        columns = found;
        taken += 1;
        whole += usize::from(!alone);
    }
    lines.truncate(taken);
    if whole < 2 || columns.len() == 2 && whole < 3 {
        return None;
    }
    let rows = table_text::rows(&lines, &columns);
    let characters: usize = rows.iter().flatten().map(|cell| cell.chars().count()).sum();
    let short = characters <= 60 * rows.len() * columns.len();
    (short && table_text::is_plausible(&rows)).then_some((taken, rows))
}

/// An item's mark, which often stands apart from the item.
fn is_mark(text: &str) -> bool {
    text.chars().count() <= 4
        && (text.chars().all(|c| !c.is_alphanumeric()) || starts_item(&format!("{text} A")))
}
