//! Delimited text (RFC 4180 and its relatives) as one table. The delimiter is the one that gives rows of equal length.

use crate::builder::Builder;
use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader, tables};

pub static READER: Reader = Reader {
    format: Format::Csv,
    name: "table text (CSV)",
    extensions: &["csv", "tsv"],
    media_type: "text/csv",
    recognises,
    read,
};

const DELIMITERS: &[u8] = b"\t;|,";
const SAMPLE_ROWS: usize = 200;

fn recognises(input: &Input) -> bool {
    let Some(decoded) = input.decoded() else { return false };
    if matches!(&*input.extension(), "csv" | "tsv") {
        return true;
    }
    let (delimiter, width, regular) = best_delimiter(&decoded.text);
    let rows = decoded.text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_ROWS).count();
    let least_width = if delimiter == b',' { 3 } else { 2 };
    rows >= 3 && width >= least_width && regular >= rows.min(SAMPLE_ROWS)
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    let Some(decoded) = input.decoded() else {
        return Err(input.damaged(Format::Csv, "the bytes are not text"));
    };
    let mut builder = Builder::default();
    if let Some(remark) = &decoded.warning {
        builder.warn(remark.clone(), None);
    }
    let (delimiter, ..) = best_delimiter(&decoded.text);
    let rows = rows(&decoded.text, delimiter, usize::MAX);
    builder.push(BlockKind::Table, &tables::markdown(&rows));
    Ok(builder.finish(Format::Csv))
}

fn rows(text: &str, delimiter: u8, most: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let records = reader.records().map_while(Result::ok).take(most);
    records.map(|record| record.iter().map(|field| field.trim().to_string()).collect()).collect()
}

/// The delimiter, the commonest number of fields, and how many of the first rows have it.
fn best_delimiter(text: &str) -> (u8, usize, usize) {
    let mut best = (b',', 1, 0);
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = rows(text, *delimiter, SAMPLE_ROWS).iter().map(Vec::len).collect();
        let width = widths.iter().copied().max_by_key(|width| widths.iter().filter(|w| *w == width).count());
        let Some(width) = width.filter(|width| *width > 1) else { continue };
        let regular = widths.iter().filter(|other| **other == width).count();
        if regular > best.2 || regular == best.2 && width > best.1 {
            best = (*delimiter, width, regular);
        }
    }
    best
}
