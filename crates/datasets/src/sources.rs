//! The pieces of documents that examples come from: found again by an example's provenance, and how much of them is used.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::example::{Example, Provenance};

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceChunk {
    /// What it says.
    pub text: String,
    /// Its length by the counter that cut it; 0 where it is not known.
    #[serde(default)]
    pub tokens: usize,
    /// File, pages, span in characters, headings, and the chunk's id.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Pieces of documents, to be found by id or place.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    chunks: Vec<SourceChunk>,
    by_id: HashMap<String, usize>,
    by_file: HashMap<String, Vec<usize>>,
}

/// How much of a document has examples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The document.
    pub file_name: String,
    /// Its pieces.
    pub chunks: usize,
    /// Those that at least one example comes from.
    pub chunks_used: usize,
    /// Its pages with text; 0 where the format has none.
    pub pages: usize,
    /// Those that at least one example comes from.
    pub pages_used: usize,
}

impl Sources {
    /// Of these pieces.
    pub fn new(chunks: Vec<SourceChunk>) -> Self {
        let mut sources = Self::default();
        for (index, chunk) in chunks.iter().enumerate() {
            if let Some(id) = &chunk.provenance.chunk_id {
                sources.by_id.insert(id.clone(), index);
            }
            let file = chunk.provenance.file_name.clone().unwrap_or_default();
            sources.by_file.entry(file).or_default().push(index);
        }
        sources.chunks = chunks;
        sources
    }

    /// The pieces, in the order in which they came.
    pub fn into_chunks(self) -> Vec<SourceChunk> {
        self.chunks
    }

    /// The text that an example comes from: its chunk, or the chunks that its span or else its pages touch. `None` where
    /// the provenance names nothing that is here.
    pub fn text_of(&self, provenance: &Provenance) -> Option<String> {
        let texts: Vec<&str> =
            self.found(provenance).into_iter().map(|index| self.chunks[index].text.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    fn found(&self, place: &Provenance) -> Vec<usize> {
        if let Some(index) = place.chunk_id.as_ref().and_then(|id| self.by_id.get(id)) {
            return vec![*index];
        }
        let Some(of_file) = place.file_name.as_ref().and_then(|file| self.by_file.get(file)) else {
            return Vec::new();
        };
        let touches = |index: &&usize| {
            let chunk = &self.chunks[**index].provenance;
            match (place.start.zip(place.end), chunk.start.zip(chunk.end)) {
                (Some((start, end)), Some((from, to))) => start < to && from < end,
                _ => match (pages(place), pages(chunk)) {
                    (Some((first, last)), Some((from, to))) => first <= to && from <= last,
                    _ => false,
                },
            }
        };
        of_file.iter().filter(touches).copied().collect()
    }

    /// How much of each document these examples come from, by file name.
    pub fn coverage<'a>(&self, examples: impl IntoIterator<Item = &'a Example>) -> Vec<Coverage> {
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut used_pages: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for example in examples {
            for index in self.found(&example.provenance) {
                used.insert(index);
                let chunk = &self.chunks[index].provenance;
                if let Some((first, last)) = pages(&example.provenance).or(pages(chunk)) {
                    used_pages.entry(file_of(chunk)).or_default().extend(first..=last);
                }
            }
        }
        let mut all: BTreeMap<&str, (Coverage, BTreeSet<u32>)> = BTreeMap::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let (coverage, all_pages) = all.entry(file_of(&chunk.provenance)).or_default();
            coverage.chunks += 1;
            coverage.chunks_used += usize::from(used.contains(&index));
            all_pages.extend(pages(&chunk.provenance).into_iter().flat_map(|(first, last)| first..=last));
        }
        let counted = |(file, (coverage, all_pages)): (&str, (Coverage, BTreeSet<u32>))| Coverage {
            file_name: file.to_string(),
            pages: all_pages.len(),
            pages_used: used_pages.get(file).map_or(0, |pages| pages.intersection(&all_pages).count()),
            ..coverage
        };
        all.into_iter().map(counted).collect()
    }
}

fn file_of(place: &Provenance) -> &str {
    place.file_name.as_deref().unwrap_or_default()
}

fn pages(place: &Provenance) -> Option<(u32, u32)> {
    let first = place.page_start?;
    Some((first, place.page_end.unwrap_or(first).max(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: usize) -> SourceChunk {
        let page = number as u32 + 1;
        SourceChunk {
            text: format!("text {number}"),
            tokens: 2,
            provenance: Provenance {
                file_name: Some("a.pdf".into()),
                page_start: Some(page),
                page_end: Some(page),
                start: Some(10 * number),
                end: Some(10 * number + 10),
                chunk_id: Some(format!("c{number}")),
                ..Provenance::default()
            },
        }
    }

    fn place(change: impl FnOnce(&mut Provenance)) -> Provenance {
        let mut place = Provenance { file_name: Some("a.pdf".into()), ..Provenance::default() };
        change(&mut place);
        place
    }

    #[test]
    fn a_source_is_found_by_id_span_or_page() {
        let sources = Sources::new((0..4).map(chunk).collect());
        for (place, expected) in [
            (place(|place| place.chunk_id = Some("c2".into())), Some("text 2")),
            (place(|place| (place.start, place.end) = (Some(12), Some(14))), Some("text 1")),
            (place(|place| (place.start, place.end) = (Some(19), Some(21))), Some("text 1\ntext 2")),
            (place(|place| place.page_start = Some(4)), Some("text 3")),
            (place(|place| place.page_start = Some(9)), None),
            (place(|_| {}), None),
            (place(|place| place.file_name = Some("b.pdf".into())), None),
        ] {
            assert_eq!(sources.text_of(&place).as_deref(), expected, "{place:?}");
        }
    }

    #[test]
    fn coverage_counts_chunks_and_pages_once() {
        let sources = Sources::new((0..4).map(chunk).collect());
        let mut examples = vec![Example::question("q", "a"); 3];
        examples[0].provenance = place(|place| place.chunk_id = Some("c2".into()));
        examples[1].provenance = place(|place| place.chunk_id = Some("c2".into()));
        examples[2].provenance = place(|place| place.page_start = Some(1));
        let expected =
            Coverage { file_name: "a.pdf".into(), chunks: 4, chunks_used: 2, pages: 4, pages_used: 2 };
        assert_eq!(sources.coverage(&examples), [expected]);
    }

    #[test]
    fn a_stored_chunk_is_flat() {
        let stored = serde_json::to_value(chunk(1)).unwrap();
        assert_eq!((stored["chunk_id"].as_str(), stored["page_start"].as_u64()), (Some("c1"), Some(2)));
        assert_eq!(serde_json::from_value::<SourceChunk>(stored).unwrap(), chunk(1));
    }
}
