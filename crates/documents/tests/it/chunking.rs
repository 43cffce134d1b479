//! Chunks: nothing lost, nothing too long, along the document's structure.

use documents::{BlockKind, Chunk, ChunkOptions, Document, chunk, parse_bytes};

/// A token is a word; longer words count more.
fn count(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count().div_ceil(8)).sum()
}

fn cut(
    markdown: &str,
    max_tokens: usize,
    overlap_tokens: usize,
    min_tokens: usize,
) -> (Document, Vec<Chunk>) {
    let document = parse_bytes(markdown.as_bytes(), Some("text.md")).expect("Markdown is read");
    let chunks = chunk(&document, &ChunkOptions { max_tokens, overlap_tokens, min_tokens }, &count);
    check(&document, &chunks, max_tokens);
    (document, chunks)
}

/// Every code point lies in a chunk, in order; no chunk is too long.
fn check(document: &Document, chunks: &[Chunk], max_tokens: usize) {
    let length = document.text.chars().count();
    let mut covered = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        assert_eq!(chunk.index, index);
        assert!(chunk.span.start <= covered, "a gap before chunk {index}");
        assert!(chunk.span.end > covered || length == 0, "chunk {index} brings nothing");
        covered = chunk.span.end;
        assert_eq!(chunk.tokens, count(&chunk.text));
        assert!(chunk.tokens <= max_tokens, "{} tokens: {:?}", chunk.tokens, chunk.text);
        let own = document.slice(chunk.span).trim();
        assert!(chunk.text.ends_with(own), "{:?} is not the text of its span {own:?}", chunk.text);
    }
    assert_eq!(covered, length);
}

fn prose(sentences: usize) -> String {
    (0..sentences).map(|n| format!("Sentence number {n} has these nine words in it. ")).collect()
}

#[test]
fn sections_stay_apart_and_know_their_headings() {
    let text = format!("# One\n\n{}\n\n## Inner\n\n{}\n\n# Two\n\n{}\n", prose(5), prose(5), prose(5));
    let (_, chunks) = cut(&text, 100, 10, 20);
    let paths: Vec<String> = chunks.iter().map(|chunk| chunk.heading_path.join("/")).collect();
    assert_eq!(paths, ["One", "One/Inner", "Two"]);
    assert!(chunks[1].text.starts_with("Inner\n\nSentence number 0"));
}

#[test]
fn tiny_sections_are_joined() {
    let text = (0..10).map(|n| format!("## Part {n}\n\nA few words here.\n\n")).collect::<String>();
    let (_, chunks) = cut(&format!("# All\n\n{text}"), 60, 10, 20);
    assert!(chunks.len() < 6, "{}", chunks.len());
    assert!(chunks.iter().all(|chunk| chunk.heading_path == ["All"] || chunk.heading_path.len() == 2));
}

#[test]
fn a_long_section_repeats_whole_sentences() {
    let (_, chunks) = cut(&prose(60), 100, 25, 10);
    assert!(chunks.len() > 4);
    for pair in chunks.windows(2) {
        assert!(pair[1].span.start < pair[0].span.end, "no overlap");
        assert!(pair[1].text.starts_with("Sentence number"));
        let shared = pair[1].text.split_once(". ").expect("sentences").0;
        assert!(pair[0].text.contains(shared));
    }
}

#[test]
fn no_heading_stands_at_the_end_of_a_chunk() {
    let text = format!("# A\n\n{}\n\n# B\n\n{}", prose(9), prose(9));
    let (_, chunks) = cut(&text, 95, 0, 200);
    assert!(chunks.iter().all(|chunk| !chunk.text.ends_with("\nB")), "{chunks:?}");
}

#[test]
fn a_table_stays_whole_where_it_fits_and_repeats_its_header_where_not() {
    let rows: String = (0..30).map(|n| format!("| row {n} | value {n} |\n")).collect();
    let table = format!("| name | value |\n|---|---|\n{rows}");
    let (document, chunks) = cut(&format!("{}\n\n{table}", prose(3)), 400, 10, 10);
    assert!(document.blocks.iter().any(|block| block.kind == BlockKind::Table));
    assert_eq!(chunks.iter().filter(|chunk| chunk.text.contains("row 7 ")).count(), 1);
    let (_, chunks) = cut(&table, 60, 10, 10);
    assert!(chunks.len() > 3);
    for chunk in &chunks {
        assert!(chunk.text.starts_with("| name | value |\n| --- | --- |\n| row"), "{}", chunk.text);
    }
}

#[test]
fn endless_sentences_and_words_are_cut() {
    cut(&"word ".repeat(1000), 50, 10, 5);
    cut(&"x".repeat(3000), 50, 10, 5);
    cut(&"字".repeat(3000), 50, 10, 5);
    cut("x", 1, 0, 0);
    cut("one two three", 1, 5, 9);
}

#[test]
fn pages_come_along() {
    let bytes = include_bytes!("../fixtures/handbook.pdf");
    let document = parse_bytes(bytes, None).expect("the fixture is read");
    let chunks =
        chunk(&document, &ChunkOptions { max_tokens: 120, overlap_tokens: 20, min_tokens: 30 }, &count);
    check(&document, &chunks, 120);
    let pages: Vec<(u32, u32)> = chunks.iter().filter_map(|chunk| chunk.pages).collect();
    assert_eq!(pages.len(), chunks.len());
    assert_eq!(pages.first().map(|pages| pages.0), Some(1));
    assert_eq!(pages.last().map(|pages| pages.1), document.pages.last().map(|page| page.number));
    assert!(pages.windows(2).all(|pair| pair[0].0 <= pair[1].0));
}
