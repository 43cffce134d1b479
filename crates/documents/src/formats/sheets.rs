//! The cells of a workbook's sheets as tables: one table for each run of rows without an empty one.

use std::collections::{BTreeMap, BTreeSet};

use calamine::{Cell, Data, DataType, Dimensions, Range};

use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::tables;

/// A merged region is not written out further than this.
const MOST_MERGED: u32 = 10_000;

/// An area with more places must have a cell in one of four.
const MOST_SPARSE: usize = 4_000_000;

/// The area that the cells lie in. Where a few cells far apart would make it immense, they are moved together, which loses
/// only empty rows and columns; the second value says so. `None`: that does not help either.
pub fn area(mut cells: Vec<Cell<Data>>) -> Option<(Range<Data>, bool)> {
    let bearable = |cells: &[Cell<Data>]| {
        let (rows, columns) =
            (cells.iter().map(|cell| cell.get_position().0), cells.iter().map(|cell| cell.get_position().1));
        let length =
            |low: Option<u32>, high: Option<u32>| (high.unwrap_or(0) - low.unwrap_or(0)) as usize + 1;
        let height = length(rows.clone().min(), rows.max());
        let width = length(columns.clone().min(), columns.max());
        height.saturating_mul(width) <= MOST_SPARSE.max(cells.len() * 4)
    };
    let moved = !bearable(&cells);
    if moved {
        let columns: BTreeSet<u32> = cells.iter().map(|cell| cell.get_position().1).collect();
        let columns: BTreeMap<u32, u32> = columns.into_iter().zip(0..).collect();
        let (mut rows, mut place, mut last) = (BTreeMap::new(), 0, None);
        for row in cells.iter().map(|cell| cell.get_position().0).collect::<BTreeSet<u32>>() {
            // An empty row parts two tables.
            place += last.map_or(0, |last| if row == last + 1 { 1 } else { 2 });
            rows.insert(row, place);
            last = Some(row);
        }
        for cell in &mut cells {
            let (row, column) = cell.get_position();
            *cell = Cell::new((rows[&row], columns[&column]), cell.get_value().clone());
        }
        if !bearable(&cells) {
            return None;
        }
    }
    Some((Range::from_sparse(cells), moved))
}

/// Pushes a sheet: its name as a heading, its tables, single cells as paragraphs. `number` is from 1.
pub fn push(builder: &mut Builder, number: u32, name: &str, cells: &Range<Data>, merged: &[Dimensions]) {
    builder.start_page(number);
    let mut rows: Vec<Vec<String>> = cells.rows().map(|row| row.iter().map(words).collect()).collect();
    fill_merged(&mut rows, cells.start().unwrap_or((0, 0)), merged);
    if rows.iter().flatten().any(|cell| !cell.is_empty()) {
        builder.push(BlockKind::Heading(1), name);
    }
    for part in rows.split(|row| row.iter().all(String::is_empty)) {
        let used: Vec<usize> = (0..part.first().map_or(0, Vec::len))
            .filter(|column| part.iter().any(|row| !row[*column].is_empty()))
            .collect();
        let table: Vec<Vec<String>> =
            part.iter().map(|row| used.iter().map(|column| row[*column].clone()).collect()).collect();
        let kind = if used.len() < 2 && part.len() < 2 { BlockKind::Paragraph } else { BlockKind::Table };
        builder.push(kind, &tables::markdown(&table));
    }
}

fn words(cell: &Data) -> String {
    let text = match cell {
        Data::Empty => String::new(),
        Data::DateTime(moment) if moment.is_datetime() => cell.as_datetime().map_or_else(
            || cell.to_string(),
            |at| {
                let text = at.to_string();
                text.strip_suffix(" 00:00:00").map_or(text.clone(), str::to_string)
            },
        ),
        _ => cell.to_string(),
    };
    text.trim().to_string()
}

/// A merged cell says in each of its places what it says, unless it has its rows for itself (a title).
fn fill_merged(rows: &mut [Vec<String>], start: (u32, u32), merged: &[Dimensions]) {
    for region in merged {
        let area = |from: u32, to: u32| u64::from(to.saturating_sub(from)) + 1;
        let size = area(region.start.0, region.end.0).saturating_mul(area(region.start.1, region.end.1));
        let inside = region.start.0 >= start.0 && region.start.1 >= start.1;
        if size > u64::from(MOST_MERGED) || !inside {
            continue;
        }
        let (top, left) = ((region.start.0 - start.0) as usize, (region.start.1 - start.1) as usize);
        let (bottom, right) =
            ((region.end.0 - start.0) as usize, region.end.1.saturating_sub(start.1) as usize);
        let Some(text) = rows.get(top).and_then(|row| row.get(left)).filter(|text| !text.is_empty()).cloned()
        else {
            continue;
        };
        for row in rows.iter_mut().take(bottom + 1).skip(top) {
            let others = row
                .iter()
                .enumerate()
                .any(|(column, cell)| !cell.is_empty() && !(left..=right).contains(&column));
            if others {
                row.iter_mut().take(right + 1).skip(left).for_each(|cell| cell.clone_from(&text));
            }
        }
    }
}
