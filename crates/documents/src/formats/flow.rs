//! Marked-up text as it comes (tags and words, in order) to blocks: for the readers that walk a file of markup.

use std::collections::BTreeMap;

use crate::builder::Builder;
use crate::document::{BlockKind, Document};
use crate::formats::{Format, tables};

/// A cell that says it spans more columns or rows is believed up to here.
const MOST_SPANNED: usize = 100;
/// A table that repeats itself into more cells, or into more bytes of text, is not followed any further.
const MOST_CELLS: usize = 1_000_000;
const MOST_REPEATED_BYTES: usize = 16 << 20;
/// Cells beyond this column are not repeated.
const MOST_COLUMNS: usize = 1000;
/// Tables and lists inside each other are followed to this depth; what is deeper flows into the last one.
const DEEPEST: usize = 50;

/// A block whose words are still coming.
struct Open {
    kind: BlockKind,
    marker: String,
    text: String,
}

struct List {
    ordered: bool,
    items: usize,
    /// No block of the current item has come yet.
    at_item: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    /// Cells that came of others by spanning, and bytes of their text.
    repeated: usize,
    repeated_bytes: usize,
    in_row: bool,
    /// Columns and rows of the open cell.
    span: Option<(usize, usize)>,
    /// Cells that reach down into the next rows: column to rows left and text.
    carried: BTreeMap<usize, (usize, String)>,
}

impl Table {
    fn is_repeated_enough(&self) -> bool {
        self.repeated >= MOST_CELLS || self.repeated_bytes >= MOST_REPEATED_BYTES
    }

    /// Puts cells that reach down from above where the row has come to them.
    fn carry(&mut self) {
        if self.is_repeated_enough() {
            self.carried.clear();
        }
        let Some(row) = self.rows.last_mut() else { return };
        while row.len() < MOST_COLUMNS
            && let Some((left, text)) = self.carried.get_mut(&row.len())
        {
            let column = row.len();
            self.repeated += 1;
            self.repeated_bytes += text.len();
            row.push(text.clone());
            *left -= 1;
            if *left == 0 {
                self.carried.remove(&column);
            }
        }
    }
}

/// Grows a document out of tags and words.
#[derive(Default)]
pub struct Flow {
    pub builder: Builder,
    /// Blocks inside blocks: text boxes and notes inside a paragraph.
    open: Vec<Open>,
    /// Inner blocks, which come after the outer one.
    later: Vec<Open>,
    lists: Vec<List>,
    tables: Vec<Table>,
}

impl Flow {
    /// Words. Outside of any block they begin one, unless they are white space only.
    pub fn text(&mut self, text: &str) {
        if self.open.is_empty() {
            if text.trim().is_empty() {
                return;
            }
            self.open(BlockKind::Paragraph);
        }
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
    }

