//! Web pages. Scripts, styles and addresses are left out; nothing that a page names is fetched.

use crate::formats::{Format, Input, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Html,
    name: "web page (HTML)",
    extensions: &["html", "htm", "xhtml"],
    media_type: MEDIA_TYPE,
    recognises,
    read: |input| {
        let bytes = input.decoded().map_or(input.bytes, |decoded| decoded.text.as_bytes());
        structured::read_bytes(input, bytes, Format::Html, MEDIA_TYPE)
    },
};

const MEDIA_TYPE: &str = "text/html";

/// Tags that a page, or a piece of one, begins with.
const FIRST_TAGS: &[&str] = &[
    "html", "head", "body", "title", "meta", "link", "style", "script", "div", "p", "table", "ul", "ol", "dl", "h1", "h2",
    "h3", "h4", "h5", "h6", "article", "section", "main", "header", "nav", "span", "a", "img", "form", "pre", "blockquote",
];

fn recognises(input: &Input) -> bool {
    let Some(decoded) = input.decoded() else { return false };
    let head: String = decoded.text.trim_start().chars().take(2000).collect::<String>().to_ascii_lowercase();
    if head.contains("<!doctype html") || head.contains("<html") {
        return true;
    }
    // Comments may stand first.
    let mut rest = head.as_str();
    while let Some(after) = rest.strip_prefix("<!--") {
        rest = after.split_once("-->").map_or("", |(_, rest)| rest).trim_start();
    }
    let Some(tag) = rest.strip_prefix('<') else { return false };
    let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
    let closed = tag[name.len()..].starts_with([' ', '>', '\n', '\t', '/']);
    closed && FIRST_TAGS.contains(&name.as_str()) && !matches!(&*input.extension(), "md" | "markdown")
}
