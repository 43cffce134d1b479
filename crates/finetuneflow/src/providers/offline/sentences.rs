//! Text to sentences and sentences to words, with byte positions.
//!
//! Not a linguistic tokenizer: just careful enough that times ("9.15"), abbreviations ("Dr.", "No. 4",
//! "e.g.") and initials do not end a sentence.

/// A word of a sentence without the punctuation around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// First byte in the sentence.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Lower case text.
    pub lower: String,
    /// True where the text starts with an upper case letter.
    pub capital: bool,
    /// Punctuation that follows before the next space, such as "," or "):".
    pub after: String,
}

const ABBREVIATIONS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "sr", "jr", "no", "nr", "nos", "art", "fig", "tel", "vs", "etc",
    "e.g", "i.e", "eg", "ie", "approx", "ca", "cf", "incl", "excl", "max", "min", "ext", "dept", "vol", "p",
    "pp", "ch", "sec", "para", "ave", "bldg", "mme", "mlle", "env", "p.ex", "ex", "av", "bd", "n", "réf",
    "chap", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "co", "inc",
    "ltd",
];

/// Abbreviations that also end sentences: a capital letter decides.
const CLOSING: &[&str] = &["etc", "a.m", "p.m", "inc", "ltd", "co"];

/// Splits running text into trimmed sentences, each with its closing mark.
pub fn sentences(text: &str) -> Vec<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices() {
        if start > at || !matches!(mark, '.' | '!' | '?' | '…') {
            continue;
        }
        let mut end = at + mark.len_utf8();
        while let Some(next) =
            text[end..].chars().next().filter(|c| matches!(c, '.' | '!' | '?' | '"' | '”' | '»' | ')' | '’'))
        {
            end += next.len_utf8();
        }
        if ends_sentence(&text, at, end, mark) {
            push_trimmed(&mut found, &text[start..end]);
            start = end;
        }
    }
    push_trimmed(&mut found, &text[start..]);
    found
}

fn push_trimmed(found: &mut Vec<String>, piece: &str) {
    let piece = piece.trim();
    if piece.chars().any(char::is_alphanumeric) {
        found.push(piece.to_string());
    } else if let Some(last) = found.last_mut() {
        last.push_str(piece);
    }
}

fn ends_sentence(text: &str, at: usize, end: usize, mark: char) -> bool {
    let after = &text[end..];
    if after.trim().is_empty() {
        return true;
    }
    let spaced = after.starts_with(' ') || (mark != '.' && after.starts_with(' '));
    if !spaced {
        return false;
    }
    let next = after.trim_start().chars().next().unwrap_or(' ');
    if mark != '.' {
        // French puts a space before "?" and "!": the mark itself still ends the sentence.
        return !next.is_lowercase();
    }
    let word =
        text[..at].rsplit([' ', '(', '[', '"', '“', '«', '’', '\'']).next().unwrap_or("").to_lowercase();
    if word.chars().count() == 1 && word.chars().all(char::is_alphabetic) {
        let previous = text[..at - word.len().min(at)].trim_end().rsplit(' ').next().unwrap_or("");
        // An initial ("J. Smith") stays; a letter after a noun ("building B.") ends.
        let names_a_thing =
            previous.chars().next().is_some_and(char::is_lowercase) && !matches!(word.as_str(), "n" | "m");
        return names_a_thing && next.is_uppercase();
    }
    if CLOSING.contains(&word.as_str()) {
        return next.is_uppercase();
    }
    if ABBREVIATIONS.contains(&word.as_str()) {
        let numbered =
            matches!(word.as_str(), "no" | "max" | "min" | "art" | "sec" | "mar" | "dec" | "ex" | "st");
        return numbered && !next.is_ascii_digit() && word == "no" && next.is_uppercase();
    }
    // "1. First item": a bare number at the start of a piece is a list mark.
    !next.is_lowercase()
}

fn opening(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '"' | '“' | '„' | '«' | '\'' | '‘' | '*' | '•' | '–' | '—')
}

fn closing(c: char) -> bool {
    matches!(
        c,
        '.' | ','
            | ';'
            | ':'
            | '!'
            | '?'
            | ')'
            | ']'
            | '}'
            | '"'
            | '”'
            | '»'
            | '\''
            | '’'
            | '*'
            | '…'
            | '–'
            | '—'
    )
}