    /// Begins a block; a paragraph at the beginning of a list's item is that item.
    pub fn open(&mut self, kind: BlockKind) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
        let at_item = self.lists.last_mut().filter(|list| list.at_item && kind == BlockKind::Paragraph);
        let (kind, marker) = match at_item {
            Some(list) => {
                list.at_item = false;
                let mark = if list.ordered { format!("{}.", list.items) } else { "-".to_string() };
                (BlockKind::ListItem, format!("{indent}{mark} "))
            }
            None => (kind, String::new()),
        };
        self.open.push(Open { kind, marker, text: String::new() });
    }

    /// What stands before the words of the innermost block.
    pub fn marker(&mut self, marker: &str) {
        if let Some(open) = self.open.last_mut() {
            open.marker = marker.to_string();
        }
    }

    /// Whether a block is open.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether words would go into preformatted text.
    pub fn in_code(&self) -> bool {
        self.open.last().is_some_and(|open| open.kind == BlockKind::Code)
    }

    /// Ends the innermost block.
    pub fn close(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        if !self.open.is_empty() {
            return self.later.push(closed);
        }
        self.emit(&closed);
        for inner in std::mem::take(&mut self.later) {
            self.emit(&inner);
        }
    }

    /// Ends all blocks.
    pub fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    pub fn start_list(&mut self, ordered: bool) {
        if self.lists.len() < DEEPEST {
            self.lists.push(List { ordered, items: 0, at_item: false });
        }
    }

    pub fn end_list(&mut self) {
        self.lists.pop();
    }

    /// Begins an item of the innermost list.
    pub fn item(&mut self) {
        if let Some(list) = self.lists.last_mut() {
            list.items += 1;
            list.at_item = true;
        }
    }

    /// Whether the innermost list is numbered.
    pub fn in_ordered_list(&self) -> bool {
        self.lists.last().is_some_and(|list| list.ordered)
    }

    pub fn start_table(&mut self) {
        if self.tables.len() < DEEPEST {
            self.tables.push(Table::default());
        }
    }

    pub fn in_table(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Whether a cell of the innermost table is open.
    pub fn in_cell(&self) -> bool {
        self.tables.last().is_some_and(|table| table.span.is_some())
    }

    pub fn start_row(&mut self) {
        self.end_row();
        if let Some(table) = self.tables.last_mut() {
            table.rows.push(Vec::new());
            table.in_row = true;
        }
    }

    pub fn end_row(&mut self) {
        self.end_cell();
        if let Some(table) = self.tables.last_mut()
            && std::mem::take(&mut table.in_row)
        {
            table.carry();
        }
    }

    /// Begins a cell; its text will stand in all columns and rows that it spans, so that each row and column
    /// says all that it means.
    pub fn start_cell(&mut self, columns: usize, rows: usize) {
        self.end_cell();
        if self.tables.last().is_some_and(|table| !table.in_row) {
            self.start_row();
        }
        if let Some(table) = self.tables.last_mut() {
            table.carry();
            table.span = Some((columns.clamp(1, MOST_SPANNED), rows.clamp(1, MOST_SPANNED)));
            if let Some(row) = table.rows.last_mut() {
                row.push(String::new());
            }
        }
    }

    /// A cell that says what the one above it says.
    pub fn cell_as_above(&mut self, columns: usize) {
        self.start_cell(columns, 1);
        let Some(table) = self.tables.last_mut() else { return };
        if let [.., above, row] = table.rows.as_mut_slice() {
            let text = above.get(row.len() - 1).cloned().unwrap_or_default();
            row.pop();
            row.push(text);
        }
    }

    pub fn end_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        let (Some((columns, down)), Some(row)) = (table.span.take(), table.rows.last_mut()) else { return };
        let Some(text) = row.last().cloned() else { return };
        let first = row.len() - 1;
        let too_wide = row.len() > MOST_COLUMNS;
        table.repeated += columns - 1;
        table.repeated_bytes = table.repeated_bytes.saturating_add((columns - 1).saturating_mul(text.len()));
        if too_wide || table.is_repeated_enough() {
            return;
        }
        let Some(row) = table.rows.last_mut() else { return };
        row.extend(std::iter::repeat_n(text.clone(), columns - 1));
        if down > 1 {
            for column in first..first + columns {
                table.carried.insert(column, (down - 1, text.clone()));
            }
        }
    }

    pub fn end_table(&mut self) {
        self.end_row();
        let Some(table) = self.tables.pop() else { return };
        if self.tables.is_empty() {
            return self.builder.push(BlockKind::Table, &tables::markdown(&table.rows));
        }
        let words: Vec<String> = table.rows.into_iter().flatten().collect();
        self.append_to_cell(&words.join(" "));
    }

    pub fn finish(mut self, format: Format) -> Document {
        self.close_all();
        while self.in_table() {
            self.end_table();
        }
        self.builder.finish(format)
    }

    /// Adds to the open cell; words of a table outside its cells (a caption) are a paragraph.
    fn append_to_cell(&mut self, text: &str) {
        let table = self.tables.last_mut().filter(|table| table.span.is_some());
        match table.and_then(|table| table.rows.last_mut()).and_then(|row| row.last_mut()) {
            Some(cell) => {
                if !cell.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(text);
            }
            None => self.builder.push(BlockKind::Paragraph, text),
        }
    }

    fn emit(&mut self, block: &Open) {
        if block.kind == BlockKind::Code && self.tables.is_empty() {
            return self.builder.push(BlockKind::Code, &block.text);
        }
        let words = block.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return;
        }
        let text = format!("{}{words}", block.marker);
        match self.tables.is_empty() {
            true => self.builder.push(block.kind, &text),
            false => self.append_to_cell(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fill_their_rows_and_columns() {
        let mut flow = Flow::default();
        flow.start_table();
        for row in
            [vec![("a", 1, 1), ("b", 2, 1)], vec![("c", 1, 2), ("d", 1, 1), ("e", 1, 1)], vec![("f", 2, 1)]]
        {
            flow.start_row();
            for (text, columns, rows) in row {
                flow.start_cell(columns, rows);
                flow.text(text);
                flow.close_all();
                flow.end_cell();
            }
            flow.end_row();
        }
        flow.end_table();
        let document = flow.finish(Format::Html);
        assert_eq!(document.text, "| a | b | b |\n| --- | --- | --- |\n| c | d | e |\n| c | f | f |");
    }
}
