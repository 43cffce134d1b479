//! What is usual in a document: the size of its body text, the distance of its lines, the looks of its headings.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lines::Line;
use super::{Element, PageElements};

/// Distance of lines in font sizes, where a document gives no other.
const USUAL_PITCH: f32 = 1.25;

/// Found once for a document.
pub struct Measures {
    /// Font size of most characters, in points.
    body_size: f32,
    body_is_bold: bool,
    /// Most characters are in a font of fixed width.
    pub body_is_monospace: bool,
    /// Distance of the lines of a paragraph, in font sizes.
    pitch: f32,
    /// Levels of the looks that headings have.
    levels: BTreeMap<Look, u8>,
    /// Words with a hyphen inside, as they stand in the middle of lines.
    hyphenated: HashSet<String>,
}

/// How a heading looks: font size in half points, and bold.
type Look = (i32, bool);

impl Measures {
    pub fn of(pages: &[PageElements]) -> Self {
        let lines: Vec<&Line> = pages.iter().flat_map(page_lines).collect();
        let mut sizes: HashMap<i32, usize> = HashMap::new();
        let (mut bold, mut monospace, mut all) = (0, 0, 0);
        for line in &lines {
            let length = line.text.chars().count();
            *sizes.entry(half_points(line.size)).or_default() += length;
            bold += if line.bold { length } else { 0 };
            monospace += if line.monospace { length } else { 0 };
            all += length;
        }
        let common =
            sizes.iter().max_by_key(|(size, length)| (**length, **size)).map_or(20, |(size, _)| *size);
        let mut measures = Self {
            body_size: common as f32 / 2.0,
            body_is_bold: bold * 2 > all,
            body_is_monospace: monospace * 2 > all,
            pitch: pitch(pages),
            levels: BTreeMap::new(),
            hyphenated: hyphenated(&lines),
        };
        measures.levels = measures.heading_levels(pages);
        measures
    }

    /// Whether `next` stands one line below `line`, in about the same size.
    pub fn is_next_line(&self, line: &Line, next: &Line) -> bool {
        let distance = line.bottom - next.bottom;
        let size = line.size.max(next.size);
        distance > 0.0
            && distance <= size * (self.pitch + 0.2)
            && (line.size - next.size).abs() <= 0.15 * size
    }

    /// The level of a heading; `None` for other lines.
    pub fn heading_level(&self, line: &Line, before: Option<&Line>, after: Option<&Line>) -> Option<u8> {
        let look = self.heading_look(line, before, after)?;
        match number_depth(&line.text) {
            Some(depth) => Some(depth.min(6)),
            None => Some(self.levels.get(&look).copied().unwrap_or(1)),
        }
    }

    /// How a line looks, if it looks like a heading.
    fn heading_look(&self, line: &Line, before: Option<&Line>, after: Option<&Line>) -> Option<Look> {
        let text = line.text.as_str();
        let words = text.split_whitespace().count();
        let look = (half_points(line.size), line.bold);
        if words > 20
            || !text.chars().any(char::is_alphabetic)
            || text.contains(". . .")
            || text.contains("....")
        {
            return None;
        }
        let ends_open = !text.ends_with(['.', ',', ';', ':']);
        if line.size >= self.body_size * 1.12 {
            return (ends_open || words <= 12).then_some(look);
        }
        if line.size < self.body_size * 0.95 || !ends_open || words > 14 {
            return None;
        }
        let apart = |other: Option<&Line>, distance: f32| {
            other.is_none() || distance > line.size * (self.pitch + 0.2)
        };
        let above = apart(before, before.map_or(0.0, |other| (other.bottom - line.bottom).abs()));
        let below = apart(after, after.map_or(0.0, |other| (line.bottom - other.bottom).abs()));
        let ends_paragraph = before.is_some_and(|other| other.text.ends_with(['.', '!', '?']));
        let is_item = starts_item(text) && !(number_depth(text).is_some() && above && below);
        if line.bold && !self.body_is_bold && (above || ends_paragraph) && !is_item {
            return Some(look);
        }
        let numbered = number_depth(text).is_some_and(|depth| depth > 1 || !text.contains(". "));
        (numbered && above && below).then_some(look)
    }

    /// Numbered headings say their level; the looks of the others are ranked around them.
    fn heading_levels(&self, pages: &[PageElements]) -> BTreeMap<Look, u8> {
        let mut depths: BTreeMap<Look, Option<u8>> = BTreeMap::new();
        for page in pages {
            let lines: Vec<&Line> = page_lines(page).collect();
            for (index, line) in lines.iter().enumerate() {
                let before = index.checked_sub(1).map(|index| lines[index]);
                let Some(look) = self.heading_look(line, before, lines.get(index + 1).copied()) else {
                    continue;
                };
                let depth = number_depth(&line.text);
                let known = depths.entry(look).or_default();
                *known = [*known, depth].into_iter().flatten().min();
            }
        }
        let mut levels = BTreeMap::new();
        let mut level = 0;
        for (look, depth) in depths.into_iter().rev() {
            level = depth.unwrap_or(level + 1).clamp(1, 6);
            levels.insert(look, level);
        }
        levels
    }

