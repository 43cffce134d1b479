//! A parser that reads damaged JSON the way its writer meant it.
//!
//! Reads from left to right without backing up further than one string; a budget bounds the work, a limit
//! the depth.

use serde_json::{Map, Number, Value};

use super::RepairError;
use super::characters::{
    continues_name, ends_unquoted, is_delimiter, is_quote, is_space, is_url, starts_name, starts_value,
};

/// Nested deeper, a text is refused.
pub const MAX_DEPTH: usize = 256;

/// The state of one reading.
pub struct Parser<'a> {
    pub chars: &'a [char],
    pub at: usize,
    depth: usize,
    /// Characters that strings may still read, second readings included.
    pub budget: usize,
    /// Open parentheses of function calls around the value.
    calls: usize,
}

type Parsed<T> = Result<T, RepairError>;

impl<'a> Parser<'a> {
    /// Starts reading at a position.
    pub fn new(chars: &'a [char], at: usize) -> Self {
        Self { chars, at, depth: 0, budget: chars.len().saturating_mul(16) + 4096, calls: 0 }
    }

    /// The whole text as one value, or as a list where values stand on lines or behind commas.
    pub fn document(&mut self) -> Parsed<Value> {
        self.fence(&["```", "[```", "{```"]);
        let Some(mut value) = self.value()? else {
            return Err(if self.at >= self.chars.len() { self.unexpected_end() } else { self.unexpected() });
        };
        self.fence(&["```]", "```}", "```"]);
        let before = self.at;
        self.skip_space_and_comments();
        let comma = self.eat(',');
        self.skip_space_and_comments();
        let separated = comma
            || self.chars[before.min(self.at)..self.at].contains(&'\n')
            || before > 0 && self.chars.get(before - 1) == Some(&'\n');
        if separated && self.peek().is_some_and(starts_value) {
            value = self.lines(value)?;
        }
        while matches!(self.peek(), Some('}' | ']')) {
            self.at += 1;
            self.skip_space_and_comments();
        }
        if self.at < self.chars.len() { Err(self.unexpected()) } else { Ok(value) }
    }

