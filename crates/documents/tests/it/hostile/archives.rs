//! Formats that are ZIP archives.

use super::{Limit, Read, Refused, check};
use crate::make::zip::{Member, archive, archive_saying};

const TEXT: &str = "Boats are kept in the northern shed.";
const WORD: &str = "<w:document xmlns:w=\"w\"><w:body>";
const WORD_END: &str = "</w:body></w:document>";
const PARAGRAPH: &str = "<w:p><w:r><w:t>Boats are kept in the northern shed.</w:t></w:r></w:p>";
const OPEN: &str =
    "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\"><office:body>";
const OPEN_END: &str = "</office:body></office:document-content>";

fn word(body: &str) -> Member {
    Member::new("word/document.xml", format!("{WORD}{body}{WORD_END}").as_bytes())
}

fn open(kind: &str, content: Member) -> Vec<Member> {
    let media_type = format!("application/vnd.oasis.opendocument.{kind}");
    let manifest = Member::new("META-INF/manifest.xml", b"<manifest:manifest xmlns:manifest=\"m\"/>");
    vec![Member::new("mimetype", media_type.as_bytes()), manifest, content]
}

fn epub(chapter: Member) -> Vec<Member> {
    let container = "<container><rootfiles><rootfile full-path=\"book.opf\"/></rootfiles></container>";
    let book = "<package><manifest><item id=\"a\" href=\"a.xhtml\"/></manifest><spine><itemref idref=\"a\"/></spine></package>";
    vec![
        Member::new("mimetype", b"application/epub+zip"),
        Member::new("META-INF/container.xml", container.as_bytes()),
        Member::new("book.opf", book.as_bytes()),
        chapter,
    ]
}

fn workbook(sheet: Member, others: Vec<Member>) -> Vec<Member> {
    let relations = |kind: &str, target: &str| {
        let kind = format!("http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}");
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let main =
        "<workbook xmlns:r=\"r\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    let mut members = vec![
        Member::new("_rels/.rels", relations("officeDocument", "xl/workbook.xml").as_bytes()),
        Member::new("xl/workbook.xml", main.as_bytes()),
        Member::new("xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml").as_bytes()),
        sheet,
    ];
    members.extend(others);
    members
}

fn sheet(body: &str) -> Member {
    let xml = format!("<worksheet>{body}</worksheet>");
    Member::new("xl/worksheets/sheet1.xml", xml.as_bytes())
}

/// 400 MiB in a few hundred kilobytes.
fn bomb(name: &str, head: &str, tail: &str) -> Member {
    Member::repeating(name, head.as_bytes(), b"boats ", (400 << 20) / 6, tail.as_bytes())
}

#[test]
fn bombs() {
    let in_word = bomb("word/document.xml", &format!("{WORD}<w:p><w:r><w:t>"), "</w:t></w:r></w:p>");
    check("bomb.docx", &archive(&[in_word]), &[Refused]);
    let mut lying = bomb("word/document.xml", &format!("{WORD}<w:p><w:r><w:t>"), "</w:t></w:r></w:p>");
    lying.size = 1000;
    check("bomb-that-lies.docx", &archive(&[lying]), &[Refused]);
    let styles = bomb("word/styles.xml", "<w:styles>", "");
    let relations =
        "<Relationships><Relationship Id=\"a\" Type=\"x/styles\" Target=\"styles.xml\"/></Relationships>";
    let relations = Member::new("word/_rels/document.xml.rels", relations.as_bytes());
    check("bomb-of-styles.docx", &archive(&[word(PARAGRAPH), relations, styles]), &[Read, Refused]);
    let content = bomb("content.xml", &format!("{OPEN}<office:text><text:p>"), "");
    check("bomb.odt", &archive(&open("text", content)), &[Refused]);
    let content = bomb("content.xml", &format!("{OPEN}<office:spreadsheet>"), "");
    check("bomb.ods", &archive(&open("spreadsheet", content)), &[Refused]);
    check("bomb.epub", &archive(&epub(bomb("a.xhtml", "<html><body><p>", ""))), &[Refused]);
    let strings = bomb("xl/sharedStrings.xml", "<sst><si><t>", "");
    check("bomb.xlsx", &archive(&workbook(sheet(""), vec![strings])), &[Refused]);
    let slide = bomb("ppt/slides/slide1.xml", "<p:sld xmlns:a=\"a\"><a:p><a:r><a:t>", "");
    let main = Member::new("ppt/presentation.xml", b"<p:presentation/>");
    check("bomb.pptx", &archive(&[main, slide]), &[Refused]);
}

