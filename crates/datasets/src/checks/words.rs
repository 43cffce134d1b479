//! Words, stems and numbers of a text, for comparing texts. English and French; other languages lose only the list of
//! words that say nothing.

/// Words that stand in every text.
const STOP_WORDS: &[&str] = &[
    "about", "after", "all", "also", "and", "any", "are", "been", "before", "being", "both", "but", "can",
    "could", "did", "does", "each", "for", "from", "had", "has", "have", "her", "here", "his", "how", "into",
    "its", "may", "more", "most", "must", "not", "once", "only", "other", "our", "out", "over", "she",
    "should", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "through", "under", "until", "was", "were", "what", "when", "where", "which", "while",
    "who", "whose", "why", "will", "with", "would", "you", "your", // French
    "alors", "aux", "avec", "avoir", "car", "ceci", "cela", "ces", "cet", "cette", "ceux", "chez", "comme",
    "dans", "des", "doit", "donc", "dont", "elle", "elles", "est", "être", "été", "ils", "les", "leur",
    "leurs", "lors", "lorsque", "mais", "même", "nos", "notre", "nous", "ont", "par", "parce", "pas", "peut",
    "plus", "pour", "puis", "que", "quel", "quelle", "qui", "quoi", "sans", "ses", "son", "sont", "sous",
    "sur", "tous", "tout", "toute", "toutes", "très", "une", "vers", "vos", "votre", "vous",
];

/// Number words that are no articles, with their digits.
const NUMBER_WORDS: &[(&str, &str)] = &[
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("deux", "2"),
    ("trois", "3"),
    ("quatre", "4"),
    ("cinq", "5"),
    ("sept", "7"),
    ("huit", "8"),
    ("neuf", "9"),
    ("dix", "10"),
    ("onze", "11"),
    ("douze", "12"),
];

/// Scripts that put no spaces between words: each character counts as one.
fn is_word_alone(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Words with the byte at which they start.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let first = text[start..].chars().next()?;
        let inside = |character: char| character.is_alphanumeric() && !is_word_alone(character);
        let length = match is_word_alone(first) {
            true => first.len_utf8(),
            false => text[start..].find(|character| !inside(character)).unwrap_or(text.len() - start),
        };
        rest = start + length;
        Some((start, &text[start..rest]))
    })
}

/// True for words that a comparison should leave out.
pub fn is_stop_word(lower: &str) -> bool {
    STOP_WORDS.contains(&lower)
}

/// A word by which its inflections are compared: lower case, without a plural s, six letters at most.
pub fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let singular = lower.strip_suffix('s').filter(|stem| stem.chars().count() >= 3).unwrap_or(&lower);
    singular.chars().take(6).collect()
}

/// Stems of the words that carry meaning: three letters or more, no numbers, no stop words.
pub fn content_stems(text: &str) -> impl Iterator<Item = String> {
    words(text).filter_map(|(_, word)| {
        let lower = word.to_lowercase();
        let letters = lower.chars().count();
        let alone = lower.chars().next().is_some_and(is_word_alone);
        let number = lower.chars().any(|character| character.is_ascii_digit());
        ((letters >= 3 || alone) && !number && !is_stop_word(&lower)).then(|| stem(&lower))
    })
}

/// A number as it is written, and the ways in which it may be compared.
#[derive(Debug, PartialEq)]
pub struct Number {
    /// As it stands in the text.
    pub written: String,
    /// Without separators of thousands, a point before decimals: `1 234,50` and `1,234.5` are `1234.5`.
    pub value: String,
    /// Its groups of digits.
    pub parts: Vec<String>,
}

/// All numbers; markers of numbered lists are none.
pub fn numbers(text: &str) -> Vec<Number> {
    text.lines().flat_map(|line| line_numbers(without_list_marker(line))).collect()
}

/// Digits that number words stand for.
pub fn spelled_numbers(text: &str) -> impl Iterator<Item = &'static str> {
    words(text).filter_map(|(_, word)| {
        let lower = word.to_lowercase();
        NUMBER_WORDS.iter().find(|(name, _)| *name == lower).map(|(_, digits)| *digits)
    })
}

fn without_list_marker(line: &str) -> &str {
    let text = line.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text[digits..].strip_prefix(['.', ')']) {
        Some(rest) if (1..=3).contains(&digits) && rest.starts_with(' ') => rest,
        _ => line,
    }
}

fn line_numbers(line: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (number, length) = number_at(&rest[start..]);
        found.push(number);
        rest = &rest[start + length..];
    }
    found
}

/// The number that a text begins with, and its bytes.
fn number_at(text: &str) -> (Number, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    let mut groups = vec![&text[..length]];
    let mut last_separator = None;
    while let Some(separator) = text[length..].chars().next() {
        let after = &text[length + separator.len_utf8()..];
        let group = &after[..digits(after)];
        let thousands = group.len() == 3 && groups[0].len() <= 3;
        let belongs = match separator {
            '.' | ',' => !group.is_empty(),
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' => thousands,
            _ => false,
        };
        if !belongs {
            break;
        }
        length += separator.len_utf8() + group.len();
        groups.push(group);
        last_separator = Some(separator);
    }
    let last = groups[groups.len() - 1];
    let decimal = matches!(last_separator, Some('.' | ',')) && last.len() != 3;
    let whole = groups[..groups.len() - usize::from(decimal)].concat();
    let fraction = if decimal { last.trim_end_matches('0') } else { "" };
    let mut value = canonical(&whole);
    if !fraction.is_empty() {
        value = format!("{value}.{fraction}");
    }
    let parts = groups.iter().map(|group| canonical(group)).collect();
    (Number { written: text[..length].to_string(), value, parts }, length)
}

/// Without leading zeros.
fn canonical(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_string() } else { trimmed.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        for (text, expected) in [
            ("1 234,50 €", vec!["1234.5"]),
            ("1,234.5", vec!["1234.5"]),
            ("1\u{202f}000 and 1'000", vec!["1000", "1000"]),
            ("in 2024 100 people", vec!["2024", "100"]),
            ("9:15, 09h15", vec!["9", "15", "9", "15"]),
            ("1. First\n  2) Second 3", vec!["3"]),
            ("3.50 or 3,5.", vec!["3.5", "3.5"]),
            ("room B12", vec!["12"]),
            ("none", vec![]),
        ] {
            let values: Vec<String> = numbers(text).into_iter().map(|number| number.value).collect();
            assert_eq!(values, expected, "{text}");
        }
    }

    #[test]
    fn words_and_stems() {
        let found: Vec<&str> = words("L'été, 東京 42x!").map(|(_, word)| word).collect();
        assert_eq!(found, ["L", "été", "東", "京", "42x"]);
        let stems: Vec<String> = content_stems("The requests were approved by 3 managers").collect();
        assert_eq!(stems, ["reques", "approv", "manage"]);
        assert_eq!(stem("cars"), stem("car"));
    }
}
