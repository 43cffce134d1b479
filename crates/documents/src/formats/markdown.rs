//! Markdown (CommonMark with tables), block by block. Marks are taken off: headings, emphasis and links become
//! blocks and plain words.

use crate::builder::Builder;
use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader, markdown_inline::inline, tables};

pub static READER: Reader = Reader {
    format: Format::Markdown,
    name: "Markdown",
    extensions: &["md", "markdown"],
    media_type: "text/markdown",
    recognises,
    read,
};

/// By name; without a name that says otherwise, by at least two kinds of its marks.
fn recognises(input: &Input) -> bool {
    let Some(decoded) = input.decoded() else { return false };
    if matches!(&*input.extension(), "md" | "markdown" | "mdown" | "mkd") {
        return true;
    }
    let lines: Vec<&str> = decoded.text.lines().take(2000).collect();
    let marks = [
        lines.iter().any(|line| heading(line).is_some()),
        lines.iter().any(|line| line.starts_with("```") || line.starts_with("~~~")),
        lines.windows(2).any(|pair| pair[0].contains('|') && is_table_rule(pair[1])),
        lines.iter().any(|line| line.contains("](")),
        lines.iter().any(|line| line.contains("**")),
        lines.iter().any(|line| line.starts_with("- ") || line.starts_with("* ")),
    ];
    marks.iter().filter(|mark| **mark).count() >= 2
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    let Some(decoded) = input.decoded() else {
        return Err(input.damaged(Format::Markdown, "the bytes are not text"));
    };
    let mut builder = Builder::default();
    if let Some(remark) = &decoded.warning {
        builder.warn(remark.clone(), None);
    }
    let lines: Vec<String> = decoded.text.lines().map(|line| line.replace('\t', "    ")).collect();
    Blocks { lines: &lines, at: 0, builder: &mut builder }.run();
    Ok(builder.finish(Format::Markdown))
}

struct Blocks<'a> {
    lines: &'a [String],
    at: usize,
    builder: &'a mut Builder,
}

