//! Ruled tables: rules that cross make cells; rules above each other, all equally wide, make rows.

use pdf_oxide::document::PdfDocument;
use pdf_oxide::elements::{PathContent, PathOperation};

use super::lines::Run;
use super::table_text::{self, Piece};
use crate::formats::tables;

/// A page with more rules is a drawing.
const MOST_RULES: usize = 2000;
/// Rules that miss each other by less meet. Points.
const NEAR: f32 = 2.5;

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

/// A horizontal or vertical rule: its place across, and from where to where it goes.
#[derive(Debug, Clone, Copy)]
struct Rule {
    at: f32,
    from: f32,
    to: f32,
}

impl Rule {
    fn passes(&self, place: f32) -> bool {
        place >= self.from - NEAR && place <= self.to + NEAR
    }
}

#[derive(Default)]
struct Rules {
    horizontal: Vec<Rule>,
    vertical: Vec<Rule>,
}

/// The ruled tables of a page.
pub fn find(pdf: &PdfDocument, index: usize) -> Vec<PageTable> {
    let Ok(paths) = pdf.extract_paths(index) else { return Vec::new() };
    let rules = rules(&paths);
    let few = |rules: &[Rule]| rules.len() <= MOST_RULES;
    if rules.horizontal.len() < 3 || !few(&rules.horizontal) || !few(&rules.vertical) {
        return Vec::new();
    }
    let Ok(words) = pdf.extract_words(index) else { return Vec::new() };
    let pieces: Vec<Piece> = words
        .iter()
        .filter(|word| !word.text.trim().is_empty())
        .map(|word| Piece {
            text: super::lines::clean(&word.text),
            left: word.bbox.x,
            right: word.bbox.x + word.bbox.width,
            bottom: word.bbox.y,
            size: word.avg_font_size.abs().max(1.0),
        })
        .collect();
    let mut tables: Vec<PageTable> = Vec::new();
    for (horizontal, vertical) in crossing(&rules) {
        tables.extend(grid(&horizontal, &vertical, &pieces));
    }
    for rules in equally_wide(&rules.horizontal) {
        let apart =
            |table: &PageTable| rules.iter().all(|rule| rule.at > table.top || rule.at < table.bottom);
        if tables.iter().all(apart) {
            tables.extend(stacked(&rules, &pieces));
        }
    }
    tables
}

/// Straight lines that are drawn, thin boxes that are filled, and the edges of boxes that are drawn.
fn rules(paths: &[PathContent]) -> Rules {
    let mut rules = Rules::default();
    for path in paths {
        let (mut here, mut start) = ((0.0, 0.0), (0.0, 0.0));
        let drawn = path.stroke_color.is_some();
        for operation in &path.operations {
            match *operation {
                PathOperation::MoveTo(x, y) => (here, start) = ((x, y), (x, y)),
                PathOperation::LineTo(x, y) => {
                    if drawn {
                        rules.add(here, (x, y));
                    }
                    here = (x, y);
                }
                PathOperation::ClosePath => {
                    if drawn {
                        rules.add(here, start);
                    }
                    here = start;
                }
                PathOperation::Rectangle(x, y, width, height) => {
                    rules.add_box((x, y), (x + width, y + height), drawn)
                }
                PathOperation::CurveTo(_, _, _, _, x, y) => here = (x, y),
            }
        }
    }
    rules
}

impl Rules {
    fn add(&mut self, a: (f32, f32), b: (f32, f32)) {
        if ![a.0, a.1, b.0, b.1].iter().all(|number| number.is_finite()) {
            return;
        }
        let (width, height) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
        if height < 1.0 && width > 5.0 {
            self.horizontal.push(Rule { at: (a.1 + b.1) / 2.0, from: a.0.min(b.0), to: a.0.max(b.0) });
        } else if width < 1.0 && height > 3.0 {
            self.vertical.push(Rule { at: (a.0 + b.0) / 2.0, from: a.1.min(b.1), to: a.1.max(b.1) });
        }
    }

