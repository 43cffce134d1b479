//! Mail messages (RFC 5322, MIME), recognised by their header lines. Attachments are named, not read.

use mail_parser::{Address, MessageParser, MimeHeaders};

use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::{Format, Input, Reader, html};
use crate::remark::Remark;

pub static READER: Reader = Reader {
    format: Format::Email,
    name: "mail message (EML)",
    extensions: &["eml"],
    media_type: "message/rfc822",
    recognises: |input| input.decoded().is_some_and(|decoded| has_mail_headers(&decoded.text)),
    read,
};

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

fn read(input: &Input) -> Result<Document, DocumentError> {
    let Some(message) = MessageParser::default().parse(input.bytes) else {
        return Err(input.damaged(Format::Email, "its headers cannot be read"));
    };
    let mut flow = Flow::default();
    flow.builder.push(BlockKind::Heading(1), message.subject().unwrap_or_default());
    let date = message.date().map(|date| date.to_rfc3339());
    let lines = [("From", message.from().map(people)), ("To", message.to().map(people)), ("Date", date)];
    let lines: Vec<String> =
        lines.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?))).collect();
    flow.builder.push(BlockKind::Paragraph, &lines.join("\n"));
    for part in message.text_bodies() {
        let Some(text) = part.text_contents() else { continue };
        if part.is_text_html() {
            flow = html::walk(text, flow);
            continue;
        }
        for paragraph in text.replace("\r\n", "\n").split("\n\n") {
            let words: Vec<&str> = paragraph.split_whitespace().collect();
            flow.builder.push(BlockKind::Paragraph, &words.join(" "));
        }
    }
    for part in message.attachments() {
        let name = part.attachment_name().unwrap_or("without a name");
        flow.builder.warn(Remark::AttachmentSkipped { name: name.to_owned() }, None);
    }
    Ok(flow.finish(Format::Email))
}

/// Names with addresses, apart by commas.
fn people(address: &Address) -> String {
    let groups = address.as_group().unwrap_or_default().iter().flat_map(|group| &group.addresses);
    let people = address.as_list().unwrap_or_default().iter().chain(groups);
    let written = people.map(|person| match (&person.name, &person.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.to_string(),
        (None, None) => String::new(),
    });
    written.collect::<Vec<_>>().join(", ")
}
