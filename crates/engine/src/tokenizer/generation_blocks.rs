//! `{% generation %}` blocks: which bytes of a rendered conversation the template calls the assistant's.
//!
//! `transformers` has them as a Jinja extension. Here a block is rewritten, before parsing, into a filter block whose
//! filter puts a mark character on either side of the text; the marks are taken out of the rendered text again.

use std::ops::Range;

/// Name of the filter that a rewritten block calls.
pub(super) const FILTER: &str = "mark_assistant_text";
/// Variable that holds the mark of one rendering; as the filter's argument, it reaches macros too.
pub(super) const MARK_VARIABLE: &str = "assistant_text_mark";

/// Marks come from the 32 noncharacters U+FDD0 to U+FDEF, in pairs: the second one closes.
const FIRST_MARK: u32 = 0xFDD0;
const MARK_PAIRS: u32 = 16;

/// The source with its generation blocks rewritten, or `None` where it has none. Comments and raw blocks are left alone.
pub(super) fn rewrite(source: &str) -> Option<String> {
    let mut rewritten = String::with_capacity(source.len() + 64);
    let (mut copied, mut at, mut found) = (0, 0, false);
    while let Some(open) = next_open(source, at) {
        let rest = &source[open..];
        if rest.starts_with("{#") {
            at = rest.find("#}").map_or(source.len(), |end| open + end + 2);
            continue;
        }
        let Some(end) = tag_end(source, open) else { break };
        at = end;
        if !rest.starts_with("{%") {
            continue;
        }
        let word = tag_word(&source[open..end]);
        if word == "raw" {
            at = raw_end(source, end);
        } else if word == "generation" || word == "endgeneration" {
            found = true;
            let start = open + source[open..end].find(word).unwrap_or(0);
            rewritten.push_str(&source[copied..start]);
            match word {
                "generation" => rewritten.push_str(&format!("filter {FILTER}({MARK_VARIABLE})")),
                _ => rewritten.push_str("endfilter"),
            }
            copied = start + word.len();
        }
    }
    rewritten.push_str(&source[copied..]);
    found.then_some(rewritten)
}

fn next_open(source: &str, at: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    (at..bytes.len().saturating_sub(1))
        .find(|&i| bytes[i] == b'{' && matches!(bytes[i + 1], b'{' | b'%' | b'#'))
}

/// The end of the tag that begins at `open`, strings inside it respected.
fn tag_end(source: &str, open: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let closing: &[u8] = if bytes[open + 1] == b'%' { b"%}" } else { b"}}" };
    let mut quote = None;
    let mut i = open + 2;
    while i < bytes.len() {
        match (quote, bytes[i]) {
            (Some(_), b'\\') => i += 1,
            (Some(q), byte) if q == byte => quote = None,
            (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
            (None, _) if bytes[i..].starts_with(closing) => return Some(i + 2),
            _ => {}
        }
        i += 1;
    }
    None
}

/// The first word of `{%- word … %}`.
fn tag_word(tag: &str) -> &str {
    let inner = tag[2..].trim_start_matches(['-', '+']).trim_start();
    let end = inner.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inner.len());
    &inner[..end]
}

fn raw_end(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(open) = source[at..].find("{%").map(|i| at + i) {
        let end = source[open..].find("%}").map_or(source.len(), |i| open + i + 2);
        if end > open + 2 && tag_word(&source[open..end]) == "endraw" {
            return end;
        }
        at = open + 2;
    }
    source.len()
}

/// A mark pair that none of the inputs holds, given as its first character. `holds` says whether a character occurs.
pub(super) fn choose_mark(holds: impl Fn(char) -> bool) -> Option<char> {
    (0..MARK_PAIRS)
        .filter_map(|pair| char::from_u32(FIRST_MARK + 2 * pair))
        .find(|&mark| !holds(mark) && !holds(closing(mark)))
}

fn closing(mark: char) -> char {
    char::from_u32(mark as u32 + 1).unwrap_or(mark)
}

/// What the filter of a rewritten block does.
pub(super) fn surround(text: &str, mark: &str) -> String {
    let Some(mark) = mark.chars().next() else { return text.to_string() };
    format!("{mark}{text}{}", closing(mark))
}

/// Takes the marks out; gives the byte ranges that they enclosed.
pub(super) fn strip(marked: &str, mark: char) -> (String, Vec<Range<usize>>) {
    let (mut text, mut ranges, mut open) = (String::with_capacity(marked.len()), Vec::new(), None);
    for piece in marked.split_inclusive([mark, closing(mark)]) {
        let body = piece.trim_end_matches([mark, closing(mark)]);
        text.push_str(body);
        if piece.ends_with(mark) {
            open.get_or_insert(text.len());
        } else if piece.len() > body.len()
            && let Some(start) = open.take()
        {
            ranges.push(start..text.len());
        }
    }
    (text, ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_where_jinja_sees_them() {
        let filter = format!("filter {FILTER}({MARK_VARIABLE})");
        let check = |source: &str, expected: Option<&str>| {
            assert_eq!(rewrite(source), expected.map(|e| e.replace("FILTER", &filter)), "{source}");
        };
        check("a{%- generation -%}b{%-endgeneration+%}c", Some("a{%- FILTER -%}b{%-endfilter+%}c"));
        check("{# {% generation %} #}{{ '{% generation %}' }}", None);
        check("{% raw %}{% generation %}{% endraw %}x", None);
        check("{% set s = '%} {% generation %}' %}", None);
        check("{% generations %}{{ unclosed", None);
        check(
            "{% if a %}{% generation %}é{% endgeneration %}{% endif %}",
            Some("{% if a %}{% FILTER %}é{% endfilter %}{% endif %}"),
        );
    }

    #[test]
    fn marks_become_ranges() {
        let mark = choose_mark(|c| c == '\u{FDD1}').expect("free pairs are left");
        assert_eq!(mark, '\u{FDD2}');
        let marked = format!("é{}x{}", surround("ab", "\u{FDD2}"), surround("", "\u{FDD2}"));
        let (text, ranges) = strip(&marked, mark);
        assert_eq!((text.as_str(), ranges), ("éabx", vec![2..4, 5..5]));
        assert_eq!(choose_mark(|_| true), None);
    }
}