    /// Adds a line to a paragraph: a space between, or nothing where a word was divided.
    pub fn append(&self, text: &mut String, next: &str) {
        if self.is_divided(text, next) {
            text.pop();
        } else if !text.is_empty() {
            text.push_str(joiner(text, next));
        }
        text.push_str(next);
    }

    /// Whether the hyphen at the end of `text` is there only because the line ended.
    pub fn is_divided(&self, text: &str, next: &str) -> bool {
        if text.ends_with('\u{AD}') {
            return true;
        }
        let Some(before) = text.strip_suffix(['-', '\u{2010}']) else { return false };
        let letter_before = before.chars().next_back().is_some_and(char::is_alphabetic);
        if !letter_before || !next.starts_with(char::is_lowercase) {
            return false;
        }
        let head = before.rsplit(char::is_whitespace).next().unwrap_or("");
        let tail: String = next.chars().take_while(|c| c.is_alphanumeric()).collect();
        !self.hyphenated.contains(&format!("{head}-{tail}").to_lowercase())
    }
}

/// What stands between two lines: nothing behind a hyphen that belongs to its word.
pub fn joiner(text: &str, next: &str) -> &'static str {
    let mut last = text.chars().rev();
    let hyphen = last.next() == Some('-') && last.next().is_some_and(char::is_alphabetic);
    if hyphen && next.starts_with(char::is_lowercase) { "" } else { " " }
}

fn page_lines(page: &PageElements) -> impl Iterator<Item = &Line> {
    page.elements.iter().filter_map(|element| match element {
        Element::Line(line) => Some(line),
        Element::Table(_) => None,
    })
}

fn half_points(size: f32) -> i32 {
    (size.min(1000.0) * 2.0).round() as i32
}

/// The smallest distance between lines that is common.
fn pitch(pages: &[PageElements]) -> f32 {
    const STEPS: f32 = 20.0;
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for page in pages {
        let lines: Vec<&Line> = page_lines(page).collect();
        for pair in lines.windows(2) {
            let ratio = (pair[0].bottom - pair[1].bottom) / pair[1].size;
            if (0.9..3.0).contains(&ratio) && (pair[0].size - pair[1].size).abs() < 0.5 {
                *counts.entry((ratio * STEPS).round() as i32).or_default() += 1;
            }
        }
    }
    let all: usize = counts.values().sum();
    let common = counts.iter().find(|(_, count)| **count >= 3 && **count * 7 >= all);
    common.map_or(USUAL_PITCH, |(ratio, _)| (*ratio as f32 / STEPS).max(1.0))
}

fn hyphenated(lines: &[&Line]) -> HashSet<String> {
    let words = lines.iter().flat_map(|line| line.text.split_whitespace());
    let trimmed = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    trimmed.filter(|word| word.contains('-')).map(str::to_lowercase).collect()
}

/// `3` is 1, `3.2` is 2, if a title follows that begins with a capital letter.
pub fn number_depth(text: &str) -> Option<u8> {
    let (number, title) = text.split_once(' ')?;
    let number = number.strip_suffix('.').unwrap_or(number);
    let parts: Vec<&str> = number.split('.').collect();
    let sound = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let titled = title.trim_start().starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase());
    (titled && parts.len() <= 5 && parts.iter().all(sound)).then_some(parts.len() as u8)
}

/// Whether a line begins with an item's mark: a sign, or a number or letter with a stop or bracket.
pub fn starts_item(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once(' ') else { return false };
    if rest.trim().is_empty() {
        return false;
    }
    let is_sign = |c: char| {
        matches!(c, '•' | '◦' | '▪' | '‣' | '●' | '○' | '■' | '□' | '–' | '-' | '*' | '·' | '➢' | '✓')
            || ('\u{E000}'..='\u{F8FF}').contains(&c)
    };
    let mut characters = mark.chars();
    if let (Some(first), None) = (characters.next(), characters.next()) {
        return is_sign(first);
    }
    let body = mark.strip_prefix('(').unwrap_or(mark);
    let Some(label) = body.strip_suffix([')', '.']) else { return false };
    let numeric = label.len() <= 3 && !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let letter = label.len() == 1 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    numeric || letter && !body.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::{number_depth, starts_item};

    #[test]
    fn numbers_of_headings() {
        let cases = [
            ("1 Title", Some(1)),
            ("1.2 Other title", Some(2)),
            ("1.2. Other title", Some(2)),
            ("12 apples", None),
            ("2026 was", None),
            ("1.5", None),
            ("Title", None),
        ];
        for (text, depth) in cases {
            assert_eq!(number_depth(text), depth, "{text}");
        }
    }

    #[test]
    fn marks_of_items() {
        for item in ["• one", "- one", "1. one", "12) one", "(a) one", "b) one", "\u{F0B7} one"] {
            assert!(starts_item(item), "{item}");
        }
        for other in ["one two", "A. Smith wrote", "1.2 Title", "-", "3 apples", "e.g. this"] {
            assert!(!starts_item(other), "{other}");
        }
    }
}
