//! Where sentences end. Rules, no model: a mark of the end, then white space, then something that can begin a sentence.

/// Words before a full stop that do not end a sentence (lower case, without the stop).
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "cf", "no", "nos", "nr", "vol", "fig",
    "figs", "eq", "sec", "ch", "p", "pp", "art", "al", "approx", "dept", "est", "inc", "ltd", "co", "corp",
    "jr", "sr", "mme", "mlle", "m", "mm", "env", "ex", "réf", "tél", "bzw", "z.b", "u.a", "jan", "feb",
    "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Byte offsets at which sentences end (after the white space that follows), the last one `text.len()`.
pub fn ends(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let mut index = 0;
    while index < characters.len() {
        let (offset, character) = characters[index];
        if character == '\n' {
            index = skip_white(&characters, index);
            found.push(offset_at(&characters, index, text));
            continue;
        }
        let wide = matches!(character, '。' | '！' | '？');
        if !wide && !matches!(character, '.' | '!' | '?' | '…') {
            index += 1;
            continue;
        }
        let mut next = index + 1;
        while next < characters.len() && is_closing(characters[next].1) {
            next += 1;
        }
        let after_white = skip_white(&characters, next);
        let separated = after_white > next || wide;
        let can_begin = characters.get(after_white).is_none_or(|(_, c)| !c.is_lowercase());
        let stopped = || character != '.' || !is_abbreviation(&text[..offset]);
        if separated && can_begin && stopped() {
            found.push(offset_at(&characters, after_white, text));
        }
        index = after_white.max(index + 1);
    }
    if found.last() != Some(&text.len()) {
        found.push(text.len());
    }
    found.dedup();
    found
}

fn offset_at(characters: &[(usize, char)], index: usize, text: &str) -> usize {
    characters.get(index).map_or(text.len(), |(offset, _)| *offset)
}

fn skip_white(characters: &[(usize, char)], mut index: usize) -> usize {
    while index < characters.len() && characters[index].1.is_whitespace() {
        index += 1;
    }
    index
}

fn is_closing(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | ']' | '}' | '”' | '’' | '»' | '.' | '!' | '?')
}

/// Whether the word before a full stop is an abbreviation, an initial, or a number at the start of a line. A long
/// word is none of them, and is not looked at as a whole.
fn is_abbreviation(before: &str) -> bool {
    const LONGEST: usize = 40;
    let near = before.char_indices().rev().take(LONGEST).last().map_or(0, |(offset, _)| offset);
    let before = &before[near..];
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
    if word.is_empty() {
        return true;
    }
    let lower = word.to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let whole = near == 0 || word.len() < before.len();
    let numbers_a_line = whole
        && word.chars().all(|c| c.is_ascii_digit())
        && before[..before.len() - word.len()].chars().next_back().is_none_or(|c| c == '\n');
    initial || numbers_a_line || ABBREVIATIONS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::ends;

    fn split(text: &str) -> Vec<&str> {
        let mut start = 0;
        ends(text)
            .into_iter()
            .map(|end| {
                let piece = &text[start..end];
                start = end;
                piece.trim_end()
            })
            .collect()
    }

    #[test]
    fn sentences() {
        let cases: &[(&str, &[&str])] = &[
            ("One. Two! Three?", &["One.", "Two!", "Three?"]),
            ("Dr. Smith paid 3.50 euros. He left.", &["Dr. Smith paid 3.50 euros.", "He left."]),
            ("See e.g. Figure 2. \"Really?\" Yes.", &["See e.g. Figure 2.", "\"Really?\"", "Yes."]),
            ("J. R. Tolkien wrote it. (Long ago.) Then", &["J. R. Tolkien wrote it.", "(Long ago.)", "Then"]),
            ("version 2. of the file", &["version 2. of the file"]),
            ("これは文です。次の文。", &["これは文です。", "次の文。"]),
            ("line one\nline two", &["line one", "line two"]),
            ("", &[""]),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), *expected, "{text:?}");
            assert_eq!(ends(text).last(), Some(&text.len()));
        }
    }

    #[test]
    fn long_words_with_full_stops_take_no_time() {
        // Quadratic time would be hours.
        for word in ["a.", "1.", ". ", "a. ", "\n."] {
            assert!(!ends(&word.repeat(2_000_000)).is_empty());
        }
    }
}