    fn add_box(&mut self, a: (f32, f32), b: (f32, f32), drawn: bool) {
        let (width, height) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
        if height < NEAR {
            let middle = (a.1 + b.1) / 2.0;
            self.add((a.0, middle), (b.0, middle));
        } else if width < NEAR {
            let middle = (a.0 + b.0) / 2.0;
            self.add((middle, a.1), (middle, b.1));
        } else if drawn {
            self.add((a.0, a.1), (b.0, a.1));
            self.add((a.0, b.1), (b.0, b.1));
            self.add((a.0, a.1), (a.0, b.1));
            self.add((b.0, a.1), (b.0, b.1));
        }
    }
}

/// Groups of rules that are joined by crossings.
fn crossing(rules: &Rules) -> Vec<(Vec<Rule>, Vec<Rule>)> {
    let count = rules.horizontal.len();
    let mut group: Vec<usize> = (0..count).collect();
    let mut of_vertical: Vec<Option<usize>> = Vec::with_capacity(rules.vertical.len());
    for vertical in &rules.vertical {
        let crossed: Vec<usize> = (0..count)
            .filter(|index| {
                let horizontal = rules.horizontal[*index];
                horizontal.passes(vertical.at) && vertical.passes(horizontal.at)
            })
            .collect();
        let joined: Vec<usize> = crossed.iter().map(|index| group[*index]).collect();
        let target = joined.iter().copied().min();
        if let Some(target) = target {
            for mark in &mut group {
                if joined.contains(mark) {
                    *mark = target;
                }
            }
        }
        of_vertical.push(crossed.first().copied());
    }
    let mut marks = group.clone();
    marks.sort_unstable();
    marks.dedup();
    let members = |mark: usize| {
        let horizontal =
            (0..count).filter(|index| group[*index] == mark).map(|index| rules.horizontal[index]).collect();
        let belongs = |first: &Option<usize>| first.is_some_and(|first| group[first] == mark);
        let pairs = rules.vertical.iter().zip(&of_vertical);
        (horizontal, pairs.filter(|(_, first)| belongs(first)).map(|(rule, _)| *rule).collect())
    };
    marks
        .into_iter()
        .map(members)
        .filter(|(_, vertical): &(Vec<Rule>, Vec<Rule>)| !vertical.is_empty())
        .collect()
}

/// Places that are the same, once each, in order.
fn places(mut all: Vec<f32>) -> Vec<f32> {
    all.sort_by(f32::total_cmp);
    let mut places: Vec<f32> = Vec::new();
    for place in all {
        if places.last().is_none_or(|last| place - last > NEAR) {
            places.push(place);
        }
    }
    places
}

