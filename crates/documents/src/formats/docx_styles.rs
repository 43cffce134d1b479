//! What Word's styles and numberings say of a paragraph: heading or not, list item or not, and its number
//! (ECMA-376 part 1, 17.7 and 17.9).

use std::collections::HashMap;

use crate::formats::xml::{self, Mark, attribute, number};

/// A numbering and the level in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbered {
    pub list: usize,
    pub level: usize,
}

/// Levels of a list.
pub const LEVELS: usize = 9;
/// Styles based on styles are followed so far.
const MOST_STEPS: usize = 20;

#[derive(Default, Clone)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<usize>,
    list: Option<usize>,
    level: Option<usize>,
}

#[derive(Default, Clone)]
struct Level {
    format: String,
    /// `%1.%2`
    text: String,
    start: usize,
}

/// Styles and numberings of a document, and how far each list has counted.
#[derive(Default)]
pub struct Styles {
    styles: HashMap<String, Style>,
    /// Levels of each abstract numbering.
    patterns: HashMap<usize, Vec<Level>>,
    /// Numbering to abstract numbering.
    lists: HashMap<usize, usize>,
    counters: HashMap<usize, [usize; LEVELS]>,
}

impl Styles {
    /// Out of `styles.xml` and `numbering.xml`; what a damaged part still gives is used.
    pub fn new(styles: Option<&str>, numbering: Option<&str>) -> Self {
        let mut all = Self::default();
        styles.into_iter().for_each(|text| all.read_styles(text));
        numbering.into_iter().for_each(|text| all.read_numbering(text));
        all
    }

    fn read_styles(&mut self, text: &str) {
        let (mut id, mut style) = (String::new(), Style::default());
        let _ = xml::walk(text, |mark| match mark {
            Mark::Start(tag) => match tag.local_name().as_ref() {
                b"style" => {
                    id = attribute(tag, b"styleId").unwrap_or_default();
                    style = Style::default();
                }
                b"name" => style.name = attribute(tag, b"val").unwrap_or_default().to_lowercase(),
                b"basedOn" => style.based_on = attribute(tag, b"val"),
                b"outlineLvl" => style.outline = number(tag, b"val"),
                b"numId" => style.list = number(tag, b"val"),
                b"ilvl" => style.level = number(tag, b"val"),
                _ => {}
            },
            Mark::End(b"style") => {
                self.styles.insert(std::mem::take(&mut id), std::mem::take(&mut style));
            }
            Mark::End(_) | Mark::Text(_) => {}
        });
    }

    fn read_numbering(&mut self, text: &str) {
        let (mut pattern, mut level, mut list) = (0, 0, 0);
        let _ = xml::walk(text, |mark| {
            let Mark::Start(tag) = mark else { return };
            let levels = self.patterns.entry(pattern).or_default();
            match tag.local_name().as_ref() {
                b"abstractNum" => pattern = number(tag, b"abstractNumId").unwrap_or(0),
                b"lvl" => {
                    level = number(tag, b"ilvl").unwrap_or(0).min(LEVELS - 1);
                    if levels.len() <= level {
                        levels.resize(level + 1, Level { start: 1, ..Level::default() });
                    }
                }
                b"numFmt" if level < levels.len() => {
                    levels[level].format = attribute(tag, b"val").unwrap_or_default()
                }
                b"lvlText" if level < levels.len() => {
                    levels[level].text = attribute(tag, b"val").unwrap_or_default()
                }
                b"start" if level < levels.len() => levels[level].start = number(tag, b"val").unwrap_or(1),
                b"num" => list = number(tag, b"numId").unwrap_or(0),
                b"abstractNumId" => {
                    self.lists.insert(list, number(tag, b"val").unwrap_or(0));
                }
                _ => {}
            }
        });
    }

    /// A style and those that it is based on.
    fn chain<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Style> {
        let first = self.styles.get(id);
        std::iter::successors(first, |style| self.styles.get(style.based_on.as_deref()?)).take(MOST_STEPS)
    }

