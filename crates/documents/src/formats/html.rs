//! Web pages (<https://html.spec.whatwg.org>): html5ever's tokenizer, and the tags that mean structure. Scripts,
//! styles, pictures and addresses are left out; nothing that a page names is fetched.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::document::BlockKind;
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::{Format, Input, Reader};

pub static READER: Reader = Reader {
    format: Format::Html,
    name: "web page (HTML)",
    extensions: &["html", "htm", "xhtml"],
    media_type: "text/html",
    recognises,
    read,
};

/// Tags that a page, or a piece of one, begins with.
const FIRST_TAGS: &[&str] = &[
    "html",
    "head",
    "body",
    "title",
    "meta",
    "link",
    "style",
    "script",
    "div",
    "p",
    "table",
    "ul",
    "ol",
    "dl",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "article",
    "section",
    "main",
    "header",
    "nav",
    "span",
    "a",
    "img",
    "form",
    "pre",
    "blockquote",
];

fn recognises(input: &Input) -> bool {
    let Some(decoded) = input.decoded() else { return false };
    let head: String = decoded.text.trim_start().chars().take(2000).collect::<String>().to_ascii_lowercase();
    if matches!(&*input.extension(), "md" | "markdown") {
        return false;
    }
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
    closed && FIRST_TAGS.contains(&name.as_str())
}

fn read(input: &Input) -> Result<Document, DocumentError> {
    let Some(decoded) = input.decoded() else {
        return Err(input.damaged(Format::Html, "the bytes are not text"));
    };
    let mut flow = Flow::default();
    if let Some(remark) = &decoded.warning {
        flow.builder.warn(remark.clone(), None);
    }
    Ok(walk(&decoded.text, flow).finish(Format::Html))
}

/// Walks a page's tags and words into `flow`.
pub fn walk(html: &str, flow: Flow) -> Flow {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    let sink = Sink { page: RefCell::new(Page { flow, left_out: None }) };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    // The sink never asks to stop, so that one call takes all.
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let mut flow = tokenizer.sink.page.into_inner().flow;
    flow.close_all();
    flow
}

struct Sink {
    page: RefCell<Page>,
}

struct Page {
    flow: Flow,
    /// The outermost element whose words are left out, and how many of its name are open.
    left_out: Option<(String, usize)>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                page.start(&tag);
                if !tag.self_closing {
                    return raw_data(&tag.name);
                }
            }
            Token::TagToken(tag) => page.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Elements whose content is not markup.
fn raw_data(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

const LEFT_OUT: &[&str] = &[
    "script", "style", "title", "template", "noscript", "svg", "iframe", "noembed", "noframes", "object",
    "select", "audio", "video", "canvas",
];

/// Elements that begin and end a block.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "nav",
    "aside",
    "address",
    "blockquote",
    "figure",
    "figcaption",
    "form",
    "fieldset",
    "legend",
    "details",
    "summary",
    "hr",
    "body",
    "caption",
    "center",
    "dialog",
    "hgroup",
];

impl Page {
    fn text(&mut self, text: &str) {
        if self.left_out.is_none() {
            self.flow.text(text);
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if let Some((outermost, count)) = &mut self.left_out {
            *count += usize::from(outermost == name && !tag.self_closing);
            return;
        }
        if LEFT_OUT.contains(&name) && !tag.self_closing {
            self.left_out = Some((name.to_string(), 1));
            return;
        }
        let flow = &mut self.flow;
        match name {
            "br" => flow.text(if flow.in_code() { "\n" } else { " " }),
            "ul" | "menu" | "dl" | "ol" => {
                flow.close_all();
                flow.start_list(name == "ol");
            }
            "li" | "dt" | "dd" => {
                flow.close_all();
                flow.item();
            }
            "table" => {
                // A table inside a cell's words: they come first.
                flow.close_all();
                flow.start_table();
            }
            "tr" => {
                flow.close_all();
                flow.start_row();
            }
            "td" | "th" => {
                flow.close_all();
                let span =
                    |name| attribute(tag, name).and_then(|value| value.trim().parse().ok()).unwrap_or(1);
                if flow.in_table() {
                    flow.start_cell(span("colspan"), span("rowspan"));
                }
            }
            "pre" => {
                flow.close_all();
                flow.open(BlockKind::Code);
            }
            _ => {
                if let Some(level) = heading(name) {
                    flow.close_all();
                    flow.open(BlockKind::Heading(level));
                } else if BLOCKS.contains(&name) {
                    flow.close_all();
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((outermost, count)) = &mut self.left_out {
            *count -= usize::from(outermost == name);
            if *count == 0 {
                self.left_out = None;
            }
            return;
        }
        let flow = &mut self.flow;
        match name {
            "ul" | "menu" | "dl" | "ol" => {
                flow.close_all();
                flow.end_list();
            }
            "table" => {
                flow.close_all();
                flow.end_table();
            }
            "tr" => {
                flow.close_all();
                flow.end_row();
            }
            "td" | "th" => {
                flow.close_all();
                flow.end_cell();
            }
            "li" | "dt" | "dd" | "pre" => flow.close_all(),
            _ if heading(name).is_some() || BLOCKS.contains(&name) => flow.close_all(),
            _ => {}
        }
    }
}

fn heading(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs
        .iter()
        .find(|attribute| &*attribute.name.local == name)
        .map(|attribute| attribute.value.to_string())
}
