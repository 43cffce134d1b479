//! A parsed document to the generator's input.

use documents::{BlockKind, Document};

use super::{SourceBlock, SourceKind};

/// The blocks of a document with the headings above them. Code is left out.
pub fn source_blocks(document: &Document) -> Vec<SourceBlock> {
    // Spans count code points; one pass turns them into byte offsets.
    let mut offsets: Vec<usize> = document.text.char_indices().map(|(at, _)| at).collect();
    offsets.push(document.text.len());
    let offset = |point: usize| offsets.get(point).copied().unwrap_or(document.text.len());
    let mut path: Vec<(u8, String)> = Vec::new();
    let mut blocks = Vec::new();
    for block in &document.blocks {
        let text = document.text[offset(block.span.start)..offset(block.span.end.max(block.span.start))]
            .trim()
            .to_string();
        let kind = match block.kind {
            BlockKind::Heading(level) => {
                path.retain(|(above, _)| *above < level);
                SourceKind::Heading { level }
            }
            BlockKind::Paragraph => SourceKind::Paragraph,
            BlockKind::ListItem => SourceKind::ListItem,
            BlockKind::Table => SourceKind::Table,
            BlockKind::Code => continue,
        };
        if text.is_empty() {
            continue;
        }
        let heading_path = path.iter().map(|(_, heading)| heading.clone()).collect();
        if let SourceKind::Heading { level } = kind {
            path.push((level, text.clone()));
        }
        blocks.push(SourceBlock { kind, text, heading_path, page: block.page });
    }
    blocks
}
