//! Charts in Office files (ECMA-376 DrawingML charts): kind and title, and the numbers that the file keeps of the cells
//! that were drawn, as a table.

use std::collections::BTreeMap;

use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::tables;
use crate::formats::xml::{self, Mark, number};

/// More points than a chart can show.
const MOST_POINTS: usize = 100_000;

#[derive(Default)]
struct Series {
    name: String,
    /// Categories (or x values) and values by the number of their point.
    categories: BTreeMap<usize, String>,
    values: BTreeMap<usize, String>,
}

/// What the words and numbers that come belong to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Elsewhere,
    Title,
    Name,
    Categories,
    Values,
}

/// Pushes the chart's kind and title, and its numbers.
pub fn push(chart: &str, builder: &mut Builder) {
    let (mut title, mut all): (String, Vec<Series>) = (String::new(), Vec::new());
    let (mut part, mut point, mut in_value) = (Part::Elsewhere, 0, false);
    let mut kind = "Chart".to_string();
    let outcome = xml::walk(chart, |mark| match mark {
        Mark::Start(tag) => match tag.local_name().as_ref() {
            b"ser" => all.push(Series::default()),
            b"title" if all.is_empty() && title.is_empty() => part = Part::Title,
            b"tx" if part == Part::Elsewhere => part = Part::Name,
            b"cat" | b"xVal" => part = Part::Categories,
            b"val" | b"yVal" => part = Part::Values,
            b"pt" => point = number(tag, b"idx").unwrap_or(0).min(MOST_POINTS),
            b"v" | b"t" => in_value = true,
            // `barChart`, `pie3DChart`: the drawing's element; `chart` alone is the whole.
            name if name.ends_with(b"Chart") && kind == "Chart" => kind = plot_kind(name),
            _ => {}
        },
        Mark::End(name) => match name {
            b"title" | b"cat" | b"xVal" | b"val" | b"yVal" => part = Part::Elsewhere,
            b"tx" if part == Part::Name => part = Part::Elsewhere,
            b"v" | b"t" => in_value = false,
            _ => {}
        },
        Mark::Text(text) if in_value => {
            let series = all.last_mut();
            match (part, series) {
                (Part::Title, _) => title.push_str(text),
                (Part::Name, Some(series)) => series.name.push_str(text),
                (Part::Categories, Some(series)) => {
                    series.categories.entry(point).or_default().push_str(text)
                }
                (Part::Values, Some(series)) => series.values.entry(point).or_default().push_str(text),
                _ => {}
            }
        }
        Mark::Text(_) => {}
    });
    if outcome.is_err() {
        return;
    }
    let caption = if title.trim().is_empty() { kind } else { format!("{kind}: {}", title.trim()) };
    builder.push(BlockKind::Paragraph, &caption);
    builder.push(BlockKind::Table, &tables::markdown(&rows(&all)));
}

/// `bar3DChart` is a bar chart.
fn plot_kind(element: &[u8]) -> String {
    let name = String::from_utf8_lossy(element);
    let name = name.trim_end_matches("Chart").trim_end_matches("3D");
    let mut characters = name.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{} chart", characters.as_str())
}

/// A row for each point, a column for each series.
fn rows(all: &[Series]) -> Vec<Vec<String>> {
    let Some(first) = all.iter().find(|series| !series.values.is_empty()) else { return Vec::new() };
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(all.iter().map(|series| series.name.clone()));
    for point in first.values.keys() {
        let category = first.categories.get(point).cloned().unwrap_or_else(|| (point + 1).to_string());
        let values = all.iter().map(|series| series.values.get(point).cloned().unwrap_or_default());
        rows.push(std::iter::once(category).chain(values).collect());
    }
    rows
}