/// A table out of rules that cross: what no rule parts is one cell, and stands in each place that it covers.
fn grid(horizontal: &[Rule], vertical: &[Rule], pieces: &[Piece]) -> Option<PageTable> {
    let ends = horizontal.iter().flat_map(|rule| [rule.from, rule.to]);
    let (left, right) =
        ends.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let mut columns = places(vertical.iter().map(|rule| rule.at).collect());
    // A table may be open at its sides.
    if columns.first().is_some_and(|first| first - left > 8.0) {
        columns.insert(0, left);
    }
    if columns.last().is_some_and(|last| right - last > 8.0) {
        columns.push(right);
    }
    let rows = places(horizontal.iter().map(|rule| rule.at).collect());
    if columns.len() < 3 || rows.len() < 3 || columns.len() > 60 || rows.len() > 400 {
        return None;
    }
    let (width, height) = (columns.len() - 1, rows.len() - 1);
    // Row 0 is the topmost.
    let edge = |row: usize| rows[height - row];
    let mut cell: Vec<usize> = (0..width * height).collect();
    let mut unite = |a: usize, b: usize| {
        let (from, to) = (cell[a].max(cell[b]), cell[a].min(cell[b]));
        cell.iter_mut().filter(|mark| **mark == from).for_each(|mark| *mark = to);
    };
    let meets = |rule: &&Rule, at: f32| (rule.at - at).abs() <= NEAR;
    for row in 0..height {
        let middle = (edge(row) + edge(row + 1)) / 2.0;
        for column in 0..width {
            let centre = (columns[column] + columns[column + 1]) / 2.0;
            let here = row * width + column;
            let parted = |rules: &[Rule], at: f32, place: f32| {
                rules.iter().filter(|rule| meets(rule, at)).any(|rule| rule.passes(place))
            };
            if column + 1 < width && !parted(vertical, columns[column + 1], middle) {
                unite(here, here + 1);
            }
            if row + 1 < height && !parted(horizontal, edge(row + 1), centre) {
                unite(here, here + width);
            }
        }
    }
    let mut held: Vec<Vec<Piece>> = vec![Vec::new(); width * height];
    for piece in pieces {
        let (x, y) = piece.middle();
        let column = (0..width).find(|column| x >= columns[*column] && x < columns[*column + 1]);
        let row = (0..height).find(|row| y <= edge(*row) && y > edge(row + 1));
        if let (Some(column), Some(row)) = (column, row) {
            held[cell[row * width + column]].push(piece.clone());
        }
    }
    let texts: Vec<String> = held.iter().map(|pieces| table_text::join(pieces)).collect();
    let table: Vec<Vec<String>> = (0..height)
        .map(|row| (0..width).map(|column| texts[cell[row * width + column]].clone()).collect())
        .collect();
    let place = Place { left: columns[0], right: columns[width], top: rows[height], bottom: rows[0] };
    place.table(&table)
}

struct Place {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Place {
    fn table(self, rows: &[Vec<String>]) -> Option<PageTable> {
        table_text::is_plausible(rows).then(|| PageTable {
            markdown: tables::markdown(rows),
            top: self.top + 1.0,
            left: self.left - 1.0,
            right: self.right + 1.0,
            bottom: self.bottom - 1.0,
        })
    }
}

/// Three rules or more that begin and end at the same places.
fn equally_wide(horizontal: &[Rule]) -> Vec<Vec<Rule>> {
    let mut groups: Vec<Vec<Rule>> = Vec::new();
    for rule in horizontal {
        let same = |group: &&mut Vec<Rule>| {
            (group[0].from - rule.from).abs() < 4.0 && (group[0].to - rule.to).abs() < 4.0
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(*rule),
            None => groups.push(vec![*rule]),
        }
    }
    groups.retain(|group| group.len() >= 3);
    groups
}

/// A table of rows between rules; the columns are where all rows leave room.
fn stacked(rules: &[Rule], pieces: &[Piece]) -> Option<PageTable> {
    let heights = places(rules.iter().map(|rule| rule.at).collect());
    let (bottom, top) = (*heights.first()?, *heights.last()?);
    let (left, right) = (rules[0].from, rules[0].to);
    let inside = |piece: &&Piece| {
        let (x, y) = piece.middle();
        x >= left - NEAR && x <= right + NEAR && y > bottom && y < top
    };
    let held: Vec<Piece> = pieces.iter().filter(inside).cloned().collect();
    let mut bands: Vec<Vec<Vec<Piece>>> = Vec::new();
    for pair in heights.windows(2).rev() {
        let in_band = |piece: &&Piece| (pair[0]..pair[1]).contains(&piece.middle().1);
        let band: Vec<Piece> = held.iter().filter(in_band).cloned().collect();
        if !band.is_empty() {
            bands.push(table_text::lines(&band));
        }
    }
    // Each band a row, or (with a rule under the header only) each line a row.
    let every_row_is_ruled = bands.len() > 2;
    let lines: Vec<Vec<Piece>> = bands.iter().flatten().cloned().collect();
    let columns = table_text::columns(&lines)?;
    let rows: Vec<Vec<String>> = match every_row_is_ruled {
        true => bands.iter().map(|band| table_text::row(&band.concat(), &columns)).collect(),
        false => table_text::rows(&lines, &columns),
    };
    Place { left, right, top, bottom }.table(&rows)
}