#[test]
fn entities() {
    let mut entities = "<!DOCTYPE x [<!ENTITY e0 \"boats\">".to_string();
    for level in 1..30 {
        let inner = format!("&e{};", level - 1).repeat(10);
        entities.push_str(&format!("<!ENTITY e{level} \"{inner}\">"));
    }
    entities.push_str("]>");
    let body = format!("{entities}{WORD}<w:p><w:r><w:t>{TEXT} &e29;</w:t></w:r></w:p>{WORD_END}");
    check("entities.docx", &archive(&[Member::new("word/document.xml", body.as_bytes())]), &[Read]);
    let body = format!("{entities}{OPEN}<office:text><text:p>{TEXT} &e29;</text:p></office:text>{OPEN_END}");
    check("entities.odt", &archive(&open("text", Member::new("content.xml", body.as_bytes()))), &[Read]);
    let page = format!("{entities}<html><body><p>{TEXT} &e29;</p></body></html>");
    check("entities.epub", &archive(&epub(Member::new("a.xhtml", page.as_bytes()))), &[Read]);
    let outside = format!(
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{WORD}<w:p><w:r><w:t>{TEXT} &e;</w:t></w:r></w:p>{WORD_END}"
    );
    check("outside.docx", &archive(&[Member::new("word/document.xml", outside.as_bytes())]), &[Read]);
}

#[test]
fn nested() {
    const DEEP: usize = 100_000;
    let cell = "<w:tbl><w:tr><w:tc>";
    let closing = "</w:tc></w:tr></w:tbl>";
    let tables = format!("{}{PARAGRAPH}{}", cell.repeat(DEEP), closing.repeat(DEEP));
    check("tables.docx", &archive(&[word(&tables)]), &[Read]);
    check(
        "tables-left-open.docx",
        &archive(&[word(&format!("{}{PARAGRAPH}", cell.repeat(DEEP)))]),
        &[Read, Refused],
    );
    let boxes = format!("{}{PARAGRAPH}{}", "<w:p><w:r>".repeat(DEEP), "</w:r></w:p>".repeat(DEEP));
    check("boxes.docx", &archive(&[word(&boxes)]), &[Read]);
    let (row, end) = (
        "<table:table><table:table-row><table:table-cell>",
        "</table:table-cell></table:table-row></table:table>",
    );
    let body = format!(
        "{OPEN}<office:text>{}<text:p>{TEXT}</text:p>{}</office:text>{OPEN_END}",
        row.repeat(DEEP),
        end.repeat(DEEP)
    );
    check("tables.odt", &archive(&open("text", Member::new("content.xml", body.as_bytes()))), &[Read]);
    let lists = format!(
        "{OPEN}<office:text>{}<text:p>{TEXT}</text:p>{}</office:text>{OPEN_END}",
        "<text:list><text:list-item>".repeat(DEEP),
        "</text:list-item></text:list>".repeat(DEEP)
    );
    check("lists.odt", &archive(&open("text", Member::new("content.xml", lists.as_bytes()))), &[Read]);
}

