//! A long PDF with real text: the sample handbooks' sentences, set in pages with headings, running headers and page
//! numbers.

use std::path::Path;

use documents::{BlockKind, parse_bytes};

use super::pdf;
use super::random::Random;

/// Characters on a line, and lines on a page.
const LINE: usize = 88;
const LINES: usize = 44;

/// A book and its sentences, in order.
pub struct Book {
    pub bytes: Vec<u8>,
    pub sentences: Vec<String>,
}

/// A book of so many pages.
pub fn book(pages: usize) -> Book {
    let stock = stock();
    let mut random = Random(600);
    let mut sentences = Vec::new();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        Vec::new(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    let mut kids = String::new();
    for number in 1..=pages {
        let content = page(number, pages, &stock, &mut random, &mut sentences);
        objects.push(pdf::packed("", content.as_bytes()));
        let content = objects.len();
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
                 /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
            )
            .into_bytes(),
        );
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>").into_bytes();
    Book { bytes: pdf::file(&objects), sentences }
}

/// Sentences of the sample handbooks that a standard font can show.
fn stock() -> Vec<String> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut stock = Vec::new();
    for name in ["handbook-1", "handbook-2", "handbook-3"] {
        let bytes = std::fs::read(samples.join(name).join("handbook.docx")).expect("the sample is there");
        let document = parse_bytes(&bytes, Some(name)).expect("the sample is read");
        for block in document.blocks.iter().filter(|block| block.kind == BlockKind::Paragraph) {
            let text = document.slice(block.span);
            let whole = text.split_inclusive(". ").map(|sentence| sentence.trim().to_string());
            stock.extend(whole.filter(|text| text.is_ascii() && text.len() > 30 && text.ends_with('.')));
        }
    }
    assert!(stock.len() > 100, "{} sentences", stock.len());
    stock
}

/// The content of a page: paragraphs of four sentences each.
fn page(
    number: usize,
    pages: usize,
    stock: &[String],
    random: &mut Random,
    said: &mut Vec<String>,
) -> String {
    let mut content = show("F1", 8, 72.0, 806.0, "Handbook of the harbour, complete edition");
    content.push_str(&show("F1", 8, 280.0, 30.0, &format!("Page {number} of {pages}")));
    let mut left = LINES;
    let mut baseline = 770.0;
    if number % 5 == 1 {
        content.push_str(&show("F2", 16, 72.0, baseline, &format!("{} Chapter on boats", number / 5 + 1)));
        baseline -= 30.0;
        left -= 2;
    }
    loop {
        let paragraph: Vec<&String> = (0..4).map(|_| random.pick(stock)).collect();
        let text = paragraph.iter().map(|sentence| sentence.as_str()).collect::<Vec<_>>().join(" ");
        let lines = wrapped(&text);
        if lines.len() + 1 > left {
            return content;
        }
        left -= lines.len() + 1;
        for line in lines {
            content.push_str(&show("F1", 11, 72.0, baseline, &line));
            baseline -= 14.0;
        }
        baseline -= 14.0;
        said.extend(paragraph.into_iter().cloned());
    }
}

fn show(font: &str, size: u32, x: f32, y: f32, text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
    format!("BT /{font} {size} Tf {x} {y} Td ({escaped}) Tj ET\n")
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.len() + word.len() + 1 > LINE {
            lines.push(word.to_string());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