impl Blocks<'_> {
    fn run(&mut self) {
        self.front_matter();
        while self.at < self.lines.len() {
            let line = unquoted(&self.lines[self.at]);
            let trimmed = line.trim();
            if trimmed.is_empty() || is_rule(trimmed) || is_reference(trimmed) {
                self.at += 1;
            } else if trimmed.starts_with("<!--") {
                self.comment();
            } else if let Some(fence) = fence(trimmed) {
                self.fenced(fence);
            } else if let Some((level, text)) = heading(trimmed) {
                self.builder.push(BlockKind::Heading(level), &inline(text));
                self.at += 1;
            } else if self.starts_table() {
                self.table();
            } else if let Some((marker, text)) = item(line) {
                self.at += 1;
                let rest = self.continuation();
                let text = format!("{}{rest}", text.trim());
                self.builder.push(BlockKind::ListItem, &format!("{marker}{}", inline(&text)));
            } else if line.starts_with("    ") && self.builder.last_kind() != Some(BlockKind::ListItem) {
                self.indented();
            } else {
                self.paragraph();
            }
        }
    }

    /// `---` … `---` at the very beginning, kept as it is.
    fn front_matter(&mut self) {
        if self.lines.first().is_none_or(|line| line.trim_end() != "---") {
            return;
        }
        if let Some(end) = self.lines.iter().skip(1).take(100).position(|line| line.trim_end() == "---") {
            self.builder.push(BlockKind::Code, &self.lines[1..=end].join("\n"));
            self.at = end + 2;
        }
    }

    fn comment(&mut self) {
        while self.at < self.lines.len() {
            self.at += 1;
            if self.lines[self.at - 1].contains("-->") {
                return;
            }
        }
    }

    fn fenced(&mut self, fence: &str) {
        let mut code = Vec::new();
        self.at += 1;
        while self.at < self.lines.len() {
            let line = unquoted(&self.lines[self.at]);
            self.at += 1;
            if line.trim().starts_with(fence) && line.trim().trim_start_matches(&fence[..1]).is_empty() {
                break;
            }
            code.push(line);
        }
        self.builder.push(BlockKind::Code, &code.join("\n"));
    }

    fn indented(&mut self) {
        let mut code = Vec::new();
        while let Some(line) = self.lines.get(self.at) {
            if !line.trim().is_empty() && !line.starts_with("    ") {
                break;
            }
            code.push(line.get(4..).unwrap_or("").to_string());
            self.at += 1;
        }
        self.builder.push(BlockKind::Code, &code.join("\n"));
    }

    fn starts_table(&self) -> bool {
        let next = self.lines.get(self.at + 1).map(|line| unquoted(line));
        unquoted(&self.lines[self.at]).contains('|') && next.is_some_and(is_table_rule)
    }

    fn table(&mut self) {
        let mut rows = vec![cells(unquoted(&self.lines[self.at]))];
        self.at += 2;
        while let Some(line) = self.lines.get(self.at).map(|line| unquoted(line)) {
            if line.trim().is_empty() || !line.contains('|') {
                break;
            }
            rows.push(cells(line));
            self.at += 1;
        }
        self.builder.push(BlockKind::Table, &tables::markdown(&rows));
    }

    fn paragraph(&mut self) {
        let first = unquoted(&self.lines[self.at]).trim().to_string();
        self.at += 1;
        let text = format!("{first}{}", self.continuation());
        let underline = self.lines.get(self.at).map(|line| unquoted(line).trim());
        let level = match underline {
            Some(line) if line.len() > 1 && line.chars().all(|c| c == '=') => Some(1),
            Some(line) if line.len() > 1 && line.chars().all(|c| c == '-') => Some(2),
            _ => None,
        };
        match level {
            Some(level) => {
                self.at += 1;
                self.builder.push(BlockKind::Heading(level), &inline(&text));
            }
            None => self.builder.push(BlockKind::Paragraph, &inline(&text)),
        }
    }

    /// The lines that go on with what the line before began, each after a space.
    fn continuation(&mut self) -> String {
        let mut text = String::new();
        while let Some(line) = self.lines.get(self.at).map(|line| unquoted(line)) {
            let trimmed = line.trim();
            let underline = trimmed.len() > 1 && trimmed.chars().all(|c| c == '=' || c == '-');
            let other = trimmed.is_empty()
                || underline
                || heading(trimmed).is_some()
                || fence(trimmed).is_some()
                || item(line).is_some()
                || is_rule(trimmed)
                || trimmed.starts_with("<!--")
                || self.starts_table();
            if other {
                break;
            }
            text.push(' ');
            text.push_str(trimmed);
            self.at += 1;
        }
        text
    }
}

/// Without the marks of a quotation.
fn unquoted(line: &str) -> &str {
    let mut rest = line;
    while let Some(inner) = rest.trim_start().strip_prefix('>') {
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    rest
}

/// `## Title ##`: level and title.
fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = &line[level..];
    if !(1..=6).contains(&level) || !rest.starts_with(' ') {
        return None;
    }
    Some((level as u8, rest.trim().trim_end_matches('#').trim_end()))
}

fn fence(line: &str) -> Option<&'static str> {
    ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence))
}

/// A list item: its marker with its indentation, and its text.
fn item(line: &str) -> Option<(String, &str)> {
    let body = line.trim_start();
    let indent = "  ".repeat(((line.len() - body.len()) / 2).min(8));
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=9).contains(&digits) {
        let rest = body[digits..].strip_prefix(['.', ')'])?;
        return rest.strip_prefix(' ').map(|text| (format!("{indent}{}. ", &body[..digits]), text));
    }
    let text = body.strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?;
    let text = text.trim_start();
    let text = ["[ ] ", "[x] ", "[X] "].iter().find_map(|tick| text.strip_prefix(tick)).unwrap_or(text);
    Some((format!("{indent}- "), text))
}

fn is_rule(line: &str) -> bool {
    let marks: Vec<char> = line.chars().filter(|c| *c != ' ').collect();
    marks.len() >= 3 && matches!(marks[0], '-' | '*' | '_') && marks.iter().all(|mark| *mark == marks[0])
}

/// `[name]: address`, which links refer to.
fn is_reference(line: &str) -> bool {
    line.starts_with('[') && line.split_once("]: ").is_some_and(|(_, address)| !address.trim().contains(' '))
}

fn is_table_rule(line: &str) -> bool {
    let line = line.trim();
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// The cells between unescaped column marks.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for character in line.chars() {
        if character == '|' && !escaped {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    if line.ends_with('|') {
        cells.pop();
    }
    cells.iter().map(|cell| inline(cell.trim())).collect()
}
