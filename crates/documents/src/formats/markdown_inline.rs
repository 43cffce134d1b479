//! The marks inside a line of Markdown: emphasis, code, links, images, escapes, tags and character references.

/// The words of a piece of Markdown without its marks.
pub fn inline(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        at = step(&characters, at, &mut out);
    }
    out
}

/// Reads what stands at `at`, writes its words, and says where to go on.
fn step(characters: &[char], at: usize, out: &mut String) -> usize {
    let next = characters.get(at + 1).copied();
    match characters[at] {
        '\\' if next.is_some_and(|c| c.is_ascii_punctuation()) => {
            out.push(characters[at + 1]);
            at + 2
        }
        '`' => code(characters, at, out),
        '!' if next == Some('[') => {
            link(characters, at + 1, out).unwrap_or_else(|| keep(characters, at, out))
        }
        '[' => link(characters, at, out).unwrap_or_else(|| keep(characters, at, out)),
        '<' => tag(characters, at, out).unwrap_or_else(|| keep(characters, at, out)),
        '&' => reference(characters, at, out).unwrap_or_else(|| keep(characters, at, out)),
        mark @ ('*' | '_' | '~') => emphasis(characters, at, mark, out),
        _ => keep(characters, at, out),
    }
}

fn keep(characters: &[char], at: usize, out: &mut String) -> usize {
    out.push(characters[at]);
    at + 1
}

/// How often the character at `at` is repeated.
fn run(characters: &[char], at: usize) -> usize {
    characters[at..].iter().take_while(|c| **c == characters[at]).count()
}

fn code(characters: &[char], at: usize, out: &mut String) -> usize {
    let ticks = run(characters, at);
    let mut end = at + ticks;
    while end < characters.len() {
        if characters[end] != '`' {
            end += 1;
            continue;
        }
        let closing = run(characters, end);
        if closing == ticks {
            out.extend(&characters[at + ticks..end]);
            return end + closing;
        }
        end += closing;
    }
    out.extend(&characters[at..at + ticks]);
    at + ticks
}

/// `[words](address)` or `[words][name]`: the words.
fn link(characters: &[char], at: usize, out: &mut String) -> Option<usize> {
    // A link's text is not longer; without a bound, a row of brackets would take quadratic time.
    const LONGEST: usize = 2000;
    let mut depth = 0;
    let window = &characters[at..characters.len().min(at + LONGEST)];
    let close = at
        + window.iter().position(|c| {
            depth += i32::from(*c == '[') - i32::from(*c == ']');
            depth == 0
        })?;
    let end = match characters.get(close + 1) {
        Some('(') => matching(characters, close + 1, '(', ')')?,
        Some('[') => matching(characters, close + 1, '[', ']')?,
        _ => return None,
    };
    let words: String = characters[at + 1..close].iter().collect();
    // Nested links are rare; their marks may stay.
    out.push_str(&if words.contains('[') { words } else { inline(&words) });
    Some(end + 1)
}

fn matching(characters: &[char], at: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    let end = characters[at..].iter().take(4000).position(|c| {
        depth += i32::from(*c == open) - i32::from(*c == close);
        depth == 0
    })?;
    Some(at + end)
}

/// Tags are dropped, addresses in angle brackets kept.
fn tag(characters: &[char], at: usize, out: &mut String) -> Option<usize> {
    let end = at + characters[at..].iter().take(2000).position(|c| *c == '>')?;
    let inside: String = characters[at + 1..end].iter().collect();
    if inside.contains("://") && !inside.contains(' ') || inside.contains('@') && !inside.contains([' ', '='])
    {
        out.push_str(&inside);
        return Some(end + 1);
    }
    let name = inside.trim_start_matches('/');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') {
        return None;
    }
    if name.to_ascii_lowercase().starts_with("br") {
        out.push(' ');
    }
    Some(end + 1)
}

fn reference(characters: &[char], at: usize, out: &mut String) -> Option<usize> {
    let end = at + characters[at..].iter().take(12).position(|c| *c == ';')?;
    let name: String = characters[at + 1..end].iter().collect();
    let character = match name.as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "copy" => '©',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        _ => {
            let digits = name.strip_prefix('#')?;
            let hexadecimal = digits.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| digits.parse()).ok()?)?
        }
    };
    out.push(character);
    Some(end + 1)
}

/// Drops a run of marks that touches a word; `_` only at the edge of a word, `~` only in pairs.
fn emphasis(characters: &[char], at: usize, mark: char, out: &mut String) -> usize {
    let length = run(characters, at);
    let before = at.checked_sub(1).map(|index| characters[index]);
    let after = characters.get(at + length).copied();
    let touches = before.is_some_and(|c| !c.is_whitespace()) || after.is_some_and(|c| !c.is_whitespace());
    let inside_word = before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
    let is_mark = match mark {
        '_' => touches && !inside_word,
        '~' => length == 2,
        _ => touches && !(inside_word && before.is_some_and(|c| c.is_ascii_digit())),
    };
    if !is_mark {
        out.extend(&characters[at..at + length]);
    }
    at + length
}

#[cfg(test)]
mod tests {
    use super::inline;

    #[test]
    fn marks_are_taken_off() {
        let cases = [
            ("**bold** and *it* and __b__ and snake_case", "bold and it and b and snake_case"),
            ("`a * b` \\*kept\\* 2 * 3", "a * b *kept* 2 * 3"),
            ("[a **link**](http://x/y_(z)) ![alt](i.png)", "a link alt"),
            ("<b>x</b> <http://x.y> a < b", "x http://x.y a < b"),
            ("&amp; &#65; &#x42; &unknown; AT&T", "& A B &unknown; AT&T"),
            ("[not a link] ~~gone~~", "[not a link] gone"),
        ];
        for (text, expected) in cases {
            assert_eq!(inline(text), expected);
        }
    }

    #[test]
    fn long_rows_of_marks_take_no_time() {
        for mark in ["[", "![", "`", "<", "&", "*", "("] {
            assert!(!inline(&mark.repeat(100_000)).is_empty() || mark == "*");
        }
    }
}
