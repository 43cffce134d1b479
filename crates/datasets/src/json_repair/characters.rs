//! Character classes of damaged JSON.

/// JSON's own white space and the special spaces that editors and models leave behind.
pub fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\n' | '\t' | '\r' | '\u{a0}' | '\u{180e}' | '\u{2000}'
            ..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// What can stand after a complete value.
pub fn is_delimiter(c: char) -> bool {
    matches!(c, ',' | ':' | '[' | ']' | '/' | '{' | '}' | '(' | ')' | '\n' | '+')
}

/// What ends a text without quotes.
pub fn ends_unquoted(c: char) -> bool {
    matches!(c, ',' | '[' | ']' | '/' | '{' | '}' | '\n' | '+')
}

/// Double quotes of all kinds.
pub fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}')
}

/// Single quotes, backtick and acute accent.
pub fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{60}' | '\u{b4}')
}

/// Any quote.
pub fn is_quote(c: char) -> bool {
    is_double_quote(c) || is_single_quote(c)
}

/// First character of a function's or a language's name.
pub fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$')
}

/// Later characters of a name.
pub fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit()
}

/// Characters of a web address.
pub fn is_url(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '-' | '.'
                | '_'
                | '~'
                | ':'
                | '/'
                | '?'
                | '#'
                | '@'
                | '!'
                | '$'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | '+'
                | ';'
                | '='
        )
}

/// What can begin a value.
pub fn starts_value(c: char) -> bool {
    matches!(c, '{' | '[' | '-') || c == '_' || c.is_alphanumeric() || is_quote(c)
}