/// The words of one sentence. With `elisions`, French "l'atelier" is two words.
pub fn words(sentence: &str, elisions: bool) -> Vec<Word> {
    let mut found = Vec::new();
    for piece in sentence.split_whitespace() {
        let offset = piece.as_ptr() as usize - sentence.as_ptr() as usize;
        let inner = piece.trim_start_matches(opening);
        let start = offset + piece.len() - inner.len();
        let mut core = inner.trim_end_matches(closing);
        if is_dotted(core, inner) {
            core = &inner[..core.len() + 1];
        }
        if core.is_empty() {
            continue;
        }
        let after = inner[core.len()..].to_string();
        push_word(&mut found, core, start, after, elisions);
    }
    found
}

/// "Dr.", "a.m.", "No.": the dot belongs to the word.
fn is_dotted(core: &str, inner: &str) -> bool {
    let lower = core.to_lowercase();
    inner[core.len()..].starts_with('.')
        && (lower.contains('.') && lower.chars().all(|c| c.is_alphabetic() || c == '.')
            || matches!(lower.as_str(), "dr" | "mr" | "mrs" | "ms" | "prof" | "no" | "st")
                && inner.len() == core.len() + 1)
}

fn push_word(found: &mut Vec<Word>, core: &str, start: usize, after: String, elisions: bool) {
    if elisions && let Some(at) = core.find(['\'', '’']) {
        let head = core[..at].to_lowercase();
        let quote = core[at..].chars().next().map_or(1, char::len_utf8);
        let elided = matches!(
            head.as_str(),
            "l" | "d" | "j" | "n" | "s" | "c" | "m" | "t" | "qu" | "jusqu" | "lorsqu" | "puisqu"
        );
        if elided && at + quote < core.len() {
            found.push(word(&core[..at + quote], start, String::new()));
            found.push(word(&core[at + quote..], start + at + quote, after));
            return;
        }
    }
    found.push(word(core, start, after));
}

fn word(text: &str, start: usize, after: String) -> Word {
    let lower = text.to_lowercase().replace('’', "'");
    let capital = text.chars().next().is_some_and(char::is_uppercase);
    Word { start, end: start + text.len(), lower, capital, after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_times_and_numbers_do_not_end_a_sentence() {
        let cases: &[(&str, &[&str])] = &[
            (
                "It opens at 9.15. It closes at 6 p.m. on Sundays.",
                &["It opens at 9.15.", "It closes at 6 p.m. on Sundays."],
            ),
            ("Ask Dr. Weiss in room No. 4. She knows.", &["Ask Dr. Weiss in room No. 4.", "She knows."]),
            ("Bring tools, e.g. a hammer. Thank you!", &["Bring tools, e.g. a hammer.", "Thank you!"]),
            (
                "Call J. Smith today. Go to building B. Wait there.",
                &["Call J. Smith today.", "Go to building B.", "Wait there."],
            ),
            ("Where is it? Here.", &["Where is it?", "Here."]),
            ("Prices are 3.50 euros. Members pay 2.", &["Prices are 3.50 euros.", "Members pay 2."]),
            ("Écrivez à M. Petit. Il répond.", &["Écrivez à M. Petit.", "Il répond."]),
            ("Est-ce ouvert ? Oui, le lundi.", &["Est-ce ouvert ?", "Oui, le lundi."]),
            ("", &[]),
            ("...", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(&sentences(text), expected, "{text}");
        }
    }

    #[test]
    fn words_lose_outer_punctuation_only() {
        let lower: Vec<String> =
            words("(The \"Day ticket\") costs €14, at 9:15.", false).into_iter().map(|w| w.lower).collect();
        assert_eq!(lower, ["the", "day", "ticket", "costs", "€14", "at", "9:15"]);
        let lower: Vec<String> =
            words("L’atelier n'ouvre qu'à 9 h.", true).into_iter().map(|w| w.lower).collect();
        assert_eq!(lower, ["l'", "atelier", "n'", "ouvre", "qu'", "à", "9", "h"]);
    }
}
