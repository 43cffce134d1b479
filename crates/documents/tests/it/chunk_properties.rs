//! What holds for the chunks of any document, however its tokens are counted: the sample documents, those of
//! `FTF_TESTDATA` where it is set, and texts that chance wrote (the same each time).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use documents::{BlockKind, Chunk, ChunkOptions, Document, Span, chunk, parse_bytes};
use tokenizers::Tokenizer;

use crate::make::random::Random;
use crate::{child, samples};

type Counter = (&'static str, Box<dyn Fn(&str) -> usize>);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Words; code points; the tokens of the model that comes with the program.
fn counters() -> Vec<Counter> {
    let file = repository().join("base-model/model/tokenizer.json");
    let tokenizer = Tokenizer::from_file(file).expect("the tokenizer is read");
    let tokens = move |text: &str| tokenizer.encode_fast(text, false).expect("any text has tokens").len();
    vec![
        ("words", Box::new(|text| text.split_whitespace().count())),
        ("characters", Box::new(|text| text.chars().count())),
        ("tokens", Box::new(tokens)),
    ]
}

fn options(max_tokens: usize, overlap_tokens: usize, min_tokens: usize) -> ChunkOptions {
    ChunkOptions { max_tokens, overlap_tokens, min_tokens }
}

/// From what the application uses to what nobody would.
fn all_options() -> Vec<ChunkOptions> {
    vec![
        ChunkOptions::default(),
        options(128, 50, 32),
        options(40, 30, 10),
        options(9, 2, 4),
        options(1, 1, 1),
    ]
}

struct Case<'a> {
    name: String,
    document: &'a Document,
    characters: Vec<char>,
    options: ChunkOptions,
    count: &'a dyn Fn(&str) -> usize,
    chunks: Vec<Chunk>,
    /// Whether each block is no longer than the limit.
    fits: Vec<bool>,
}

/// Cuts the document in every way and checks what came of it; how many ways failed.
fn check_all(name: &str, document: &Document, counters: &[Counter]) -> usize {
    let mut failures = 0;
    let texts: Vec<&str> = document.blocks.iter().map(|block| document.slice(block.span)).collect();
    for (counter, count) in counters {
        let lengths: Vec<usize> = texts.iter().map(|text| count(text)).collect();
        for options in all_options() {
            // Long documents in tiny pieces show nothing that short ones do not.
            if document.text.len() > 3_000 * options.max_tokens.min(100) {
                continue;
            }
            let case = Case {
                name: format!("{name}, {counter}, {options:?}"),
                document,
                characters: document.text.chars().collect(),
                options,
                count,
                chunks: chunk(document, &options, count),
                fits: lengths.iter().map(|tokens| *tokens <= options.max_tokens).collect(),
            };
            failures += usize::from(catch_unwind(AssertUnwindSafe(|| case.check())).is_err());
        }
    }
    failures
}

