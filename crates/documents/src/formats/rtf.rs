//! Rich Text Format (RTF 1.9.1): control words, groups and characters, with a stack for the groups. Pictures, fields'
//! instructions, running headers and everything marked as unknown (`\*`) are left out.

use std::collections::HashMap;

use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::{Format, Input, Reader, text};

pub static READER: Reader = Reader {
    format: Format::Rtf,
    name: "RTF",
    extensions: &["rtf"],
    media_type: "application/rtf",
    recognises: |input| input.bytes.starts_with(b"{\\rtf"),
    read,
};

/// Groups inside each other are followed to this depth; what is deeper is read as if it stood there.
const DEEPEST: usize = 10_000;

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut walk = Walk::default();
    walk.run(input.bytes);
    walk.flow.close_all();
    if walk.flow.in_table() {
        walk.flow.end_table();
    }
    Ok(walk.flow.finish(Format::Rtf))
}

/// Groups whose words are not the document's.
const LEFT_OUT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "info",
    "pict",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "fldinst",
    "object",
    "themedata",
    "listtable",
    "listoverridetable",
    "generator",
    "xmlnstbl",
    "rsidtbl",
    "datafield",
    "bkmkstart",
    "bkmkend",
    "nonshppict",
    "filetbl",
    "revtbl",
];

/// What a group's end takes back.
#[derive(Clone)]
struct State {
    left_out: bool,
    /// Bytes that stand for a `\u` character in programs that do not know it.
    substitutes: usize,
    in_table: bool,
    /// Level of a heading.
    outline: Option<u8>,
    in_stylesheet: bool,
    /// The group holds an item's mark.
    is_mark: bool,
    style: i32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            left_out: false,
            substitutes: 1,
            in_table: false,
            outline: None,
            in_stylesheet: false,
            is_mark: false,
            style: 0,
        }
    }
}

#[derive(Default)]
struct Walk {
    flow: Flow,
    state: State,
    stack: Vec<State>,
    /// Groups that were opened beyond the depth that is followed.
    beyond: usize,
    /// Bytes still to be passed over after a `\u`.
    pass: usize,
    /// First half of a character outside the basic plane.
    high: Option<u16>,
    /// The next paragraph is an item, with this mark.
    mark: Option<String>,
    /// Heading levels by style, and the name of the style being read.
    styles: HashMap<i32, u8>,
    style_name: String,
}

