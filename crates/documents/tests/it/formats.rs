//! Every format of the registry, small files of each that is easily made, and files that must be refused.

use documents::formats::REGISTRY;
use documents::{BlockKind, Document, DocumentError, Format, WarningKind, parse_bytes};

use crate::samples::{self, archive};

fn read(bytes: &[u8]) -> Document {
    let document = parse_bytes(bytes, None).unwrap_or_else(|error| panic!("{error}"));
    check(&document);
    document
}

/// What every document must hold to.
fn check(document: &Document) {
    let length = document.text.chars().count();
    let mut end = 0;
    for block in &document.blocks {
        assert!(block.span.start >= end && block.span.end <= length && !block.span.is_empty(), "{block:?}");
        assert!(document.slice(documents::Span { start: end, end: block.span.start }).trim().is_empty());
        end = block.span.end;
    }
    assert_eq!(end, length);
    assert!(document.pages.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
}

fn headings(document: &Document) -> Vec<(u8, &str)> {
    let blocks = document.blocks.iter().filter_map(|block| match block.kind {
        BlockKind::Heading(level) => Some((level, document.slice(block.span))),
        _ => None,
    });
    blocks.collect()
}

fn of_kind(document: &Document, kind: BlockKind) -> Vec<&str> {
    document
        .blocks
        .iter()
        .filter(|block| block.kind == kind)
        .map(|block| document.slice(block.span))
        .collect()
}

#[test]
fn the_registry_is_sound() {
    let mut formats: Vec<Format> = REGISTRY.iter().map(|reader| reader.format).collect();
    for reader in REGISTRY {
        assert_eq!(reader.format.name(), reader.name);
        assert!(!reader.extensions.is_empty() && reader.media_type.contains('/'), "{}", reader.name);
        assert!(reader.extensions.iter().all(|ending| *ending == ending.to_lowercase()));
    }
    formats.dedup();
    assert_eq!(formats.len(), REGISTRY.len());
    assert_eq!(formats.last(), Some(&Format::Text));
}

/// The name never decides between formats whose content tells them apart.
#[test]
fn every_format_is_found_by_its_content() {
    let samples = samples::all();
    let formats: Vec<Format> = samples.iter().map(|(format, ..)| *format).collect();
    // Pictures have no text by themselves.
    let known = REGISTRY.iter().map(|reader| reader.format).filter(|format| *format != Format::Picture);
    assert_eq!(formats, known.collect::<Vec<_>>());
    for (format, bytes, words) in samples {
        let document = read(&bytes);
        assert_eq!(document.format, format);
        assert!(document.text.contains(words), "{format:?}: {}", document.text);
        if matches!(format, Format::Markdown | Format::Csv | Format::Text) {
            continue;
        }
        for name in ["a.pdf", "a.docx", "a.xlsx", "a.odt", "a.epub", "a.rtf", "a.eml", "a.txt", "a.png", "a"]
        {
            let named = parse_bytes(&bytes, Some(name)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((named.format, named.text.as_str()), (format, document.text.as_str()), "{name}");
        }
    }
}

/// What is no document is refused by what it is, whatever its name says.
#[test]
fn other_files_are_refused_by_their_content() {
    let zip = archive(&[("photo.jpg", "x"), ("notes/a.txt", "y")]);
    let office = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0, 0, 0];
    let cases: Vec<(&[u8], &str)> = vec![
        (b"GIF89a\x01\0\x01\0\0\0", "a GIF picture"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a WebP picture"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0", "a film or sound (MP4)"),
        (b"\x7FELF\x02\x01\x01\0\0\0", "a program"),
        (b"MZ\x90\0\x03\0\0\0\x04\0", "a program"),
        (b"\x1F\x8B\x08\0\0\0\0\0\0\x03", "an archive (gzip)"),
        (b"7z\xBC\xAF\x27\x1C\0\x04", "an archive (7z)"),
        (b"Rar!\x1A\x07\x01\0", "an archive (RAR)"),
        (b"PAR1\x15\x04\x15\0\0", "a Parquet file"),
        (b"SQLite format 3\0\x10\0", "a SQLite database"),
        (b"GGUF\x03\0\0\0\0\0\0\0", "a GGUF model"),
        (&office, "an old binary Office file"),
        (&zip, "a ZIP archive without a document"),
        (&[0, 1, 2, 3, 0, 0, 9, 9, 200, 0, 1, 1], "no document format"),
    ];
    for (bytes, words) in cases {
        for name in ["a.pdf", "a.docx", "a.txt", "a"] {
            let error = parse_bytes(bytes, Some(name)).expect_err(words);
            assert!(matches!(error, DocumentError::UnknownFormat { .. }), "{error}");
            let message = error.to_string();
            assert!(message.contains(words) && message.contains("EPUB, RTF"), "{words}: {message}");
        }
    }
}

#[test]
fn rich_text() {
    let text = r"{\rtf1\ansi{\fonttbl{\f0 Times;}}{\stylesheet{\s0 Normal;}{\s1 heading 1;}}{\*\generator X;}{\info{\title T}}\pard\s1 A title\par\pard Caf\'e9 \u8212? \u-10179?\u-8704? \{ok\}{\header H}\line next\par{\listtext\'b7\tab}One\par{\listtext 2.\tab}Two\par\trowd\cellx1\cellx2\pard\intbl Boat\cell Seats\cell\row\trowd\pard\intbl Heron\cell 2\cell\row\pard End\par}";
    let document = read(text.as_bytes());
    let expected = "A title\n\nCafé — 😀 {ok} next\n\n- One\n2. Two\n\n| Boat | Seats |\n| --- | --- |\n| Heron | 2 |\n\nEnd";
    assert_eq!(document.text, expected);
    assert_eq!(headings(&document), [(1, "A title")]);
}

#[test]
fn a_mail_message() {
    let text = "From: Ann <a@example.org>\nTo: b@example.org\nSubject: =?utf-8?q?Caf=C3=A9?=\nDate: Mon, 1 Jun 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nD=E9j=E0 vu\nagain.\n\nYours\n--x\nContent-Type: text/html\n\n<p>Other</p>\n--x--\n";
    let document = read(text.as_bytes());
    let expected = "Café\n\nFrom: Ann <a@example.org>\nTo: b@example.org\nDate: 2026-06-01T10:00:00Z\n\nDéjà vu again.\n\nYours";
    assert_eq!(document.text, expected);
}

#[test]
fn a_handbook_in_pdf() {
    let document = read(include_bytes!("../fixtures/handbook.pdf"));
    assert!(document.pages.len() >= 3);
    let found = headings(&document);
    assert_eq!(found[0], (1, "Harbour Rowing Club Handbook"));
    assert_eq!(
        &found[1..5],
        &[(1, "1 Boats"), (2, "1.1 Care of the boats"), (2, "1.2 Places"), (1, "2 Meetings")]
    );
    assert_eq!(found.len(), 8, "{found:?}");
    let tables = of_kind(&document, BlockKind::Table);
    assert_eq!(
        tables,
        [
            "| Boat | Seats | Rack | Steward |\n| --- | --- | --- | --- |\n| Kingfisher | 4 | North 2 | Maria Lindqvist, who also keeps the keys of the workshop |\n| Heron | 2 | South 1 | Tom Abara |\n| Plover | 1 |  | Ines Roche |",
            "| Month | Hours | Fee |\n| --- | --- | --- |\n| January | 8 to 16 | 12 euros |\n| June | 6 to 22 | 20 euros |"
        ]
    );
    let paragraphs = of_kind(&document, BlockKind::Paragraph);
    let committee =
        paragraphs.iter().find(|text| text.starts_with("The committee meets")).expect("the paragraph");
    assert!(committee.ends_with("may speak and vote.") && !committee.contains('\n'), "{committee}");
    assert!(
        of_kind(&document, BlockKind::ListItem).contains(&"- Oars go back to the rack."),
        "{}",
        document.text
    );
    assert!(!document.text.contains("Page 2"), "page numbers are furniture");
    assert_eq!(document.language.as_deref(), Some("eng"));
    assert_eq!(
        document.slice(document.pages[0].span).trim_start().split('\n').next(),
        Some("Harbour Rowing Club Handbook")
    );
}

#[test]
fn the_same_handbook_in_docx() {
    let document = read(include_bytes!("../fixtures/handbook.docx"));
    let pdf = read(include_bytes!("../fixtures/handbook.pdf"));
    assert_eq!(headings(&document), headings(&pdf));
    assert_eq!(of_kind(&document, BlockKind::Table), of_kind(&pdf, BlockKind::Table));
    assert!(
        of_kind(&document, BlockKind::ListItem).contains(&"- Oars go back to the rack."),
        "{}",
        document.text
    );
}

#[test]
fn two_columns_are_read_one_after_the_other() {
    let document = read(include_bytes!("../fixtures/columns.pdf"));
    let text = document.text.replace('\n', " ");
    let (left, right) = (text.find("left ends here"), text.find("right begins here"));
    assert!(left < right && left.is_some(), "{text}");
    assert!(text.contains("hyphenation is undone"), "{text}");
}

#[test]
fn scans_and_protected_files_are_named_as_such() {
    let error = parse_bytes(include_bytes!("../fixtures/scan.pdf"), Some("scan.pdf")).expect_err("no text");
    assert_eq!(error, DocumentError::NoText { file: "scan.pdf".into(), pages: 2 });
    assert!(error.to_string().contains("scan"));
    let error =
        parse_bytes(include_bytes!("../fixtures/protected.pdf"), Some("p.pdf")).expect_err("protected");
    assert!(
        matches!(error, DocumentError::Password { .. }) && error.to_string().contains("password"),
        "{error}"
    );
    let manifest = "<manifest:file-entry manifest:full-path=\"content.xml\"><manifest:encryption-data/></manifest:file-entry>";
    let protected = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", manifest),
    ]);
    let error = parse_bytes(&protected, Some("p.odt")).expect_err("protected");
    assert!(error.to_string().contains("password"), "{error}");
    let mut office = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    office.extend([0; 1000]);
    office.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let error = parse_bytes(&office, Some("p.docx")).expect_err("protected");
    assert!(error.to_string().contains("password"), "{error}");
}