impl Case<'_> {
    fn text(&self, span: Span) -> String {
        self.characters[span.start..span.end].iter().collect()
    }

    fn check(&self) {
        self.covers_in_order();
        for index in 0..self.chunks.len() {
            self.is_its_span(index);
            self.keeps_the_limit(index);
            self.knows_its_pages(index);
        }
        for index in 1..self.chunks.len() {
            self.overlaps_as_asked(index);
            self.is_not_tiny(index);
        }
        self.keeps_tables_whole();
    }

    /// Every code point belongs to a chunk, and each chunk brings some.
    fn covers_in_order(&self) {
        let (mut covered, mut start) = (0, None);
        for (index, chunk) in self.chunks.iter().enumerate() {
            assert_eq!(chunk.index, index, "{}", self.name);
            assert!(chunk.span.start <= covered, "{}: a gap before chunk {index}", self.name);
            assert!(chunk.span.end > covered, "{}: chunk {index} brings nothing", self.name);
            assert!(Some(chunk.span.start) > start, "{}: chunk {index} begins before the last", self.name);
            assert!(!chunk.text.trim().is_empty(), "{}: chunk {index} is empty", self.name);
            covered = chunk.span.end;
            start = Some(chunk.span.start);
        }
        assert_eq!(covered, self.characters.len(), "{}", self.name);
    }

    /// Where the chunk begins without what it repeats.
    fn own_start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.chunks[before].span.end)
    }

    /// The header rows that stand before the span's text, where a table goes on.
    fn repeated_header(&self, index: usize) -> Option<String> {
        let chunk = &self.chunks[index];
        let own = self.text(chunk.span).trim().to_string();
        if chunk.text == own {
            return None;
        }
        let tables = self.document.blocks.iter().filter(|block| block.kind == BlockKind::Table);
        let mut around =
            tables.filter(|block| block.span.overlaps(&chunk.span) && block.span.start < chunk.span.start);
        let table = around.next().unwrap_or_else(|| {
            panic!("{}: chunk {index} {:?} is not its span {own:?}", self.name, chunk.text)
        });
        let rows = self.text(table.span);
        let header: Vec<&str> = rows.lines().take(2).collect();
        let header = header.join("\n");
        assert_eq!(chunk.text, format!("{header}\n{own}"), "{}: chunk {index}", self.name);
        Some(header)
    }

    fn is_its_span(&self, index: usize) {
        let chunk = &self.chunks[index];
        assert_eq!(self.document.slice(chunk.span), self.text(chunk.span), "{}", self.name);
        self.repeated_header(index);
        assert_eq!(chunk.tokens, (self.count)(&chunk.text), "{}", self.name);
    }

    /// Only a single code point may be longer.
    fn keeps_the_limit(&self, index: usize) {
        let chunk = &self.chunks[index];
        let single = chunk.text.chars().count() == 1;
        assert!(
            chunk.tokens <= self.options.max_tokens || single,
            "{}: chunk {index} has {} tokens: {:?}",
            self.name,
            chunk.tokens,
            chunk.text
        );
    }

    fn knows_its_pages(&self, index: usize) {
        let chunk = &self.chunks[index];
        let touches = |span: Span| {
            let shared = Span { start: span.start.max(chunk.span.start), end: span.end.min(chunk.span.end) };
            !shared.is_empty() && !self.text(shared).trim().is_empty()
        };
        let pages = self.document.pages.iter().filter(|page| touches(page.span)).map(|page| page.number);
        for page in pages {
            let known = chunk.pages.is_some_and(|(first, last)| (first..=last).contains(&page));
            assert!(known, "{}: chunk {index} does not know page {page}", self.name);
        }
        assert_eq!(chunk.pages, self.document.pages_of(chunk.span), "{}", self.name);
    }

    /// No more than asked, no headings, and tables only whole.
    fn overlaps_as_asked(&self, index: usize) {
        let repeated = Span { start: self.chunks[index].span.start, end: self.own_start(index) };
        if repeated.is_empty() {
            return;
        }
        let tokens = (self.count)(self.text(repeated).trim());
        let most = self.options.overlap_tokens.min(self.options.max_tokens / 2);
        assert!(tokens <= most, "{}: chunk {index} repeats {tokens} tokens", self.name);
        let touched = self.document.blocks.iter().zip(&self.fits);
        for (block, _) in touched.filter(|(block, fits)| **fits && block.span.overlaps(&repeated)) {
            let whole = block.span.start >= repeated.start;
            assert!(!matches!(block.kind, BlockKind::Heading(_)), "{}: chunk {index}", self.name);
            assert!(
                block.kind != BlockKind::Table || whole,
                "{}: chunk {index} repeats half a table",
                self.name
            );
        }
    }

    /// Two neighbours of which one is tiny (what they repeat aside) would not fit together.
    fn is_not_tiny(&self, index: usize) {
        let own = |from: usize, to: usize| {
            let span = Span { start: self.own_start(from), end: self.chunks[to].span.end };
            let header = self.repeated_header(from).map_or(String::new(), |header| header + "\n");
            (self.count)(&format!("{header}{}", self.text(span).trim()))
        };
        let (before, here) = (own(index - 1, index - 1), own(index, index));
        let together = own(index - 1, index);
        assert!(
            before.min(here) >= self.options.min_tokens || together > self.options.max_tokens,
            "{}: chunks {} and {index} have {before} and {here} tokens, together {together}",
            self.name,
            index - 1,
        );
    }

    fn keeps_tables_whole(&self) {
        let blocks = self.document.blocks.iter().zip(&self.fits).filter(|(_, fits)| **fits);
        for (block, _) in blocks.filter(|(block, _)| block.kind == BlockKind::Table) {
            let holds =
                |chunk: &Chunk| chunk.span.start <= block.span.start && chunk.span.end >= block.span.end;
            assert!(self.chunks.iter().any(holds), "{}: a table is cut", self.name);
        }
    }
}

