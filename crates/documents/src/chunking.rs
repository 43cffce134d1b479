//! Cuts a document into pieces for a prompt: along headings, then blocks, then sentences.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::document::{BlockKind, Document, Span};
use crate::sentences;

/// How long chunks are, in the tokens of the counter that is handed in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ChunkOptions {
    /// No chunk is longer. What is longer is cut: a table between its rows, a block between its sentences, a
    /// sentence between its words, a word between its code points; a single code point that takes more tokens than
    /// this is a chunk all the same, since nothing may be lost.
    pub max_tokens: usize,
    /// A chunk that goes on inside a section repeats whole sentences of the one before, up to this and to half of
    /// `max_tokens`. A last sentence that is longer is not repeated, and neither are headings and the rows of a
    /// table that was cut.
    pub overlap_tokens: usize,
    /// A section or chunk shorter than this is joined with a neighbour where both fit.
    pub min_tokens: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { max_tokens: 512, overlap_tokens: 50, min_tokens: 64 }
    }
}

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// From 0.
    pub index: usize,
    /// The text of `span` without surrounding white space; where a long table goes on, its header rows first.
    pub text: String,
    /// Length of `text` by the counter.
    pub tokens: usize,
    /// Where it lies in the document, the overlap included. The spans of all chunks cover the whole text.
    pub span: Span,
    /// First and last page.
    pub pages: Option<(u32, u32)>,
    /// The headings above it, outermost first; for sections joined, the headings that they
    /// share, or those of the longest.
    pub heading_path: Vec<String>,
}

/// A part that is not cut any further.
struct Piece {
    /// Bytes of the text; pieces lie end to end.
    bytes: Range<usize>,
    tokens: usize,
    kind: PieceKind,
    /// Number of its section.
    section: usize,
    /// Number of its block.
    block: usize,
}

#[derive(Clone, PartialEq)]
enum PieceKind {
    Heading,
    Text,
    /// Rows of a long table, and the bytes of its header rows.
    Rows {
        header: Range<usize>,
        first: bool,
    },
}

/// Cuts `document`; `count_tokens` gives the length of a text in tokens.
pub fn chunk(
    document: &Document,
    options: &ChunkOptions,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Vec<Chunk> {
    let mut cutter = Cutter::new(document, options, count_tokens);
    let groups = cutter.groups();
    let groups = cutter.join_short(groups);
    let positions = CodePoints::new(&document.text);
    let mut chunks: Vec<Chunk> = Vec::with_capacity(groups.len());
    for (index, group) in groups.iter().enumerate() {
        let overlap_from = (index > 0).then(|| cutter.overlap_start(&groups[index - 1], group)).flatten();
        let mut bytes = cutter.bytes(group);
        bytes.start = overlap_from.unwrap_or(bytes.start);
        let text = cutter.text(group, bytes.clone());
        let span = Span { start: positions.at(bytes.start), end: positions.at(bytes.end) };
        chunks.push(Chunk {
            index,
            tokens: count_tokens(&text),
            text,
            span,
            pages: document.pages_of(span),
            heading_path: cutter.heading_path(group),
        });
    }
    chunks
}

struct Cutter<'a> {
    text: &'a str,
    options: ChunkOptions,
    count: &'a dyn Fn(&str) -> usize,
    pieces: Vec<Piece>,
    /// Number of the block that is being cut.
    block: usize,
    /// Heading path of each section.
    sections: Vec<Vec<String>>,
}

impl<'a> Cutter<'a> {
    fn new(document: &'a Document, options: &ChunkOptions, count: &'a dyn Fn(&str) -> usize) -> Self {
        let options = ChunkOptions { max_tokens: options.max_tokens.max(1), ..*options };
        let mut cutter = Self {
            text: &document.text,
            options,
            count,
            pieces: Vec::new(),
            block: 0,
            sections: vec![Vec::new()],
        };
        let mut positions = BytePositions::new(&document.text);
        let starts: Vec<usize> = document.blocks.iter().map(|block| positions.at(block.span.start)).collect();
        let mut open: Vec<(u8, String)> = Vec::new();
        if starts.is_empty() {
            cutter.add_text(0..document.text.len());
        }
        for (index, block) in document.blocks.iter().enumerate() {
            cutter.block = index;
            let start = if index == 0 { 0 } else { starts[index] };
            let bytes = start..starts.get(index + 1).copied().unwrap_or(document.text.len());
            match block.kind {
                BlockKind::Heading(level) => {
                    open.retain(|(above, _)| *above < level);
                    open.push((level, cutter.text[bytes.clone()].trim().to_string()));
                    cutter.sections.push(open.iter().map(|(_, title)| title.clone()).collect());
                    cutter.add_heading(bytes);
                }
                BlockKind::Table => cutter.add_table(bytes),
                _ => cutter.add_text(bytes),
            }
        }
        cutter
    }