    /// The heading level, from 1, of paragraphs in a style.
    pub fn heading(&self, id: &str) -> Option<u8> {
        self.chain(id).find_map(|style| {
            let named =
                style.name.strip_prefix("heading ").and_then(|level| level.trim().parse::<usize>().ok());
            let title = (style.name == "title").then_some(1);
            let outline = style.outline.filter(|level| *level < LEVELS).map(|level| level + 1);
            named.or(title).or(outline).map(|level| level.clamp(1, 6) as u8)
        })
    }

    /// The numbering that a style brings.
    pub fn numbering(&self, id: &str) -> Option<Numbered> {
        let list = self.chain(id).find_map(|style| style.list)?;
        let level = self.chain(id).find_map(|style| style.level).unwrap_or(0);
        (list != 0).then_some(Numbered { list, level: level.min(LEVELS - 1) })
    }

    /// Counts one more paragraph of a numbering: its number or sign, and whether it is a sign.
    pub fn mark(&mut self, numbered: Numbered) -> Option<(String, bool)> {
        let levels = self.patterns.get(self.lists.get(&numbered.list)?)?;
        let own = levels.get(numbered.level)?;
        if own.format == "bullet" || own.format == "none" {
            return Some(("-".to_string(), true));
        }
        let start = |level: usize| levels.get(level).map_or(1, |level| level.start);
        let counters = self.counters.entry(numbered.list).or_insert([0; LEVELS]);
        counters[numbered.level] = match counters[numbered.level] {
            0 => start(numbered.level),
            count => count + 1,
        };
        counters[numbered.level + 1..].fill(0);
        let mut text = own.text.clone();
        for (level, counter) in counters.iter().enumerate().take(numbered.level + 1) {
            let format = levels.get(level).map_or("decimal", |level| level.format.as_str());
            let count = if *counter == 0 { start(level) } else { *counter };
            text = text.replace(&format!("%{}", level + 1), &counted(count, format));
        }
        Some((text.trim().to_string(), false))
    }
}

/// A number as letters, Roman, or plain.
fn counted(count: usize, format: &str) -> String {
    let letter = || char::from(b'a' + ((count.max(1) - 1) % 26) as u8).to_string();
    match format {
        "lowerLetter" => letter(),
        "upperLetter" => letter().to_uppercase(),
        "lowerRoman" => roman(count).to_lowercase(),
        "upperRoman" => roman(count),
        _ => count.to_string(),
    }
}

fn roman(mut count: usize) -> String {
    const SIGNS: [(usize, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if count > 3999 {
        return count.to_string();
    }
    let mut text = String::new();
    for (value, sign) in SIGNS {
        while count >= value {
            text.push_str(sign);
            count -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_level() {
        let numbering = r#"<numbering><abstractNum abstractNumId="3">
            <lvl ilvl="0"><start val="1"/><numFmt val="decimal"/><lvlText val="%1."/></lvl>
            <lvl ilvl="1"><start val="1"/><numFmt val="lowerLetter"/><lvlText val="%1.%2)"/></lvl>
            <lvl ilvl="2"><numFmt val="bullet"/><lvlText val="o"/></lvl></abstractNum>
            <num numId="7"><abstractNumId val="3"/></num></numbering>"#;
        let styles = r#"<styles><style styleId="a"><name val="List"/><pPr><numPr><numId val="7"/></numPr></pPr></style>
            <style styleId="b"><name val="Mine"/><basedOn val="a"/></style>
            <style styleId="h"><name val="heading 2"/></style><style styleId="i"><name val="x"/><basedOn val="h"/></style></styles>"#;
        let mut all = Styles::new(Some(styles), Some(numbering));
        assert_eq!(all.numbering("b"), Some(Numbered { list: 7, level: 0 }));
        assert_eq!(all.heading("i"), Some(2));
        assert_eq!(all.heading("a"), None);
        let marks: Vec<String> = [0, 0, 1, 1, 2, 0, 1]
            .into_iter()
            .filter_map(|level| all.mark(Numbered { list: 7, level }).map(|(mark, _)| mark))
            .collect();
        assert_eq!(marks, ["1.", "2.", "2.a)", "2.b)", "-", "3.", "3.a)"]);
        assert_eq!(all.mark(Numbered { list: 1, level: 0 }), None);
        assert_eq!(roman(1994), "MCMXCIV");
    }
}
