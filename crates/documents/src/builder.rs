//! Puts a document together block by block, counting code points as it goes.

use crate::document::{Block, BlockKind, Document, Page, Span, Warning};
use crate::formats::Format;
use crate::language;
use crate::remark::Remark;

/// Grows a [`Document`]. Blocks come in reading order; a page is open from [`Builder::start_page`] on.
#[derive(Default)]
pub struct Builder {
    text: String,
    length: usize,
    pages: Vec<Page>,
    /// The last page has no block yet.
    page_is_new: bool,
    blocks: Vec<Block>,
    warnings: Vec<Warning>,
}

impl Builder {
    /// All blocks that follow lie on this page.
    pub fn start_page(&mut self, number: u32) {
        self.close_page();
        self.pages.push(Page { number, span: Span { start: self.length, end: self.length } });
        self.page_is_new = true;
    }

    fn close_page(&mut self) {
        if let Some(page) = self.pages.last_mut() {
            page.span.end = self.length.max(page.span.start);
        }
    }

    /// The white space before a page's first block belongs to the page before.
    fn enter_page(&mut self) {
        if !std::mem::take(&mut self.page_is_new) {
            return;
        }
        let [.., before, page] = self.pages.as_mut_slice() else { return };
        before.span.end = self.length;
        page.span.start = self.length;
    }

    /// Adds a block; surrounding white space is dropped, and an empty block is none.
    pub fn push(&mut self, kind: BlockKind, text: &str) {
        let text = match kind {
            BlockKind::Code => text.trim_matches(['\n', '\r']).trim_end(),
            _ => text.trim(),
        };
        if text.trim().is_empty() {
            return;
        }
        self.separate(kind);
        self.enter_page();
        let start = self.length;
        self.append(text);
        let page = self.pages.last().map(|page| page.number);
        self.blocks.push(Block { kind, span: Span { start, end: self.length }, page });
    }

    /// Lengthens the last block, where a paragraph goes on behind a page break.
    pub fn continue_last(&mut self, text: &str, joiner: &str) {
        let Some(start) = self.blocks.last().map(|block| block.span.start) else {
            return self.push(BlockKind::Paragraph, text);
        };
        self.append(joiner);
        self.enter_page();
        self.append(text.trim());
        let last = self.blocks.len() - 1;
        self.blocks[last].span = Span { start, end: self.length };
    }

    /// Takes a trailing hyphen off the last block (a word divided by a page break).
    pub fn drop_last_hyphen(&mut self) {
        if self.text.ends_with('-') {
            self.text.pop();
            self.length -= 1;
            for page in &mut self.pages {
                page.span.start = page.span.start.min(self.length);
                page.span.end = page.span.end.min(self.length);
            }
        }
    }

    pub fn warn(&mut self, remark: Remark, page: Option<u32>) {
        self.warnings.push(remark.on(page));
    }

    pub fn last_kind(&self) -> Option<BlockKind> {
        self.blocks.last().map(|block| block.kind)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn finish(mut self, format: Format) -> Document {
        self.close_page();
        let language = language::detect(&self.text);
        Document {
            text: self.text,
            format,
            pages: self.pages,
            blocks: self.blocks,
            language,
            warnings: self.warnings,
            recognition: None,
        }
    }

    fn separate(&mut self, kind: BlockKind) {
        match self.last_kind() {
            None => {}
            Some(BlockKind::ListItem) if kind == BlockKind::ListItem => self.append("\n"),
            Some(_) => self.append("\n\n"),
        }
    }

    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }
}
