//! The cells of a workbook's sheets as tables: one table for each run of rows without an empty one.

use calamine::{Data, DataType, Dimensions, Range};

use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::tables;

/// A merged region is not written out further than this.
const MOST_MERGED: u32 = 10_000;

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