#[test]
fn of_the_samples() {
    let counters = counters();
    let mut failures = 0;
    for (format, bytes, _) in samples::all() {
        let document = parse_bytes(&bytes, None).expect("a sound file");
        failures += check_all(format.name(), &document, &counters);
    }
    for name in ["handbook-1", "handbook-2", "handbook-3"] {
        for ending in ["pdf", "docx"] {
            let file = repository().join("samples").join(name).join(format!("handbook.{ending}"));
            let document = parse_bytes(&std::fs::read(file).expect("the sample is there"), None).expect(name);
            failures += check_all(&format!("{name}.{ending}"), &document, &counters);
        }
    }
    let columns = parse_bytes(include_bytes!("../fixtures/columns.pdf"), None).expect("the fixture is read");
    failures += check_all("columns.pdf", &columns, &counters);
    assert_eq!(failures, 0);
}

#[test]
fn of_the_test_material() {
    let Some(folder) = crate::test_material::material("docs") else { return };
    let counters = counters();
    let (mut folders, mut count, mut failures) = (vec![folder], 0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("a file of the folder");
            let Ok(document) = child::read(&name, &bytes, &child::limits()).outcome else { continue };
            failures += check_all(&name, &document, &counters);
            count += 1;
        }
    }
    assert!(count > 50, "{count} documents");
    assert_eq!(failures, 0);
}

#[test]
fn of_texts_by_chance() {
    let counters = counters();
    let mut failures = 0;
    for seed in 0..60 {
        let text = text(&mut Random(seed));
        for name in ["text.md", "text.txt"] {
            let Ok(document) = parse_bytes(text.as_bytes(), Some(name)) else { continue };
            failures += check_all(&format!("{name} of {seed}"), &document, &counters);
        }
    }
    let headings: String =
        (0..300).map(|number| format!("{} Part {number}\n\n", "#".repeat(1 + number % 6))).collect();
    let document = parse_bytes(headings.as_bytes(), Some("headings.md")).expect("Markdown is read");
    failures += check_all("only headings", &document, &counters);
    assert_eq!(failures, 0);
}

const WORDS: &[&str] = &[
    "boat",
    "harbour,",
    "the",
    "Dr.",
    "e.g.",
    "3.50",
    "naïve",
    "œuvre.",
    "Straße!",
    "end?",
    "“quoted.”",
    "(so)",
    "\u{1F6A3}\u{200D}\u{2640}\u{FE0F}",
    "\u{1F1EB}\u{1F1F7}",
    "e\u{301}te\u{301}.",
    "日本語の文です。",
    "船は北の小屋にあります。",
    "중앙",
    "שלום",
    "مرحبا.",
    "\u{A0}",
    "\u{2028}",
    "\u{200B}",
    "|",
    "*bold*",
    "`code`",
    "a\u{AD}b",
    "\u{1D54F}",
];

/// Paragraphs, lists, tables, code and headings, some of them very long.
fn text(random: &mut Random) -> String {
    let line_end = *random.pick(&["\n", "\n", "\r\n"]);
    let mut out = String::new();
    for _ in 0..1 + random.below(14) {
        let length = *random.pick(&[1, 5, 20, 60, 200]);
        let block = match random.below(9) {
            0 => format!("{} {}", "#".repeat(1 + random.below(6)), sentence(random, 4)),
            1 => (0..1 + random.below(6)).map(|_| format!("- {}\n", sentence(random, 12))).collect(),
            2 => table(random),
            3 => format!("```\n{}\n    {}\n```", sentence(random, length), sentence(random, 5)),
            4 => random.pick(&["x", "字", "\u{1F6A3}", "ab.", "é"]).repeat(1 + random.below(1500)),
            _ => sentence(random, length),
        };
        out.push_str(&block);
        out.push_str("\n\n");
    }
    out.replace('\n', line_end)
}

fn sentence(random: &mut Random, words: usize) -> String {
    let words: Vec<&str> = (0..words).map(|_| *random.pick(WORDS)).collect();
    words.join(" ")
}

fn table(random: &mut Random) -> String {
    let columns = 2 + random.below(4);
    let mut row = |words: usize| -> String {
        let cells: Vec<String> = (0..columns).map(|_| sentence(random, words).replace('|', "/")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut out = row(1);
    out.push_str(&format!("|{}\n", " --- |".repeat(columns)));
    for words in [1, 2, 1, 3, 40, 1, 1, 2, 1, 1, 1, 6] {
        out.push_str(&row(words));
    }
    out
}