#[test]
fn what_cannot_be_read_is_refused_with_a_reason() {
    let docx = include_bytes!("../fixtures/handbook.docx");
    let pdf = include_bytes!("../fixtures/handbook.pdf");
    let cases: &[(&[u8], &str)] = &[
        (b"", "no text in it"),
        (b" \n\t ", "no text in it"),
        (&docx[..docx.len() / 2], "ZIP"),
        (&[0, 1, 2, 3, 0, 0, 9, 9, 200, 0, 1, 1, 1, 1, 2], "no document format"),
        (b"PK\x03\x04garbage", "ZIP"),
        (b"%PDF-1.7\nnothing else", "PDF"),
        (&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0], "old binary Office"),
    ];
    for (bytes, words) in cases {
        let error = parse_bytes(bytes, Some("given.name")).expect_err(words).to_string();
        assert!(error.contains(words) && error.starts_with("given.name: "), "{error}");
    }
    // Damage must never panic; text or an error, both are right.
    for cut in (0..pdf.len()).step_by(397) {
        let _ = parse_bytes(&pdf[..cut], None);
    }
    for place in (0..docx.len()).step_by(1201) {
        let mut damaged = docx.to_vec();
        damaged[place] ^= 0x5A;
        let _ = parse_bytes(&damaged, None);
    }
}

