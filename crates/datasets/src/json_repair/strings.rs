//! Strings: quotes of all kinds, missing and unescaped quotes, escapes, concatenation.

use super::RepairError;
use super::characters::{ends_unquoted, is_delimiter, is_double_quote, is_quote, is_single_quote, is_space};
use super::parser::Parser;

/// How far a string may reach on this reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The closing quote.
    Quote,
    /// The first delimiter: the closing quote is missing.
    Delimiter,
    /// This position: the closing quote is missing before it.
    Position(usize),
}

/// Where a reading of a string came to.
enum Reading {
    /// The text, complete.
    Done(String),
    /// The reading went too far: once more, with another end.
    Again(Until),
}

/// Open brackets inside a string: a quote before their closing one may belong to the text.
#[derive(Default)]
struct Brackets {
    round: usize,
    square: usize,
    curly: usize,
}

impl Brackets {
    fn note(&mut self, c: char) {
        match c {
            '(' => self.round += 1,
            ')' => self.round = self.round.saturating_sub(1),
            '[' => self.square += 1,
            ']' => self.square = self.square.saturating_sub(1),
            '{' => self.curly += 1,
            '}' => self.curly = self.curly.saturating_sub(1),
            _ => {}
        }
    }
}

impl Parser<'_> {
    /// A string with what is added to it by "+", or `None` where no quote stands here.
    pub fn string(&mut self) -> Result<Option<String>, RepairError> {
        let Some(mut text) = self.one_string()? else { return Ok(None) };
        loop {
            let end = self.at;
            self.skip_space_and_comments();
            if !self.eat('+') {
                // Space is left for the reader of lists by lines.
                self.at = end;
                return Ok(Some(text));
            }
            self.skip_space_and_comments();
            match self.one_string()? {
                Some(more) => text.push_str(&more),
                None => return Ok(Some(text)),
            }
        }
    }

    fn one_string(&mut self) -> Result<Option<String>, RepairError> {
        // \"text\": the whole document was escaped once.
        let escaped = self.peek() == Some('\\') && self.chars.get(self.at + 1).is_some_and(|c| is_quote(*c));
        let start = self.at + usize::from(escaped);
        let Some(quote) = self.chars.get(start).copied().filter(|c| is_quote(*c)) else { return Ok(None) };
        let mut until = Until::Quote;
        loop {
            self.at = start + 1;
            match self.read(quote, escaped, until)? {
                Reading::Done(text) => return Ok(Some(text)),
                Reading::Again(other) => until = other,
            }
        }
    }

    fn closes(quote: char, c: char) -> bool {
        match quote {
            '"' => c == '"',
            '\'' => c == '\'',
            _ if is_double_quote(quote) => is_double_quote(c),
            _ => is_single_quote(c),
        }
    }

    fn read(&mut self, quote: char, escaped: bool, until: Until) -> Result<Reading, RepairError> {
        let start = self.at;
        let mut text = String::new();
        let mut brackets = Brackets::default();
        loop {
            self.budget = self.budget.checked_sub(1).ok_or(RepairError::TooDamaged)?;
            if Until::Position(self.at) == until {
                return Ok(Reading::Done(trimmed(text)));
            }
            let Some(c) = self.peek() else {
                return Ok(match until {
                    Until::Quote if self.previous(self.at).is_some_and(|(_, c)| is_delimiter(c)) => {
                        Reading::Again(Until::Delimiter)
                    }
                    _ => Reading::Done(trimmed(text)),
                });
            };
            let escaped_quote = escaped
                && c == '\\'
                && self.chars.get(self.at + 1).is_some_and(|next| Self::closes(quote, *next));
            if Self::closes(quote, c) || escaped_quote {
                let at_quote = self.at;
                self.at += 1 + usize::from(escaped_quote);
                match self.judge_quote(start, at_quote, until, &brackets) {
                    Quote::Closing => return Ok(Reading::Done(text)),
                    Quote::Again(other) => return Ok(Reading::Again(other)),
                    Quote::Text => text.push(quote_char(c, escaped_quote, quote)),
                }
                continue;
            }
            if until == Until::Delimiter && ends_unquoted(c) {
                let address_from = self.at;
                self.finish_url(start);
                if self.at > address_from {
                    text.extend(&self.chars[address_from..self.at]);
                }
                return Ok(Reading::Done(trimmed(text)));
            }
            if c == '\\' {
                if !self.escape(&mut text, escaped)? {
                    return Ok(Reading::Done(trimmed(text)));
                }
                continue;
            }
            if (c as u32) < 0x20 && !matches!(c, '\u{8}' | '\u{c}' | '\n' | '\r' | '\t') {
                return Err(self.wrong("a control character that no text holds"));
            }
            brackets.note(c);
            text.push(c);
            self.at += 1;
        }
    }

    /// Is the quote just passed the end of the string, a part of its text, or proof that the end was missed?
    fn judge_quote(&self, start: usize, at_quote: usize, until: Until, brackets: &Brackets) -> Quote {
        if until == Until::Delimiter {
            return Quote::Closing;
        }
        let next = self.next_after(self.at);
        let Some((next_at, next)) = next else { return Quote::Closing };
        if self.inside_brackets(next_at, next, brackets) {
            return Quote::Text;
        }
        let doubled = next_at == self.at && at_quote > start && Self::closes(self.chars[start - 1], next);
        if doubled && self.next_after(next_at + 1).is_none_or(|(_, after)| is_delimiter(after)) {
            return Quote::Text;
        }
        if is_delimiter(next) || is_quote(next) || next.is_ascii_digit() || next == '\\' {
            return Quote::Closing;
        }
        match self.previous(at_quote).filter(|(at, _)| *at >= start) {
            Some((comma, ',')) => Quote::Again(Until::Position(comma)),
            Some((_, before)) if is_delimiter(before) => Quote::Again(Until::Delimiter),
            _ => Quote::Text,
        }
    }

    /// `(72") tall`: the bracket that was opened in the text closes behind the quote, and the text goes on.
    fn inside_brackets(&self, next_at: usize, next: char, brackets: &Brackets) -> bool {
        let opened = match next {
            ')' => brackets.round > 0 && !self.in_call(),
            ']' => brackets.square > 0,
            '}' => brackets.curly > 0,
            _ => false,
        };
        if !opened {
            return false;
        }
        let mut last = next_at;
        while next == ')' && last - next_at + 1 < brackets.round && self.chars.get(last + 1) == Some(&')') {
            last += 1;
        }
        match self.next_after(last + 1) {
            None => false,
            Some((_, after)) => next == ')' && is_quote(after) || !(is_delimiter(after) || is_quote(after)),
        }
    }

    /// The next character that is no space; a line break counts as a character.
    fn next_after(&self, from: usize) -> Option<(usize, char)> {
        let at = (from..self.chars.len()).find(|at| !is_space(self.chars[*at]) || self.chars[*at] == '\n')?;
        // Line breaks before the end, or before a bracket or comma, are only layout.
        let beyond = (at..self.chars.len()).find(|at| !is_space(self.chars[*at]))?;
        let layout = matches!(self.chars[beyond], ']' | '}' | ',' | ':' | '+' | ')');
        let at = if layout { beyond } else { at };
        Some((at, self.chars[at]))
    }

    fn previous(&self, before: usize) -> Option<(usize, char)> {
        let mut at = before.checked_sub(1)?;
        while is_space(self.chars[at]) {
            at = at.checked_sub(1)?;
        }
        Some((at, self.chars[at]))
    }

    /// Reads an escape. False where the text was cut off inside it.
    fn escape(&mut self, text: &mut String, escaped: bool) -> Result<bool, RepairError> {
        let Some(c) = self.chars.get(self.at + 1).copied() else {
            self.at += 1;
            return Ok(false);
        };
        if c == 'u' {
            return self.unicode(text);
        }
        if escaped && c == '\\' {
            // \\" in an escaped document is a quote inside the text.
            let quote = self.chars.get(self.at + 2).copied().filter(|c| is_quote(*c));
            if let Some(quote) = quote {
                text.push(quote);
                self.at += 3;
                return Ok(true);
            }
        }
        self.at += 2;
        match c {
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            _ => text.push(c),
        }
        Ok(true)
    }

    fn unicode(&mut self, text: &mut String) -> Result<bool, RepairError> {
        let unit = |at: usize| -> Option<u32> {
            let digits: String = self.chars.get(at..at + 4)?.iter().collect();
            digits.chars().all(|c| c.is_ascii_hexdigit()).then(|| u32::from_str_radix(&digits, 16).ok())?
        };
        let Some(high) = unit(self.at + 2) else {
            let rest = &self.chars[(self.at + 2).min(self.chars.len())..];
            let cut_off = rest.len() < 4 && rest.iter().all(char::is_ascii_hexdigit);
            if cut_off {
                self.at = self.chars.len();
                return Ok(false);
            }
            return Err(self.wrong("\\u must be followed by four hexadecimal digits"));
        };
        let mut end = self.at + 6;
        let mut code = high;
        if (0xd800..0xdc00).contains(&high)
            && self.chars.get(end) == Some(&'\\')
            && self.chars.get(end + 1) == Some(&'u')
            && let Some(low) = unit(end + 2).filter(|low| (0xdc00..0xe000).contains(low))
        {
            code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            end += 6;
        }
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        self.at = end;
        Ok(true)
    }
}

enum Quote {
    Closing,
    Text,
    Again(Until),
}

fn quote_char(c: char, escaped: bool, quote: char) -> char {
    if escaped { quote } else { c }
}

fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end_matches(is_space).len());
    text
}
