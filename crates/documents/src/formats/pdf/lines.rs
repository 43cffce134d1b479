//! Runs of text at places to lines.

use pdf_oxide::layout::{FontWeight, TextSpan};

use super::Element;
use super::page_tables::PageTable;
use super::table_text::Piece;

/// A gap wider than this, in font sizes, parts a line.
const WIDE_GAP: f32 = 0.9;

/// A run of text in one font. Points; y grows upwards.
#[derive(Debug, Clone)]
pub struct Run {
    pub text: String,
    pub left: f32,
    pub right: f32,
    /// Near the baseline.
    pub bottom: f32,
    pub size: f32,
    pub bold: bool,
    pub monospace: bool,
}

/// A line: its runs joined.
#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    pub left: f32,
    pub right: f32,
    pub bottom: f32,
    /// The font size of most of its characters.
    pub size: f32,
    /// All of it is bold.
    pub bold: bool,
    /// All of it is in a font of fixed width.
    pub monospace: bool,
    /// Its pieces between wide gaps.
    pub segments: Vec<Piece>,
}

/// The runs that can be read.
pub fn runs(spans: &[TextSpan]) -> Vec<Run> {
    let finite = |span: &&TextSpan| {
        [span.bbox.x, span.bbox.y, span.bbox.width, span.bbox.height, span.font_size]
            .iter()
            .all(|n| n.is_finite())
    };
    let readable = spans.iter().filter(finite).filter(|span| !span.text.trim().is_empty());
    readable
        .map(|span| Run {
            text: span.text.clone(),
            left: span.bbox.x,
            right: span.bbox.x + span.bbox.width,
            bottom: span.bbox.y,
            size: span.font_size.abs().max(1.0),
            bold: matches!(span.font_weight, FontWeight::Bold | FontWeight::ExtraBold | FontWeight::Black)
                || span.font_name.to_ascii_lowercase().contains("bold"),
            monospace: span.is_monospace || span.font_name.to_ascii_lowercase().contains("courier"),
        })
        .collect()
}

/// Whether the page is set in two columns of running text: many long lines begin at one place near the middle,
/// many on the left end before it, and hardly any goes across. Widths may be a little wrong in files whose fonts do
/// not tell them, and the columns' lines need not stand at the same heights.
pub fn has_columns(runs: &[Run], tables: &[PageTable]) -> bool {
    const LONG: usize = 25;
    const LEAST: usize = 8;
    let outside = runs.iter().filter(|run| !tables.iter().any(|table| table.holds(run)));
    let long: Vec<&Run> = outside.filter(|run| run.text.trim().chars().count() >= LONG).collect();
    let left = long.iter().map(|run| run.left).fold(f32::INFINITY, f32::min);
    let right = long.iter().map(|run| run.right).fold(f32::NEG_INFINITY, f32::max);
    let width = right - left;
    if long.len() < 2 * LEAST || !width.is_finite() {
        return false;
    }
    let middle = long.iter().map(|run| run.left).filter(|x| (0.35..0.65).contains(&((x - left) / width)));
    let begin_at = |place: f32| long.iter().filter(|run| (run.left - place).abs() < 3.0).count();
    let Some((count, place)) = middle.map(|x| (begin_at(x), x)).max_by_key(|(count, _)| *count) else {
        return false;
    };
    let before =
        long.iter().filter(|run| run.left < place - 0.2 * width && run.right < place + 0.06 * width).count();
    let across =
        long.iter().filter(|run| run.left < place - 0.1 * width && run.right > place + 0.1 * width).count();
    count >= LEAST && before >= LEAST && across * 5 <= count + before
}

/// Lines of a page in one column, by height.
pub fn top_to_bottom(runs: &[Run], tables: &[PageTable]) -> Vec<Element> {
    let mut placed: Vec<(f32, Element)> =
        tables.iter().map(|table| (table.top, Element::Table(table.markdown.clone()))).collect();
    let outside: Vec<Run> =
        runs.iter().filter(|run| !tables.iter().any(|table| table.holds(run))).cloned().collect();
    placed.extend(rows(&outside).iter().map(|row| {
        let line = join(row);
        (line.bottom, Element::Line(line))
    }));
    placed.sort_by(|a, b| b.0.total_cmp(&a.0));
    placed.into_iter().map(|(_, element)| element).collect()
}

