//! What tesseract writes: a table of words by page, block, paragraph and line, with how sure it is of each.

/// What was recognised on one page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageWords {
    /// From 1.
    pub number: u32,
    pub paragraphs: Vec<String>,
    /// Of each word, 0 to 100.
    pub confidences: Vec<f32>,
    /// Why there is nothing.
    pub failure: Option<String>,
}

impl PageWords {
    pub fn failed(number: u32, reason: String) -> Self {
        Self { number, failure: Some(reason), ..Self::default() }
    }

    /// How sure tesseract is of the page, 0 to 100.
    pub fn mean_confidence(&self) -> f32 {
        self.confidences.iter().sum::<f32>() / self.confidences.len().max(1) as f32
    }
}

/// Columns of the table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
const COLUMNS: usize = 12;
const PAGE_LEVEL: &str = "1";
const WORD_LEVEL: &str = "5";

/// The pages of a table, in its order.
pub fn pages(table: &str) -> Vec<PageWords> {
    let mut pages: Vec<PageWords> = Vec::new();
    let (mut paragraph_of, mut line_of) = (None, None);
    for row in table.lines() {
        let cells: Vec<&str> = row.splitn(COLUMNS, '\t').collect();
        let [level, page, block, paragraph, line, _, _, _, _, _, confidence, text] = cells[..] else {
            continue;
        };
        if level == PAGE_LEVEL {
            let number = page.parse().unwrap_or(pages.len() as u32 + 1);
            pages.push(PageWords { number, ..PageWords::default() });
            (paragraph_of, line_of) = (None, None);
        }
        let (Some(current), Ok(confidence)) = (pages.last_mut(), confidence.parse::<f32>()) else { continue };
        let text = text.trim();
        if level != WORD_LEVEL || text.is_empty() || confidence < 0.0 {
            continue;
        }
        current.confidences.push(confidence.min(100.0));
        let same_line = line_of == Some((block, paragraph, line));
        match current.paragraphs.last_mut().filter(|_| paragraph_of == Some((block, paragraph))) {
            Some(open) if same_line => {
                open.push(' ');
                open.push_str(text);
            }
            Some(open) => append_line(open, text),
            None => current.paragraphs.push(text.to_string()),
        }
        (paragraph_of, line_of) = (Some((block, paragraph)), Some((block, paragraph, line)));
    }
    pages
}

/// The first word of a line: a word that was divided at the end of the line before is put together.
fn append_line(paragraph: &mut String, word: &str) {
    let before = paragraph.strip_suffix('-').and_then(|before| before.chars().next_back());
    if before.is_some_and(char::is_alphabetic) && word.starts_with(char::is_lowercase) {
        paragraph.pop();
    } else {
        paragraph.push(' ');
    }
    paragraph.push_str(word);
}

/// The version in `tesseract 5.3.0`, the first line of `--version`.
pub fn version(said: &str) -> Option<String> {
    let version = said.lines().next()?.trim().strip_prefix("tesseract ")?.trim_start_matches('v');
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_string())
}

/// The languages of `--list-langs`, a headline aside; `osd` is no language but data about the direction of pages.
pub fn languages(said: &str) -> Vec<String> {
    let names = said.lines().skip(1).map(str::trim).filter(|name| !name.is_empty() && *name != "osd");
    names.map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the table: level, page, block, paragraph, line, confidence, text.
    fn row(level: u32, page: u32, place: (u32, u32, u32), confidence: &str, text: &str) -> String {
        let (block, paragraph, line) = place;
        format!("{level}\t{page}\t{block}\t{paragraph}\t{line}\t1\t0\t0\t9\t9\t{confidence}\t{text}\n")
    }

    #[test]
    fn words_become_paragraphs_of_pages() {
        let mut table =
            "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
                .to_string();
        table += &row(1, 1, (0, 0, 0), "-1", "");
        table += &row(4, 1, (1, 1, 1), "-1", "");
        table += &row(5, 1, (1, 1, 1), "90.5", "The");
        table += &row(5, 1, (1, 1, 1), "80", "north-");
        table += &row(5, 1, (1, 1, 2), "70", "ern");
        table += &row(5, 1, (1, 1, 3), "60", "Shed-");
        table += &row(5, 1, (1, 1, 4), "60", "House");
        table += &row(5, 1, (1, 2, 1), "95", " ");
        table += &row(5, 1, (2, 1, 1), "100", "Boats.");
        table += &row(1, 2, (0, 0, 0), "-1", "");
        table += &row(5, 2, (2, 1, 1), "96", "Rope");
        let pages = pages(&table);
        assert_eq!(pages.len(), 2);
        assert_eq!(pages[0].paragraphs, ["The northern Shed- House", "Boats."]);
        assert_eq!(pages[0].confidences, [90.5, 80.0, 70.0, 60.0, 60.0, 100.0]);
        assert_eq!((pages[1].number, pages[1].paragraphs[0].as_str()), (2, "Rope"));
        assert_eq!(super::pages("no table\n1\t2\n"), []);
    }

    #[test]
    fn programs_say_what_they_are() {
        assert_eq!(version("tesseract 5.3.0\n leptonica-1.82.0\n").as_deref(), Some("5.3.0"));
        assert_eq!(version("tesseract v5.0.0-alpha\n").as_deref(), Some("5.0.0-alpha"));
        assert_eq!(version("tesserakt 1\n"), None);
        let said = "List of available languages in \"/usr/share/\" (3):\neng\nfra\nosd\n";
        assert_eq!(languages(said), ["eng", "fra"]);
    }
}