#[test]
fn lies() {
    let sound = || vec![word(PARAGRAPH)];
    check("sound.docx", &archive(&sound()), &[Read]);
    let lying = |change: fn(&mut Member)| {
        let mut members = sound();
        members.iter_mut().for_each(change);
        archive(&members)
    };
    check("size-too-small.docx", &lying(|member| member.size = 3), &[Read, Refused]);
    check("size-too-large.docx", &lying(|member| member.size = u32::MAX - 1), &[Read, Refused]);
    check("packed-size-too-small.docx", &lying(|member| member.packed_size = 3), &[Refused]);
    check("packed-size-too-large.docx", &lying(|member| member.packed_size = u32::MAX - 1), &[Read, Refused]);
    check("place-elsewhere.docx", &lying(|member| member.shift = 1), &[Refused]);
    check("place-beyond.docx", &lying(|member| member.shift = u32::MAX / 2), &[Refused]);
    check("members-of-thousands.docx", &archive_saying(&sound(), u16::MAX - 1), &[Read, Refused]);
    check("no-members.docx", &archive_saying(&sound(), 0), &[Read, Refused]);
    let twice = vec![word(PARAGRAPH), word("<w:p/>")];
    check("twice.docx", &archive(&twice), &[Read, Refused]);
    let many: Vec<Member> = (0..60_000).map(|number| Member::new(&format!("word/{number}"), b"")).collect();
    check("many-members.docx", &archive(&many), &[Refused]);
    let mut outside = sound();
    outside.push(Member::new("../../../../tmp/outside", TEXT.as_bytes()));
    check("outside.docx", &archive(&outside), &[Read]);
}

/// Cells that say that they are many.
#[test]
fn repeated() {
    let value = |place: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>Boats</t></is></c>");
    let sparse = format!(
        "<dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1\">{}</row><row r=\"1048576\">{}</row></sheetData>",
        value("A1"),
        value("XFD1048576")
    );
    check("sparse.xlsx", &archive(&workbook(sheet(&sparse), vec![])), &[Read]);
    let columns = ('A'..='Z').flat_map(|first| ('A'..='Z').map(move |second| format!("{first}{second}")));
    let diagonal: String = columns
        .cycle()
        .take(20_000)
        .zip(1..)
        .map(|(column, row)| {
            format!("<row r=\"{}\">{}</row>", row * 50, value(&format!("{column}{}", row * 50)))
        })
        .collect();
    let diagonal = format!("<sheetData>{diagonal}</sheetData>");
    check("diagonal.xlsx", &archive(&workbook(sheet(&diagonal), vec![])), &[Refused]);
    let merges = "<mergeCell ref=\"A1:CV100\"/>".repeat(100_000);
    let merged = format!(
        "<sheetData><row r=\"1\">{}{}</row><row r=\"100\">{}</row></sheetData><mergeCells>{merges}</mergeCells>",
        value("A1"),
        value("CX1"),
        value("CX100")
    );
    check("merged.xlsx", &archive(&workbook(sheet(&merged), vec![])), &[Read, Limit]);
    let row = format!(
        "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell \
         table:number-columns-repeated=\"16384\" office:value-type=\"string\"><text:p>{TEXT}</text:p></table:table-cell></table:table-row></table:table>"
    );
    let body = format!("{OPEN}<office:spreadsheet>{row}</office:spreadsheet>{OPEN_END}");
    check(
        "repeated.ods",
        &archive(&open("spreadsheet", Member::new("content.xml", body.as_bytes()))),
        &[Read, Refused, Limit],
    );
    let body = format!("{OPEN}<office:text>{}</office:text>{OPEN_END}", row.replace("16384", "4294967295"));
    check("repeated.odt", &archive(&open("text", Member::new("content.xml", body.as_bytes()))), &[Read]);
    let wide = format!(
        "<w:tbl>{}</w:tbl>",
        format!("<w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"4294967295\"/></w:tcPr>{PARAGRAPH}</w:tc></w:tr>")
            .repeat(50_000)
    );
    check("wide.docx", &archive(&[word(&wide)]), &[Read, Limit]);
}
