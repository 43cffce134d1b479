//! Running headers, running footers and page numbers: lines at a page's edge that come again on most pages.

use std::collections::HashMap;

use super::{Element, PageElements};

/// A line may be furniture in this share of the page's height at the top and at the bottom.
const EDGE: f32 = 0.12;
/// How many lines at each edge are looked at.
const LINES: usize = 3;

/// Takes the furniture off documents of three pages and more.
pub fn remove(pages: &mut [PageElements]) {
    if pages.len() < 3 {
        return;
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let mut marks: Vec<String> = edge_lines(page).into_iter().map(|index| mark(page, index)).collect();
        marks.sort();
        marks.dedup();
        for mark in marks {
            *seen.entry(mark).or_default() += 1;
        }
    }
    let enough = (pages.len() * 3).div_ceil(5).max(3);
    let is_furniture =
        |page: &PageElements, index: usize| seen.get(&mark(page, index)).copied() >= Some(enough);
    let doomed: Vec<Vec<usize>> = pages
        .iter()
        .map(|page| edge_lines(page).into_iter().filter(|index| is_furniture(page, *index)).collect())
        .collect();
    // Pages that hold nothing else hold it on purpose.
    let emptied =
        pages.iter().zip(&doomed).filter(|(page, doomed)| page.elements.len() == doomed.len()).count();
    if emptied * 3 > pages.len() {
        return;
    }
    for (page, doomed) in pages.iter_mut().zip(doomed) {
        let mut index = 0;
        page.elements.retain(|_| {
            index += 1;
            !doomed.contains(&(index - 1))
        });
    }
}

/// Indices of the lines near the top and the bottom edge.
fn edge_lines(page: &PageElements) -> Vec<usize> {
    let heights = page.elements.iter().filter_map(|element| match element {
        Element::Line(line) => Some(line.bottom),
        Element::Table(_) => None,
    });
    // The page's own coordinates may not start at zero: measure from what is on it, or from the edges.
    let (low, high) = heights.fold((f32::INFINITY, 0.0_f32), |(low, high), y| (low.min(y), high.max(y)));
    let low = low.min(page.height * EDGE);
    let high = high.max(page.height * (1.0 - EDGE));
    let near = |index: &usize| match &page.elements[*index] {
        Element::Line(line) => {
            line.bottom <= low.max(page.height * EDGE) || line.bottom >= high.min(page.height * (1.0 - EDGE))
        }
        Element::Table(_) => false,
    };
    let count = page.elements.len();
    let first = 0..count.min(LINES);
    let last = count.saturating_sub(LINES).max(first.end)..count;
    first.chain(last).filter(near).collect()
}

/// The line with its numbers made equal, and its size: a title that says the same is none of it.
fn mark(page: &PageElements, index: usize) -> String {
    let Element::Line(line) = &page.elements[index] else { return String::new() };
    let mut mark = format!("{:.0} ", line.size);
    for character in line.text.chars() {
        match character {
            c if c.is_ascii_digit() => {
                if !mark.ends_with('#') {
                    mark.push('#');
                }
            }
            c => mark.extend(c.to_lowercase()),
        }
    }
    mark
}
