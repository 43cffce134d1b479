//! Mail messages (RFC 5322), recognised by their header lines.

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Email,
    name: "mail message (EML)",
    extensions: &["eml"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.decoded().is_some_and(|decoded| has_mail_headers(&decoded.text)),
    read: |input| structured::read(input, Format::Email, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "message/rfc822";

const TELLING: &[&str] = &[
    "from",
    "to",
    "subject",
    "date",
    "received",
    "message-id",
    "mime-version",
    "return-path",
    "delivered-to",
];

/// The text begins with a block of header lines, three of them such as mail has.
fn has_mail_headers(text: &str) -> bool {
    let mut telling = 0;
    for line in text.lines().take(100) {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { break };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            break;
        }
        telling += usize::from(TELLING.contains(&name.to_ascii_lowercase().as_str()));
    }
    telling >= 3
}