    fn tokens(&self, bytes: Range<usize>) -> usize {
        (self.count)(self.text[bytes].trim())
    }

    /// Adds a piece; white space alone is none, but goes with the piece before it, or else with the one behind it.
    fn push(&mut self, bytes: Range<usize>, tokens: usize, kind: PieceKind) {
        if bytes.is_empty() {
            return;
        }
        let blank = self.text[bytes.clone()].trim().is_empty();
        let section = self.sections.len() - 1;
        let piece = Piece { bytes, tokens, kind, section, block: self.block };
        match self.pieces.last_mut() {
            Some(last) if blank => last.bytes.end = piece.bytes.end,
            Some(last) if self.text[last.bytes.clone()].trim().is_empty() => {
                *last = Piece { bytes: last.bytes.start..piece.bytes.end, ..piece };
            }
            _ => self.pieces.push(piece),
        }
    }

    fn add_heading(&mut self, bytes: Range<usize>) {
        let tokens = self.tokens(bytes.clone());
        match tokens <= self.options.max_tokens {
            true => self.push(bytes, tokens, PieceKind::Heading),
            false => self.add_text(bytes),
        }
    }

    /// A block whole, or its sentences, or their words, or their code points.
    fn add_text(&mut self, bytes: Range<usize>) {
        self.add_cut(bytes, &[sentence_ends, word_ends, character_ends]);
    }

    fn add_cut(&mut self, bytes: Range<usize>, ways: &[fn(&str) -> Vec<usize>]) {
        let tokens = self.tokens(bytes.clone());
        let Some((way, finer)) = ways.split_first() else {
            return self.push(bytes, tokens, PieceKind::Text);
        };
        // A whole block may be a piece only if it could also be repeated whole.
        let allowed = if ways.len() == 3 { self.overlap_budget() } else { self.options.max_tokens };
        if tokens <= allowed {
            return self.push(bytes, tokens, PieceKind::Text);
        }
        let mut start = bytes.start;
        for end in way(&self.text[bytes.clone()]) {
            self.add_cut(start..bytes.start + end, finer);
            start = bytes.start + end;
        }
    }

    /// A table whole where it fits, else by rows, each part with the header rows.
    fn add_table(&mut self, bytes: Range<usize>) {
        let tokens = self.tokens(bytes.clone());
        if tokens <= self.options.max_tokens {
            return self.push(bytes, tokens, PieceKind::Text);
        }
        let rows: Vec<Range<usize>> = line_ranges(&self.text[bytes.clone()])
            .map(|row| bytes.start + row.start..bytes.start + row.end)
            .collect();
        let is_markdown = rows.len() > 2 && self.text[rows[1].clone()].trim_start().starts_with("| ---");
        let header = if is_markdown { bytes.start..rows[1].end } else { bytes.start..bytes.start };
        let header_tokens = self.tokens(header.clone());
        let skip = if is_markdown { 2 } else { 0 };
        for (index, row) in rows.iter().enumerate().skip(skip) {
            let first = index == skip;
            let bytes = if first { header.start..row.end } else { row.clone() };
            let tokens = self.tokens(bytes.clone());
            if tokens + header_tokens > self.options.max_tokens {
                self.add_text(bytes);
            } else {
                self.push(bytes, tokens, PieceKind::Rows { header: header.clone(), first });
            }
        }
    }

    fn bytes(&self, group: &Range<usize>) -> Range<usize> {
        self.pieces[group.start].bytes.start..self.pieces[group.end - 1].bytes.end
    }

    fn text(&self, group: &Range<usize>, bytes: Range<usize>) -> String {
        let own = &self.text[bytes];
        match &self.pieces[group.start].kind {
            PieceKind::Rows { header, first: false } if !header.is_empty() => {
                below(&self.text[header.clone()], own)
            }
            _ => own.trim().to_string(),
        }
    }