    /// Values after the first, apart by line breaks or commas.
    fn lines(&mut self, first: Value) -> Parsed<Value> {
        let mut values = vec![first];
        loop {
            self.skip_space_and_comments();
            self.eat(',');
            match self.value()? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    /// One value with the space and comments around it; `None` where none begins.
    pub fn value(&mut self) -> Parsed<Option<Value>> {
        self.skip_space_and_comments();
        let value = match self.peek() {
            None => None,
            Some('{') => Some(self.nested(Self::object)?),
            Some('[') => Some(self.nested(Self::array)?),
            Some(_) => self.scalar()?,
        };
        // A line break decides about lists of values: it is left for `document` to see.
        if self.depth > 0 {
            self.skip_space_and_comments();
        }
        Ok(value)
    }

    fn scalar(&mut self) -> Parsed<Option<Value>> {
        if let Some(text) = self.string()? {
            return Ok(Some(Value::String(text)));
        }
        if let Some(number) = self.number() {
            return Ok(Some(number));
        }
        if let Some(keyword) = self.keyword() {
            return Ok(Some(keyword));
        }
        if let Some(value) = self.unquoted(false)? {
            return Ok(Some(value));
        }
        Ok(self.regular_expression())
    }

    fn nested(&mut self, read: fn(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        if self.depth >= MAX_DEPTH {
            return Err(RepairError::TooDeep { limit: MAX_DEPTH });
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Parsed<Value> {
        let mut members = Map::new();
        self.skip_space_and_comments();
        if self.eat(',') {
            self.skip_space_and_comments();
        }
        while !matches!(self.peek(), None | Some('}')) {
            self.skip_ellipsis();
            let key = match self.string()? {
                Some(key) => Some(key),
                None => self.unquoted_key()?,
            };
            let Some(key) = key else {
                if matches!(self.peek(), None | Some('}' | '{' | ']' | '[')) {
                    break;
                }
                return Err(self.wrong("a key was expected"));
            };
            self.skip_space_and_comments();
            let colon = self.eat(':');
            let truncated = self.at >= self.chars.len();
            if !colon && !truncated && !self.peek().is_some_and(starts_value) {
                return Err(self.wrong("a colon was expected"));
            }
            let value = self.value()?;
            if value.is_none() && !colon && !truncated {
                return Err(self.wrong("a colon was expected"));
            }
            members.insert(key, value.unwrap_or(Value::Null));
            self.skip_space_and_comments();
            if self.eat(',') {
                self.skip_space_and_comments();
            }
        }
        self.eat('}');
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Parsed<Value> {
        let mut items = Vec::new();
        self.skip_space_and_comments();
        if self.eat(',') {
            self.skip_space_and_comments();
        }
        while !matches!(self.peek(), None | Some(']')) {
            self.skip_ellipsis();
            let Some(item) = self.value()? else { break };
            items.push(item);
            self.skip_space_and_comments();
            if self.eat(',') {
                self.skip_space_and_comments();
            }
        }
        self.eat(']');
        Ok(Value::Array(items))
    }

    fn skip_ellipsis(&mut self) {
        self.skip_space_and_comments();
        if self.starts_with("...") {
            self.at += 3;
            self.skip_space_and_comments();
            self.eat(',');
            self.skip_space_and_comments();
        }
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        let digits = |parser: &mut Self| {
            let from = parser.at;
            while parser.peek().is_some_and(|c| c.is_ascii_digit()) {
                parser.at += 1;
            }
            parser.at - from
        };
        let negative = self.eat('-');
        let whole = digits(self);
        let dot = self.eat('.');
        let fraction = if dot { digits(self) } else { 0 };
        let shaped = whole > 0 || dot || negative;
        let exponent_at = self.at;
        if shaped && (whole + fraction > 0) && matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            digits(self);
        }
        let ended = self.peek().is_none_or(|c| is_delimiter(c) || is_space(c));
        let leading_zero = whole > 1 && self.chars.get(start + usize::from(negative)) == Some(&'0');
        if !shaped || !ended || leading_zero {
            self.at = start;
            return None;
        }
        let mantissa: String = self.chars[start..exponent_at].iter().collect();
        let mantissa = if mantissa.starts_with("-.") || mantissa.starts_with('.') {
            mantissa.replacen('.', "0.", 1)
        } else {
            mantissa
        };
        let mantissa = if mantissa == "-" { "0".to_string() } else { mantissa };
        let mantissa = if mantissa.ends_with('.') { format!("{mantissa}0") } else { mantissa };
        let exponent: String = self.chars[exponent_at..self.at].iter().collect();
        let exponent =
            if exponent.ends_with(|c: char| c.is_ascii_digit()) { exponent } else { String::new() };
        // "2." means 2, not 2.0.
        let plain = if exponent.is_empty() {
            mantissa.strip_suffix(".0").filter(|_| fraction == 0).unwrap_or(&mantissa).to_string()
        } else {
            format!("{mantissa}{exponent}")
        };
        match serde_json::from_str::<Number>(&plain) {
            Ok(number) => Some(Value::Number(number)),
            Err(_) => Some(Value::String(self.chars[start..self.at].iter().collect())),
        }
    }

    fn keyword(&mut self) -> Option<Value> {
        const KEYWORDS: &[(&str, Value)] = &[
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
            ("True", Value::Bool(true)),
            ("False", Value::Bool(false)),
            ("None", Value::Null),
        ];
        for (word, value) in KEYWORDS {
            if self.starts_with(word) {
                let after = self.chars.get(self.at + word.len());
                if after.is_none_or(|c| is_delimiter(*c) || is_space(*c) || is_quote(*c) || *c == ';') {
                    // "true story" is a text.
                    if self.text_continues(self.at + word.len()) {
                        return None;
                    }
                    self.at += word.len();
                    return Some(value.clone());
                }
            }
        }
        None
    }

    /// True where more words follow on the line before any delimiter.
    fn text_continues(&self, from: usize) -> bool {
        let mut at = from;
        while self.chars.get(at).is_some_and(|c| is_space(*c) && *c != '\n') {
            at += 1;
        }
        at > from && self.chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') && self.depth == 0
    }

    fn unquoted_key(&mut self) -> Parsed<Option<String>> {
        Ok(self.unquoted(true)?.map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        }))
    }

    /// A text without quotes, or what a function call wraps: `ObjectId("12")`, `callback({…});`.
    fn unquoted(&mut self, key: bool) -> Parsed<Option<Value>> {
        let start = self.at;
        if !key
            && self.peek().is_some_and(starts_name)
            && let Some(value) = self.call()?
        {
            return Ok(Some(value));
        }
        self.at = start;
        while let Some(c) = self.peek() {
            if ends_unquoted(c) || is_quote(c) || key && c == ':' || self.calls > 0 && c == ')' {
                break;
            }
            self.at += 1;
        }
        if !key {
            self.finish_url(start);
        }
        if self.at == start {
            return Ok(None);
        }
        let text: String = self.chars[start..self.at].iter().collect();
        let text = text.trim_end_matches(is_space).to_string();
        // Line breaks behind a text separate lists of values.
        while self.at > start && is_space(self.chars[self.at - 1]) && self.peek() != Some('"') {
            self.at -= 1;
        }
        if self.peek() == Some('"') {
            // Only the opening quote was missing.
            self.at += 1;
        }
        Ok(Some(if text == "undefined" { Value::Null } else { Value::String(text) }))
    }

    fn call(&mut self) -> Parsed<Option<Value>> {
        while self.peek().is_some_and(continues_name) {
            self.at += 1;
        }
        let mut open = self.at;
        while self.chars.get(open).is_some_and(|c| is_space(*c)) {
            open += 1;
        }
        if self.chars.get(open) != Some(&'(') {
            return Ok(None);
        }
        if self.depth >= MAX_DEPTH {
            return Err(RepairError::TooDeep { limit: MAX_DEPTH });
        }
        self.at = open + 1;
        self.depth += 1;
        self.calls += 1;
        let value = self.value();
        self.depth -= 1;
        self.calls -= 1;
        let value = value?;
        if self.eat(')') {
            self.eat(';');
        }
        Ok(Some(value.unwrap_or(Value::Null)))
    }

    /// "https:" was read up to its first slash: takes the rest of the address.
    pub fn finish_url(&mut self, start: usize) {
        const SCHEMES: &[&str] =
            &["http://", "https://", "ftp://", "mailto://", "file://", "data://", "irc://"];
        if self.peek() != Some('/')
            || self.at == start
            || self.chars[self.at - 1] != ':'
            || self.at - start > 8
        {
            return;
        }
        let head: String = self.chars[start..(self.at + 2).min(self.chars.len())].iter().collect();
        if SCHEMES.contains(&head.as_str()) {
            while self.peek().is_some_and(is_url) {
                self.at += 1;
            }
        }
    }

    fn regular_expression(&mut self) -> Option<Value> {
        if self.peek() != Some('/') {
            return None;
        }
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek().filter(|c| *c != '/') {
            self.at += if c == '\\' { 2 } else { 1 };
        }
        self.at = (self.at + 1).min(self.chars.len());
        Some(Value::String(self.chars[start..self.at].iter().collect()))
    }

    /// A Markdown fence with its language name.
    fn fence(&mut self, marks: &[&str]) -> bool {
        let start = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        for mark in marks {
            if self.starts_with(mark) {
                self.at += mark.len();
                if self.peek().is_some_and(starts_name) {
                    while self.peek().is_some_and(continues_name) {
                        self.at += 1;
                    }
                }
                return true;
            }
        }
        self.at = start;
        false
    }

    /// Skips white space and `/* */`, `//` comments; fences inside a text too.
    pub fn skip_space_and_comments(&mut self) {
        loop {
            while self.peek().is_some_and(is_space) {
                self.at += 1;
            }
            if self.starts_with("/*") {
                self.at += 2;
                while self.at < self.chars.len() && !self.starts_with("*/") {
                    self.at += 1;
                }
                self.at = (self.at + 2).min(self.chars.len());
            } else if self.starts_with("//") {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    pub fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    pub fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c))
    }

    /// True inside `name( … )`.
    pub fn in_call(&self) -> bool {
        self.calls > 0
    }

    pub fn wrong(&self, reason: &'static str) -> RepairError {
        RepairError::NotJson { position: self.at, reason }
    }

    fn unexpected(&self) -> RepairError {
        self.wrong("a character that fits nowhere")
    }

    fn unexpected_end(&self) -> RepairError {
        self.wrong("the text ends where a value was expected")
    }
}
