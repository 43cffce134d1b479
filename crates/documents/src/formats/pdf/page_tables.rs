//! Tables of a page, as far as lines and columns give them away. A finding that would lose text is not taken.

use pdf_oxide::document::PdfDocument;
use pdf_oxide::layout::TextSpan;

use super::lines::Run;
use crate::formats::tables;

/// A table and its place.
pub struct PageTable {
    pub markdown: String,
    pub top: f32,
    left: f32,
    right: f32,
    bottom: f32,
}

impl PageTable {
    /// Whether the run's middle lies in the table.
    pub fn holds(&self, run: &Run) -> bool {
        let (x, y) = ((run.left + run.right) / 2.0, run.bottom + 0.3 * run.size);
        x >= self.left && x <= self.right && y >= self.bottom && y <= self.top
    }
}

/// The tables that the library finds and that hold all the text of their place.
pub fn find(pdf: &PdfDocument, index: usize, spans: &[TextSpan]) -> Vec<PageTable> {
    let Ok(found) = pdf.extract_tables(index) else { return Vec::new() };
    let runs = super::lines::runs(spans);
    let candidates = found.iter().filter_map(|table| {
        let bbox = table.bbox?;
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .map(|row| {
                let cells = row.cells.iter().flat_map(|cell| {
                    let columns = (cell.colspan.clamp(1, 100) - 1) as usize;
                    std::iter::once(cell.text.clone()).chain(std::iter::repeat_n(String::new(), columns))
                });
                cells.collect()
            })
            .collect();
        let place = PageTable {
            markdown: String::new(),
            top: bbox.y + bbox.height + 1.0,
            left: bbox.x - 1.0,
            right: bbox.x + bbox.width + 1.0,
            bottom: bbox.y - 1.0,
        };
        let inside: usize = runs.iter().filter(|run| place.holds(run)).map(|run| letters(&run.text)).sum();
        let kept: usize = rows.iter().flatten().map(|cell| letters(cell)).sum();
        let complete = inside > 0 && kept * 100 >= inside * 97 && kept * 100 <= inside * 103;
        (complete && is_plausible(&rows)).then(|| PageTable { markdown: tables::markdown(&rows), ..place })
    });
    candidates.collect()
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// At least two rows and columns, most cells filled, and cells no longer than a sentence or two.
fn is_plausible(rows: &[Vec<String>]) -> bool {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    if rows.len() < 2 || !(2..=40).contains(&columns) {
        return false;
    }
    let filled = rows.iter().flatten().filter(|cell| !cell.trim().is_empty()).count();
    let characters: usize = rows.iter().flatten().map(|cell| letters(cell)).sum();
    filled * 10 >= rows.len() * columns * 5 && characters <= filled * 150
}
