//! A document with the recognised pages in their places.

use crate::builder::Builder;
use crate::document::{Block, BlockKind, Document, Span, WarningKind};
use crate::formats::Format;

use super::words::PageWords;

/// A document of so many pages without text.
pub fn blank(format: Format, pages: usize) -> Document {
    let mut builder = Builder::default();
    for number in (1..).take(pages) {
        builder.start_page(number);
    }
    builder.finish(format)
}

/// The document put together again, with the recognised paragraphs on their pages, which must be without text in it.
pub fn with_pages(document: Document, recognised: &[PageWords]) -> Document {
    let mut rebuild = Rebuild::new(&document);
    let mut blocks = document.blocks.iter().peekable();
    for (index, page) in document.pages.iter().enumerate() {
        rebuild.builder.start_page(page.number);
        if let Some(words) = recognised.iter().find(|words| words.number == page.number) {
            rebuild.push_recognised(words);
            continue;
        }
        let page_end = document.pages.get(index + 1).map_or(usize::MAX, |next| next.span.start);
        rebuild.push_rest(page_end);
        while rebuild.rest.is_none()
            && let Some(block) = blocks.next_if(|block| block.page == Some(page.number))
        {
            rebuild.rest = Some(Rest { block: block.clone(), continues: false });
            rebuild.push_rest(page_end);
        }
    }
    let mut built = rebuild.builder.finish(document.format);
    let was_read = |page: Option<u32>| recognised.iter().any(|words| Some(words.number) == page);
    built.warnings = document.warnings;
    built.warnings.retain(|warning| warning.kind != WarningKind::PageWithoutText || !was_read(warning.page));
    built
}

struct Rebuild<'a> {
    document: &'a Document,
    /// Where each code point of its text begins, and where the last one ends.
    offsets: Vec<usize>,
    builder: Builder,
    rest: Option<Rest>,
}

/// What is left of a block that goes on behind the end of its page.
struct Rest {
    block: Block,
    /// Its beginning is the last block that was pushed.
    continues: bool,
}

impl<'a> Rebuild<'a> {
    fn new(document: &'a Document) -> Self {
        let text = &document.text;
        let offsets = text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect();
        Self { document, offsets, builder: Builder::default(), rest: None }
    }

    fn text(&self, span: Span) -> &'a str {
        let last = self.offsets.len() - 1;
        &self.document.text[self.offsets[span.start.min(last)]..self.offsets[span.end.min(last)]]
    }

    fn push_recognised(&mut self, words: &PageWords) {
        for text in &words.paragraphs {
            self.builder.push(BlockKind::Paragraph, text);
        }
        if let Some(rest) = &mut self.rest {
            rest.continues = false;
        }
    }

    /// Pushes as much of the open block as lies before the end of the page.
    fn push_rest(&mut self, page_end: usize) {
        let Some(Rest { mut block, mut continues }) = self.rest.take() else { return };
        let Span { start, end } = block.span;
        let here = self.text(Span { start, end: end.min(page_end) });
        if !here.trim().is_empty() {
            if continues {
                let before = self.text(Span { start: start.saturating_sub(1), end: start });
                let divided =
                    !here.starts_with(char::is_whitespace) && !before.ends_with(char::is_whitespace);
                self.builder.continue_last(here, if divided { "" } else { " " });
            } else {
                self.builder.push(block.kind, here);
            }
            continues = true;
        }
        if end > page_end {
            block.span.start = page_end;
            self.rest = Some(Rest { block, continues });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remark::Remark;

    fn words(number: u32, paragraphs: &[&str]) -> PageWords {
        let paragraphs = paragraphs.iter().map(ToString::to_string).collect();
        PageWords { number, paragraphs, confidences: vec![90.0], failure: None }
    }

    /// Pages 2 and 4 are without text; a paragraph goes on from page 1 to page 3, a divided word from 3 to 5.
    fn book() -> Document {
        let mut builder = Builder::default();
        builder.start_page(1);
        builder.push(BlockKind::Heading(1), "Bôats");
        builder.push(BlockKind::Paragraph, "They are kept in");
        builder.start_page(2);
        builder.start_page(3);
        builder.continue_last("the northern shed.", " ");
        builder.push(BlockKind::ListItem, "- one");
        builder.push(BlockKind::ListItem, "- two of the north");
        builder.start_page(4);
        builder.start_page(5);
        builder.continue_last("ern ones", "");
        builder.push(BlockKind::Code, "  x = 1\n  y = 2");
        builder.start_page(6);
        builder.push(BlockKind::Paragraph, "The end.");
        let mut document = builder.finish(Format::Pdf);
        let warning = |page| Remark::EmptyPage {}.on(Some(page));
        document.warnings = vec![warning(2), warning(4)];
        document
    }

    #[test]
    fn without_recognised_pages_nothing_changes() {
        assert_eq!(with_pages(book(), &[]), book());
    }

    #[test]
    fn recognised_pages_take_their_places() {
        let built = with_pages(book(), &[words(2, &["A pícture", "of boats"])]);
        let pages: Vec<&str> = built.pages.iter().map(|page| built.slice(page.span).trim()).collect();
        assert_eq!(
            pages[..3],
            [
                "Bôats\n\nThey are kept in",
                "A pícture\n\nof boats",
                "the northern shed.\n\n- one\n- two of the north"
            ]
        );
        assert_eq!(pages[3..], ["", "ern ones\n\n  x = 1\n  y = 2".trim(), "The end."]);
        assert!(built.text.contains("northern ones\n\n  x = 1"), "{}", built.text);
        assert_eq!(built.warnings.iter().filter_map(|warning| warning.page).collect::<Vec<_>>(), [4]);
        assert!(built.blocks.windows(2).all(|pair| pair[0].span.end < pair[1].span.start));
        for block in &built.blocks {
            assert_eq!(built.slice(block.span).trim(), built.slice(block.span).trim_matches('\n').trim());
        }
    }

    #[test]
    fn a_scan_is_only_its_recognised_pages() {
        let built = with_pages(blank(Format::Pdf, 3), &[words(1, &["One."]), words(3, &["Three."])]);
        assert_eq!(built.text, "One.\n\nThree.");
        assert_eq!(built.pages.len(), 3);
        assert_eq!(built.pages_of(built.blocks[1].span), Some((3, 3)));
    }
}