    fn group_tokens(&self, group: &Range<usize>) -> usize {
        (self.count)(&self.text(group, self.bytes(group)))
    }

    /// Runs of pieces that become chunks, before the overlap is added.
    fn groups(&mut self) -> Vec<Range<usize>> {
        let mut groups = Vec::new();
        let mut start = 0;
        while start < self.pieces.len() {
            let end = self.group_end(start, start > 0);
            // What stands side by side may take more tokens than each by itself: a row then goes without its header.
            if end == start + 1 && self.group_tokens(&(start..end)) > self.options.max_tokens {
                self.pieces[start].kind = PieceKind::Text;
            }
            groups.push(start..end);
            start = end;
        }
        groups
    }

    /// Where the group that starts at `start` ends. Room is left for the overlap that will be put before it.
    fn group_end(&self, start: usize, has_previous: bool) -> usize {
        let inside = has_previous && self.continues(start);
        let room = self.options.max_tokens - if inside { self.overlap_budget() } else { 0 };
        // The sum of its pieces' tokens, or what was counted where that sum was as much as there is room for.
        let mut tokens = self.pieces[start].tokens;
        let mut end = start + 1;
        while let Some(next) = self.pieces.get(end) {
            if tokens + next.tokens > room {
                tokens = self.group_tokens(&(start..end));
            }
            if tokens + next.tokens > room {
                break;
            }
            let boundary = next.kind == PieceKind::Heading;
            let only_headings = self.pieces[start..end].iter().all(|piece| piece.kind == PieceKind::Heading);
            if boundary && !only_headings && tokens >= self.options.min_tokens {
                break;
            }
            tokens += next.tokens;
            end += 1;
        }
        end = self.shortened(start, end, room);
        end = self.without_trailing_headings(start, self.back_to_block(start, end, room));
        self.shortened(start, end, self.options.max_tokens)
    }

    /// With as few pieces less as it takes to fit.
    fn shortened(&self, start: usize, mut end: usize, room: usize) -> usize {
        while end > start + 1 && self.group_tokens(&(start..end)) > room {
            end -= 1;
        }
        end
    }

    /// Rather between blocks than inside one, if the group is at least half full then.
    fn back_to_block(&self, start: usize, end: usize, room: usize) -> usize {
        if end == self.pieces.len() || self.pieces[end].block != self.pieces[end - 1].block {
            return end;
        }
        let first_of_block =
            (start + 1..end).rfind(|index| self.pieces[*index].block != self.pieces[index - 1].block);
        first_of_block.filter(|at| self.group_tokens(&(start..*at)) * 2 >= room).unwrap_or(end)
    }

    /// A heading goes with what follows it.
    fn without_trailing_headings(&self, start: usize, mut end: usize) -> usize {
        if end == self.pieces.len() {
            return end;
        }
        let full = end;
        while end > start && self.pieces[end - 1].kind == PieceKind::Heading {
            end -= 1;
        }
        if end == start { full } else { end }
    }

    fn overlap_budget(&self) -> usize {
        self.options.overlap_tokens.min(self.options.max_tokens / 2)
    }

    /// Whether the piece goes on in the section of the one before it.
    fn continues(&self, piece: usize) -> bool {
        piece > 0
            && self.pieces[piece].section == self.pieces[piece - 1].section
            && self.pieces[piece].kind == PieceKind::Text
            && self.pieces[piece - 1].kind == PieceKind::Text
    }

    /// Where the repeated sentences begin, if any are repeated.
    fn overlap_start(&self, previous: &Range<usize>, group: &Range<usize>) -> Option<usize> {
        if !self.continues(group.start) {
            return None;
        }
        let bytes = self.bytes(group);
        let mut found = None;
        for piece in self.pieces[previous.start + 1..previous.end].iter().rev() {
            let repeated = self.tokens(piece.bytes.start..bytes.start);
            let whole = (self.count)(self.text[piece.bytes.start..bytes.end].trim());
            let fits = repeated <= self.overlap_budget() && whole <= self.options.max_tokens;
            if piece.kind != PieceKind::Text || !fits {
                break;
            }
            found = Some(piece.bytes.start);
        }
        found
    }