#[test]
fn encodings() {
    let utf16 = |text: &str, mark: bool| {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let text = "Déjà vu, naïve café – twice.";
    assert_eq!(read(text.as_bytes()).text, text);
    assert_eq!(read(&utf16(text, true)).text, text);
    assert_eq!(read(&utf16(text, false)).text, text);
    let marked: Vec<u8> = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(read(&marked).text, text);
    let windows = read(b"D\xE9j\xE0 vu, na\xEFve caf\xE9 \x96 twice.");
    assert_eq!(windows.text, text);
    assert_eq!(windows.warnings[0].kind, WarningKind::GuessedEncoding);
}

#[test]
fn markdown_becomes_plain_blocks() {
    let text = "---\ntitle: x\n---\n# One #\nfirst line\nsecond *line*\n\nTwo\n---\n\n1. a\n2. b\n   more\n\n> quoted\n\n```rust\nlet a = 1;\n```\n\n| a | b |\n|---|:-:|\n| 1 | `x\\|y` |\n\n[ref]: http://x.y\n";
    let document = parse_bytes(text.as_bytes(), Some("x.md")).expect("Markdown is read");
    check(&document);
    assert_eq!(headings(&document), [(1, "One"), (2, "Two")]);
    assert_eq!(of_kind(&document, BlockKind::Paragraph), ["first line second line", "quoted"]);
    assert_eq!(of_kind(&document, BlockKind::ListItem), ["1. a", "2. b more"]);
    assert_eq!(of_kind(&document, BlockKind::Code), ["title: x", "let a = 1;"]);
    assert_eq!(of_kind(&document, BlockKind::Table), ["| a | b |\n| --- | --- |\n| 1 | x\\|y |"]);
}

/// Every sentence of a book of many pages comes through the child, without its running headers.
#[test]
fn a_book_in_pdf() {
    let book = crate::make::book::book(60);
    let limits = crate::child::limits();
    let document = crate::child::read("book.pdf", &book.bytes, &limits).outcome.expect("the book is read");
    check(&document);
    assert_eq!(document.pages.len(), 60);
    let lost: Vec<&String> =
        book.sentences.iter().filter(|sentence| !document.text.contains(sentence.as_str())).collect();
    assert!(lost.len() * 100 <= book.sentences.len(), "{} of {}: {lost:?}", lost.len(), book.sentences.len());
    assert!(!document.text.contains("Page 7 of 60") && !document.text.contains("complete edition"));
    assert_eq!(headings(&document).len(), 12);
}
