//! Reading through kreuzberg: its document tree, node by node, into blocks. The formats that come this way have
//! a file each, which says how they are recognised.

use kreuzberg::types::document_structure::{
    ContentLayer, DocumentNode, DocumentStructure, NodeContent, TableGrid,
};
use kreuzberg::{ExtractionConfig, KreuzbergError};

use crate::builder::Builder;
use crate::document::{BlockKind, Document, WarningKind};
use crate::error::DocumentError;
use crate::formats::{Format, Input, tables};

/// Reads the input as `media_type`.
pub fn read(input: &Input, format: Format, media_type: &str) -> Result<Document, DocumentError> {
    let mut builder = Builder::default();
    read_into(input, input.bytes, format, media_type, &mut builder)?;
    Ok(builder.finish(format))
}

/// Pushes the blocks of `bytes`, read as `media_type`. No cache on disk, no images, no text recognition.
pub fn read_into(
    input: &Input,
    bytes: &[u8],
    format: Format,
    media_type: &str,
    builder: &mut Builder,
) -> Result<(), DocumentError> {
    let config = ExtractionConfig {
        use_cache: false,
        disable_ocr: true,
        enable_quality_processing: false,
        postprocessor: None,
        include_document_structure: true,
        max_archive_depth: 0,
        ..ExtractionConfig::default()
    };
    let result = kreuzberg::extract_bytes_sync(bytes, media_type, &config)
        .map_err(|error| translate(input, format, &error))?;
    for warning in &result.processing_warnings {
        builder.warn(WarningKind::Parser, warning.message.to_string(), None);
    }
    match &result.document {
        Some(structure) => Walk { structure, builder }.run(),
        None => {
            result.content.split("\n\n").for_each(|text| builder.push(BlockKind::Paragraph, &joined(text)))
        }
    }
    Ok(())
}

fn translate(input: &Input, format: Format, error: &KreuzbergError) -> DocumentError {
    let reason = error.to_string();
    if reason.to_ascii_lowercase().contains("password") {
        return DocumentError::Password { file: input.name.clone(), format: format.name().to_string() };
    }
    input.damaged(format, reason)
}

/// Lines of a paragraph joined.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Walk<'a> {
    structure: &'a DocumentStructure,
    builder: &'a mut Builder,
}

impl Walk<'_> {
    /// The nodes stand in reading order.
    fn run(&mut self) {
        let mut page = None;
        for node in &self.structure.nodes {
            if matches!(node.content_layer, ContentLayer::Header | ContentLayer::Footer) {
                continue;
            }
            let number = match &node.content {
                NodeContent::Slide { number, .. } => Some(*number),
                _ => node.page,
            };
            if number.is_some() && number != page {
                page = number;
                self.builder.start_page(number.unwrap_or(1));
            }
            self.block(node);
        }
    }

    fn block(&mut self, node: &DocumentNode) {
        match &node.content {
            NodeContent::Title { text } => self.builder.push(BlockKind::Heading(1), &joined(text)),
            NodeContent::Heading { level, text } => {
                self.builder.push(BlockKind::Heading((*level).clamp(1, 6)), &joined(text));
            }
            NodeContent::Paragraph { text }
            | NodeContent::Footnote { text }
            | NodeContent::Formula { text }
            | NodeContent::Citation { text, .. } => self.builder.push(BlockKind::Paragraph, &joined(text)),
            NodeContent::ListItem { text } => {
                let item = format!("{}{}", self.marker(node), joined(text));
                if !text.trim().is_empty() {
                    self.builder.push(BlockKind::ListItem, &item);
                }
            }
            NodeContent::DefinitionItem { term, definition } => {
                self.builder
                    .push(BlockKind::ListItem, &format!("- {}: {}", joined(term), joined(definition)));
            }
            NodeContent::Table { grid } => {
                self.builder.push(BlockKind::Table, &tables::markdown(&rows(grid)))
            }
            NodeContent::Code { text, .. } => self.builder.push(BlockKind::Code, text),
            NodeContent::Image { description: Some(text), .. } => {
                self.builder.push(BlockKind::Paragraph, &joined(text));
            }
            NodeContent::Admonition { title: Some(text), .. } => {
                self.builder.push(BlockKind::Paragraph, &joined(text));
            }
            NodeContent::MetadataBlock { entries } => {
                let lines: Vec<String> =
                    entries.iter().map(|(name, value)| format!("{name}: {}", joined(value))).collect();
                self.builder.push(BlockKind::Paragraph, &lines.join("\n"));
            }
            NodeContent::RawBlock { content, .. } => {
                self.builder.push(BlockKind::Paragraph, &joined(content))
            }
            NodeContent::Image { .. }
            | NodeContent::Admonition { .. }
            | NodeContent::List { .. }
            | NodeContent::Quote
            | NodeContent::Group { .. }
            | NodeContent::PageBreak
            | NodeContent::Slide { .. }
            | NodeContent::DefinitionList => {}
        }
    }

    /// `- ` or the item's number, two spaces a level in.
    fn marker(&self, node: &DocumentNode) -> String {
        let parent =
            |node: &DocumentNode| node.parent.and_then(|index| self.structure.nodes.get(index.0 as usize));
        let mut depth = 0;
        let mut above = parent(node);
        while let Some(container) = above {
            depth += usize::from(matches!(container.content, NodeContent::List { .. }));
            above = parent(container);
        }
        let indent = "  ".repeat(depth.saturating_sub(1).min(8));
        let Some(list) = parent(node) else { return "- ".to_string() };
        if !matches!(list.content, NodeContent::List { ordered: true }) {
            return format!("{indent}- ");
        }
        let items = list.children.iter().filter_map(|index| self.structure.nodes.get(index.0 as usize));
        let before = items.take_while(|item| item.id != node.id);
        let number = before.filter(|item| matches!(item.content, NodeContent::ListItem { .. })).count() + 1;
        format!("{indent}{number}. ")
    }
}

/// Cells at their places; a cell over several rows is repeated in each, so that every row says all it means.
fn rows(grid: &TableGrid) -> Vec<Vec<String>> {
    // A lying grid cannot make more cells than this.
    const MOST_CELLS: usize = 4_000_000;
    let rows = grid.cells.iter().map(|cell| cell.row as usize + 1).max().unwrap_or(0);
    let columns = grid.cells.iter().map(|cell| cell.col as usize + 1).max().unwrap_or(0);
    if rows.saturating_mul(columns) > MOST_CELLS {
        return grid.cells.iter().map(|cell| vec![cell.content.clone()]).collect();
    }
    let mut table = vec![vec![String::new(); columns]; rows];
    for cell in &grid.cells {
        let last = (cell.row as usize).saturating_add(cell.row_span.max(1) as usize).min(rows);
        for row in &mut table[cell.row as usize..last] {
            if row[cell.col as usize].is_empty() {
                row[cell.col as usize].clone_from(&cell.content);
            }
        }
    }
    table
}
