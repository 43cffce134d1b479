//! Electronic books (W3C EPUB 3): a ZIP archive of web pages, in the order of the book's spine.

use std::collections::HashMap;

use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::package::{Package, resolve};
use crate::formats::xml::{self, Mark, attribute};
use crate::formats::{Format, Input, Reader, html};
use crate::remark::Remark;

pub static READER: Reader = Reader {
    format: Format::Epub,
    name: "EPUB",
    extensions: &["epub"],
    media_type: MEDIA_TYPE,
    recognises: |input| {
        input.media_type_begins(MEDIA_TYPE)
            || input.archive().is_some_and(|archive| archive.has("META-INF/container.xml"))
    },
    read,
};

const MEDIA_TYPE: &str = "application/epub+zip";

fn read(input: &Input) -> Result<Document, DocumentError> {
    let damaged = |reason: &str| input.damaged(Format::Epub, reason);
    let mut package = Package::open(input, Format::Epub)?;
    let container =
        package.part("META-INF/container.xml").ok_or_else(|| damaged("META-INF/container.xml is missing"))?;
    let mut book = None;
    // What a damaged part still gave is used.
    let _ = xml::walk(&container, |mark| {
        if let Mark::Start(tag) = mark
            && tag.local_name().as_ref() == b"rootfile"
        {
            book = book.take().or_else(|| attribute(tag, b"full-path"));
        }
    });
    let book = book.ok_or_else(|| damaged("META-INF/container.xml names no book"))?;
    let description = package.part(&book).ok_or_else(|| damaged(&format!("{book} is missing")))?;
    let folder = book.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut flow = Flow::default();
    for chapter in spine(&description) {
        let part = resolve(folder, &unescaped(&chapter));
        match package.part(&part) {
            Some(text) => flow = html::walk(&text, flow),
            None => flow.builder.warn(Remark::ChapterMissing { name: part.clone() }, None),
        }
    }
    Ok(flow.finish(Format::Epub))
}

/// The chapters' addresses, in reading order.
fn spine(description: &str) -> Vec<String> {
    let mut addresses: HashMap<String, String> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    // What a damaged part still gave is used.
    let _ = xml::walk(description, |mark| {
        let Mark::Start(tag) = mark else { return };
        match tag.local_name().as_ref() {
            b"item" => {
                if let (Some(id), Some(address)) = (attribute(tag, b"id"), attribute(tag, b"href")) {
                    addresses.insert(id, address);
                }
            }
            b"itemref" => order.extend(attribute(tag, b"idref")),
            _ => {}
        }
    });
    order.iter().filter_map(|id| addresses.get(id).cloned()).collect()
}

/// `%20` and its like, without the part behind `#`.
fn unescaped(address: &str) -> String {
    let address = address.split('#').next().unwrap_or("");
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = code.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn addresses() {
        for (address, expected) in [("a%20b.xhtml#x", "a b.xhtml"), ("100%", "100%"), ("%zz%C3%A9", "%zzé")]
        {
            assert_eq!(unescaped(address), expected);
        }
    }
}