    /// Two neighbours of which one is short become one where both fit, until no two are left that do.
    fn join_short(&self, groups: Vec<Range<usize>>) -> Vec<Range<usize>> {
        let counted = groups.into_iter().map(|group| (group.clone(), self.group_tokens(&group)));
        let mut groups: Vec<(Range<usize>, usize)> = counted.collect();
        loop {
            let count = groups.len();
            let mut kept: Vec<(Range<usize>, usize)> = Vec::with_capacity(count);
            for (group, tokens) in groups {
                if let Some((before, tokens_before)) = kept.last_mut()
                    && tokens.min(*tokens_before) < self.options.min_tokens
                {
                    let joined = before.start..group.end;
                    let together = self.group_tokens(&joined);
                    if together <= self.options.max_tokens {
                        (*before, *tokens_before) = (joined, together);
                        continue;
                    }
                }
                kept.push((group, tokens));
            }
            groups = kept;
            if groups.len() == count {
                return groups.into_iter().map(|(group, _)| group).collect();
            }
        }
    }

    /// What the sections of a group share; where that is nothing, the path of the one that fills most of it.
    fn heading_path(&self, group: &Range<usize>) -> Vec<String> {
        let pieces = &self.pieces[group.clone()];
        let has_body = pieces.iter().any(|piece| piece.kind != PieceKind::Heading);
        let told: Vec<&Piece> =
            pieces.iter().filter(|piece| !has_body || piece.kind != PieceKind::Heading).collect();
        let (Some(first), Some(last)) = (told.first(), told.last()) else { return Vec::new() };
        let tokens = |section: usize| -> usize {
            told.iter().filter(|piece| piece.section == section).map(|piece| piece.tokens).sum()
        };
        let largest = (first.section..=last.section).rev().max_by_key(|section| tokens(*section));
        let path = &self.sections[largest.unwrap_or(first.section)];
        let shared = told.iter().fold(path.len(), |shared, piece| {
            let other = &self.sections[piece.section];
            path.iter().zip(other).take(shared).take_while(|(a, b)| a == b).count()
        });
        if shared == 0 { path.clone() } else { path[..shared].to_vec() }
    }
}

/// Rows of a table below its header rows.
fn below(header: &str, rows: &str) -> String {
    format!("{}\n{}", header.trim(), rows.trim())
}

fn sentence_ends(text: &str) -> Vec<usize> {
    sentences::ends(text)
}

fn word_ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = text
        .char_indices()
        .zip(text.chars().skip(1))
        .filter(|((_, here), next)| here.is_whitespace() && !next.is_whitespace())
        .map(|((offset, here), _)| offset + here.len_utf8())
        .collect();
    ends.push(text.len());
    ends
}

fn character_ends(text: &str) -> Vec<usize> {
    text.char_indices().map(|(offset, character)| offset + character.len_utf8()).collect()
}

fn line_ranges(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.split_inclusive('\n').scan(0, |start, line| {
        let range = *start..*start + line.len();
        *start = range.end;
        Some(range)
    })
}

/// Code point number to byte offset, for growing numbers.
struct BytePositions<'a> {
    characters: std::str::Chars<'a>,
    code_point: usize,
    byte: usize,
}

impl<'a> BytePositions<'a> {
    fn new(text: &'a str) -> Self {
        Self { characters: text.chars(), code_point: 0, byte: 0 }
    }

    fn at(&mut self, code_point: usize) -> usize {
        while self.code_point < code_point {
            let Some(character) = self.characters.next() else { break };
            self.byte += character.len_utf8();
            self.code_point += 1;
        }
        self.byte
    }
}

/// Byte offset to code point number, in any order, in one pass over the text.
struct CodePoints<'a> {
    /// Code points before each 1024th byte.
    marks: Vec<usize>,
    text: &'a [u8],
}

impl<'a> CodePoints<'a> {
    const STEP: usize = 1024;

    fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        let mut marks = vec![0];
        for block in text.chunks(Self::STEP) {
            let before = marks[marks.len() - 1];
            marks.push(before + starts(block));
        }
        Self { marks, text }
    }

    fn at(&self, byte: usize) -> usize {
        let mark = byte / Self::STEP;
        self.marks[mark] + starts(&self.text[mark * Self::STEP..byte])
    }
}

/// Bytes that begin a code point.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}
