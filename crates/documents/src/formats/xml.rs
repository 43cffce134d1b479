//! XML event by event. No document tree, so that depth costs nothing; no entities but the five of XML itself.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// What stands next in the file.
pub enum Mark<'a> {
    Start(&'a BytesStart<'a>),
    /// Its local name.
    End(&'a [u8]),
    Text(&'a str),
}

/// Calls `visit` for each mark; an empty element is a start and an end.
pub fn walk(xml: &str, mut visit: impl FnMut(Mark)) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => visit(Mark::Start(&tag)),
            Event::Empty(tag) => {
                visit(Mark::Start(&tag));
                visit(Mark::End(tag.local_name().as_ref()));
            }
            Event::End(tag) => visit(Mark::End(tag.local_name().as_ref())),
            Event::Text(text) => visit(Mark::Text(&text.decode().unwrap_or_default())),
            Event::CData(text) => visit(Mark::Text(&String::from_utf8_lossy(&text))),
            Event::GeneralRef(reference) => {
                if let Some(character) = resolve(&reference) {
                    visit(Mark::Text(character.encode_utf8(&mut [0; 4])));
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn resolve(reference: &BytesRef) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match reference.decode().ok()?.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// An attribute by its local name.
pub fn attribute(tag: &BytesStart, name: &[u8]) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = String::from_utf8_lossy(&found.value);
    Some(quick_xml::escape::unescape(&value).map_or_else(|_| value.to_string(), String::from))
}

/// An attribute that is a number.
pub fn number(tag: &BytesStart, name: &[u8]) -> Option<usize> {
    attribute(tag, name)?.trim().parse().ok()
}
