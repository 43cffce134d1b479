//! Small sound files of every format, each with words that its text holds.

use std::io::{Cursor, Write};

use documents::Format;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An archive of text members.
pub fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member can be started");
        writer.write_all(text.as_bytes()).expect("memory can be written to");
    }
    writer.finish().expect("memory can be written to").into_inner()
}

/// An OpenDocument file.
pub fn odf(media_type: &str, body: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><office:document-content
        xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
        xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
        xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
        xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">
        <office:body>{body}</office:body></office:document-content>"#
    );
    let manifest = format!(
        "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{media_type}\"/></manifest:manifest>"
    );
    archive(&[("mimetype", media_type), ("META-INF/manifest.xml", &manifest), ("content.xml", &content)])
}

fn epub() -> Vec<u8> {
    let container = "<container><rootfiles><rootfile full-path=\"in/book.opf\"/></rootfiles></container>";
    let book = "<package><manifest><item id=\"b\" href=\"two%20b.xhtml\"/><item id=\"a\" href=\"one.xhtml\"/></manifest><spine><itemref idref=\"a\"/><itemref idref=\"b\"/></spine></package>";
    archive(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", container),
        ("in/book.opf", book),
        ("in/two b.xhtml", "<html><body><h2>Two</h2><p>The end.</p></body></html>"),
        ("in/one.xhtml", "<html><body><h2>One</h2><p>The beginning.</p></body></html>"),
    ])
}

fn pptx() -> Vec<u8> {
    let slide = "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><p:sp><p:nvPr><p:ph type=\"title\"/></p:nvPr><a:p><a:r><a:t>A slide</a:t></a:r></a:p></p:sp><p:sp><p:nvPr><p:ph idx=\"1\"/></p:nvPr><a:p><a:r><a:t>One </a:t></a:r><a:r><a:t>point</a:t></a:r></a:p></p:sp></p:sld>";
    archive(&[("ppt/presentation.xml", "<p:presentation xmlns:p=\"p\"/>"), ("ppt/slides/slide1.xml", slide)])
}

fn xlsx() -> Vec<u8> {
    let relation = |kind: &str, target: &str| {
        let kind = format!("http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}");
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let cell =
        |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |number: u32, left: &str, right: &str| {
        let (first, second) = (cell(&format!("A{number}"), left), cell(&format!("B{number}"), right));
        format!("<row r=\"{number}\">{first}{second}</row>")
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rows = [row(1, "Boat", "Seats"), row(2, "Heron", "2"), row(3, "Plover", "1")].concat();
    archive(&[
        ("_rels/.rels", &relation("officeDocument", "xl/workbook.xml")),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"Fleet\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        ("xl/_rels/workbook.xml.rels", &relation("worksheet", "worksheets/sheet1.xml")),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ])
}

/// Each format's file, and words of its text.
pub fn all() -> Vec<(Format, Vec<u8>, &'static str)> {
    let odt = odf(
        "application/vnd.oasis.opendocument.text",
        "<office:text><text:h text:outline-level=\"1\">Title</text:h><text:p>Some words.</text:p></office:text>",
    );
    let odp = odf(
        "application/vnd.oasis.opendocument.presentation",
        "<office:presentation><draw:page draw:name=\"p1\"><draw:frame><draw:text-box><text:p>First slide</text:p></draw:text-box></draw:frame></draw:page><draw:page draw:name=\"p2\"><draw:frame><draw:text-box><text:p>Second slide</text:p></draw:text-box></draw:frame></draw:page></office:presentation>",
    );
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let row =
        |left: &str, right: &str| format!("<table:table-row>{}{}</table:table-row>", cell(left), cell(right));
    let rows = [row("Boat", "Seats"), row("Heron", "2"), row("Plover", "1")].concat();
    let ods = odf(
        "application/vnd.oasis.opendocument.spreadsheet",
        &format!(
            "<office:spreadsheet><table:table table:name=\"Fleet\">{rows}</table:table></office:spreadsheet>"
        ),
    );
    let eml = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Boats\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe boats are ready.\r\n";
    let rtf = r"{\rtf1\ansi{\fonttbl{\f0 Times;}}\f0 The boats are ready.\par Second paragraph.\par}";
    let html = "<!DOCTYPE html><html><body><h1>A</h1><p>Some words.</p></body></html>";
    let markdown = "# Title\n\nSome **bold** words.\n\n- one\n- two\n";
    vec![
        (Format::Pdf, include_bytes!("../fixtures/handbook.pdf").to_vec(), "boathouse"),
        (Format::Docx, include_bytes!("../fixtures/handbook.docx").to_vec(), "boathouse"),
        (Format::Pptx, pptx(), "A slide\n\n- One point"),
        (Format::Xlsx, xlsx(), "| Heron | 2 |"),
        (Format::Odt, odt, "Some words."),
        (Format::Odp, odp, "Second slide"),
        (Format::Ods, ods, "| Heron | 2 |"),
        (Format::Epub, epub(), "One\n\nThe beginning.\n\nTwo\n\nThe end."),
        (Format::Rtf, rtf.into(), "The boats are ready."),
        (Format::Email, eml.into(), "The boats are ready."),
        (Format::Html, html.into(), "Some words."),
        (Format::Markdown, markdown.into(), "Some bold words."),
        (Format::Csv, b"name;seats\nHeron;2\nPlover;1\n".to_vec(), "| Heron | 2 |"),
        (Format::Text, b"Just a line of text.\n".to_vec(), "Just a line of text."),
    ]
}