impl Walk {
    fn run(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'{' => self.start_group(),
                b'}' => self.end_group(),
                b'\\' => {
                    at = self.control(bytes, at + 1);
                    continue;
                }
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
            at += 1;
        }
    }

    fn start_group(&mut self) {
        self.pass = 0;
        match self.stack.len() < DEEPEST {
            true => self.stack.push(self.state.clone()),
            false => self.beyond += 1,
        }
    }

    fn end_group(&mut self) {
        self.pass = 0;
        if self.beyond > 0 {
            self.beyond -= 1;
        } else if let Some(state) = self.stack.pop() {
            self.state = state;
        }
    }

    /// What stands behind a backslash; where to go on.
    fn control(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(first) = bytes.get(at) else { return at };
        if !first.is_ascii_alphabetic() {
            return self.symbol(bytes, at, *first);
        }
        let word = bytes[at..].iter().take(40).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let mut end = at + word;
        let sign = usize::from(bytes.get(end) == Some(&b'-'));
        let digits = bytes[end + sign..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let number =
            std::str::from_utf8(&bytes[end..end + sign + digits]).ok().and_then(|text| text.parse().ok());
        if digits > 0 {
            end += sign + digits;
        }
        let name = std::str::from_utf8(&bytes[at..at + word]).unwrap_or_default();
        end += usize::from(bytes.get(end) == Some(&b' '));
        if name == "bin" {
            return end + usize::try_from(number.unwrap_or(0)).unwrap_or(0).min(bytes.len() - end);
        }
        self.word(name, number);
        end
    }

    fn symbol(&mut self, bytes: &[u8], at: usize, symbol: u8) -> usize {
        match symbol {
            b'\'' => {
                let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
                if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    self.byte(byte);
                }
                return (at + 3).min(bytes.len());
            }
            b'*' => self.state.left_out = true,
            b'~' => self.put(" "),
            b'_' => self.put("-"),
            b'\n' | b'\r' => self.end_paragraph(),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
        at + 1
    }

    fn word(&mut self, name: &str, number: Option<i32>) {
        match name {
            "par" | "sect" | "page" => self.end_paragraph(),
            "pard" => {
                self.state.in_table = false;
                self.state.outline = None;
                self.state.style = 0;
            }
            "line" | "tab" => self.put(" "),
            "cell" | "nestcell" => {
                self.enter_cell();
                self.flow.close_all();
                self.flow.end_cell();
            }
            "row" | "nestrow" => {
                self.flow.close_all();
                self.flow.end_row();
            }
            "intbl" => self.state.in_table = true,
            "outlinelevel" => {
                self.state.outline =
                    number.filter(|level| (0..6).contains(level)).map(|level| level as u8 + 1)
            }
            "s" => self.state.style = number.unwrap_or(0),
            "uc" => self.state.substitutes = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "u" => self.unicode(number.unwrap_or(0) as u16),
            "stylesheet" => self.state.in_stylesheet = true,
            "listtext" | "pntext" => {
                self.state.is_mark = true;
                self.mark = Some(String::new());
            }
            "emdash" => self.put("—"),
            "endash" => self.put("–"),
            "bullet" => self.put("•"),
            "lquote" => self.put("‘"),
            "rquote" => self.put("’"),
            "ldblquote" => self.put("“"),
            "rdblquote" => self.put("”"),
            _ if LEFT_OUT.contains(&name) => self.state.left_out = true,
            _ => {}
        }
    }

    /// A UTF-16 unit.
    fn unicode(&mut self, unit: u16) {
        self.pass = 0;
        let units = match (self.high.take(), unit) {
            (None, 0xD800..=0xDBFF) => {
                self.high = Some(unit);
                self.pass = self.state.substitutes;
                return;
            }
            (Some(high), _) => vec![high, unit],
            (None, _) => vec![unit],
        };
        let text: String = char::decode_utf16(units).filter_map(Result::ok).collect();
        self.put(&text);
        self.pass = self.state.substitutes;
    }

    fn byte(&mut self, byte: u8) {
        if self.pass > 0 {
            self.pass -= 1;
            return;
        }
        let character = text::windows_1252_character(byte);
        self.put(character.encode_utf8(&mut [0; 4]));
    }

    fn put(&mut self, text: &str) {
        if self.state.left_out {
            return;
        }
        if self.state.in_stylesheet {
            return self.style_text(text);
        }
        if self.state.is_mark {
            if let Some(mark) = &mut self.mark {
                mark.push_str(text);
            }
            return;
        }
        if !self.flow.is_open() {
            if text.trim().is_empty() {
                return;
            }
            self.open();
        }
        self.flow.text(text);
    }

    /// `heading 1;` ends a style's entry.
    fn style_text(&mut self, text: &str) {
        self.style_name.push_str(text);
        if !text.ends_with(';') {
            return;
        }
        let name = std::mem::take(&mut self.style_name).to_lowercase();
        let level = name
            .trim()
            .trim_end_matches(';')
            .strip_prefix("heading ")
            .and_then(|level| level.trim().parse().ok());
        if let Some(level) = level.filter(|level| (1..=6).contains(level)) {
            self.styles.insert(self.state.style, level);
        }
    }

    fn open(&mut self) {
        if self.state.in_table {
            self.enter_cell();
        } else if self.flow.in_table() {
            self.flow.end_table();
        }
        let heading = self.state.outline.or_else(|| self.styles.get(&self.state.style).copied());
        let mark = self.mark.take().map(|mark| mark.trim().to_string());
        match (heading, mark) {
            (Some(level), _) if !self.state.in_table => self.flow.open(BlockKind::Heading(level)),
            (_, Some(mark)) if !self.state.in_table => {
                let is_number = mark.starts_with(char::is_alphanumeric);
                self.flow.open(BlockKind::ListItem);
                self.flow.marker(&if is_number { format!("{mark} ") } else { "- ".to_string() });
            }
            _ => self.flow.open(BlockKind::Paragraph),
        }
    }

    fn enter_cell(&mut self) {
        if !self.flow.in_table() {
            self.flow.close_all();
            self.flow.start_table();
        }
        if !self.flow.in_cell() {
            self.flow.start_cell(1, 1);
        }
    }

    fn end_paragraph(&mut self) {
        if !self.state.left_out && !self.state.in_stylesheet {
            self.flow.close_all();
            self.mark = None;
        }
    }
}