/// Lines in the order in which their runs come; a table stands where its first run stood.
pub fn in_given_order(runs: &[Run], tables: &[PageTable]) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut written = vec![false; tables.len()];
    let mut row: Vec<&Run> = Vec::new();
    for run in runs {
        if let Some(index) = tables.iter().position(|table| table.holds(run)) {
            if !std::mem::replace(&mut written[index], true) {
                flush(&mut row, &mut elements);
                elements.push(Element::Table(tables[index].markdown.clone()));
            }
            continue;
        }
        let same_line = row.last().is_some_and(|last| on_one_line(last, run) && run.left >= last.left);
        if !same_line {
            flush(&mut row, &mut elements);
        }
        row.push(run);
    }
    flush(&mut row, &mut elements);
    elements
}

fn flush(row: &mut Vec<&Run>, elements: &mut Vec<Element>) {
    if !row.is_empty() {
        elements.push(Element::Line(join(row)));
        row.clear();
    }
}

fn on_one_line(a: &Run, b: &Run) -> bool {
    (a.bottom - b.bottom).abs() < 0.5 * a.size.min(b.size).max(0.6 * a.size.max(b.size))
}

/// Runs of the same height together, from the top, each row from the left.
fn rows(runs: &[Run]) -> Vec<Vec<&Run>> {
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| b.bottom.total_cmp(&a.bottom).then(a.left.total_cmp(&b.left)));
    let mut rows: Vec<Vec<&Run>> = Vec::new();
    for run in sorted {
        match rows.last_mut() {
            Some(row) if on_one_line(largest(row), run) => row.push(run),
            _ => rows.push(vec![run]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    rows
}

/// A row's tallest run stands on its baseline (small ones may be raised or lowered).
fn largest<'a>(row: &[&'a Run]) -> &'a Run {
    row.iter().skip(1).fold(row[0], |best, run| if run.size > best.size { run } else { best })
}

/// One line out of the runs of a row, spaces where there are gaps.
fn join(row: &[&Run]) -> Line {
    let mut segments: Vec<Piece> = Vec::new();
    let mut right = f32::NEG_INFINITY;
    for run in row {
        let gap = run.left - right;
        match segments.last_mut() {
            Some(piece) if gap <= WIDE_GAP * run.size => {
                if gap > 0.15 * run.size && !piece.text.ends_with(' ') && !run.text.starts_with(' ') {
                    piece.text.push(' ');
                }
                piece.text.push_str(&run.text);
                piece.right = piece.right.max(run.right);
            }
            _ => segments.push(Piece {
                text: run.text.clone(),
                left: run.left,
                right: run.right,
                bottom: run.bottom,
                size: run.size,
            }),
        }
        right = right.max(run.right);
    }
    for piece in &mut segments {
        piece.text = clean(&piece.text);
    }
    segments.retain(|piece| !piece.text.is_empty());
    let tallest = largest(row);
    Line {
        text: segments.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" "),
        left: row[0].left,
        right,
        bottom: tallest.bottom,
        size: common_size(row),
        bold: row.iter().all(|run| run.bold || run.text.trim().chars().all(|c| !c.is_alphanumeric())),
        monospace: row.iter().all(|run| run.monospace),
        segments,
    }
}

fn common_size(row: &[&Run]) -> f32 {
    let longest = row.iter().max_by_key(|run| run.text.chars().count());
    longest.map_or(1.0, |run| run.size)
}

/// Ligatures apart, white space single, no control characters. Unused codes of WinAnsiEncoding mean a bullet
/// (ISO 32000-1, annex D.2), which writers use for 127.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            '\u{7F}' => out.push('•'),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
