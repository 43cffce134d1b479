//! Formats that are text: HTML, RTF, mail, Markdown, CSV, JSON.

use super::{Limit, Read, Refused, check};

const TEXT: &str = "Boats are kept in the northern shed.";

#[test]
fn web_pages() {
    const DEEP: usize = 100_000;
    let page = |body: String| format!("<!DOCTYPE html><html><body>{body}</body></html>").into_bytes();
    let around = |open: &str, close: &str, times: usize| {
        page(format!("{}<p>{TEXT}</p>{}", open.repeat(times), close.repeat(times)))
    };
    check("tables.html", &around("<table><tr><td>", "</td></tr></table>", DEEP), &[Read]);
    check("tables-left-open.html", &around("<table><tr><td>", "", DEEP), &[Read]);
    check("tables-with-text.html", &around("<table><tr><td>boats", "</td></tr></table>", DEEP), &[Read]);
    check("divisions.html", &around("<div>", "</div>", 1_000_000), &[Read]);
    check("lists.html", &around("<ul><li>", "</li></ul>", DEEP), &[Read]);
    check("headings.html", &around("<h1>boats", "</h1>", DEEP), &[Read]);
    let pictures = format!("<p>{TEXT}</p>{}{}", "<svg>".repeat(DEEP), "</p>".repeat(DEEP));
    check("pictures-left-open.html", &page(pictures), &[Read]);
    let attributes: String = (0..DEEP).map(|number| format!(" a{number}=\"b\"")).collect();
    check("attributes.html", &page(format!("<p{attributes}>{TEXT}</p>")), &[Read, Limit]);
    let spans = format!(
        "<table>{}</table>",
        format!("<tr><td colspan=99999999 rowspan=99999999>{TEXT}</td></tr>").repeat(2000)
    );
    check("spans.html", &page(spans), &[Read]);
    let long = "boats ".repeat(200_000);
    let spans = format!(
        "<table><tr><td colspan=100 rowspan=100>{long}</td></tr>{}</table>",
        "<tr><td>x</td></tr>".repeat(99)
    );
    check("long-spans.html", &page(spans), &[Read, Refused]);
    check("brackets.html", &page(format!("<p>{TEXT}</p>{}", "<".repeat(1_000_000))), &[Read]);
    check("references.html", &page(format!("<p>{TEXT} {}</p>", "&amp".repeat(500_000))), &[Read]);
    check("comment.html", &page(format!("<p>{TEXT}</p>{}", "<!--".repeat(250_000))), &[Read]);
}

#[test]
fn rich_text() {
    const MANY: usize = 1_000_000;
    let file = |body: String| format!("{{\\rtf1\\ansi {body}}}").into_bytes();
    check("groups.rtf", &file(format!("{}{TEXT}{}", "{".repeat(MANY), "}".repeat(MANY))), &[Read]);
    check("groups-left-open.rtf", &file(format!("{TEXT}{}", "{".repeat(MANY))), &[Read]);
    check("groups-closed.rtf", &file(format!("{}{TEXT}", "}".repeat(MANY))), &[Read]);
    check("groups-in-a-row.rtf", &file(format!("{}{TEXT}", "{\\b x}".repeat(MANY))), &[Read]);
    check("bytes.rtf", &file(format!("{TEXT}\\bin2147483647 x")), &[Read]);
    check("negative-bytes.rtf", &file(format!("{TEXT}\\bin-2147483648 x")), &[Read]);
    check("characters.rtf", &file(format!("{TEXT} {}", "\\u-10179?".repeat(MANY))), &[Read]);
    check("cells.rtf", &file(format!("{TEXT}\\par {}", "\\intbl x\\cell ".repeat(MANY))), &[Read]);
    check("rows.rtf", &file(format!("{TEXT}\\par {}", "\\intbl x\\cell\\row ".repeat(MANY / 4))), &[Read]);
    check("numbers.rtf", &file(format!("{TEXT}{}", "\\fs99999999999999999999".repeat(50_000))), &[Read]);
}

#[test]
fn mail() {
    let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Boats\r\nMIME-Version: 1.0\r\n";
    let text = format!("Content-Type: text/plain\r\n\r\n{TEXT}\r\n");
    let mut parts = head.to_string();
    for number in 0..10_000 {
        parts.push_str(&format!("Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n"));
    }
    check("parts.eml", format!("{parts}{text}").as_bytes(), &[Read, Refused]);
    let mut messages = head.to_string();
    for _ in 0..10_000 {
        messages.push_str(&format!("Content-Type: message/rfc822\r\n\r\n{head}"));
    }
    check("messages.eml", format!("{messages}{text}").as_bytes(), &[Read, Refused]);
    let people = "x <x@example.org>, ".repeat(100_000);
    check("people.eml", format!("{head}Cc: {people}\r\n{text}").as_bytes(), &[Read]);
    let headers = "X-A: b\r\n".repeat(300_000);
    check("headers.eml", format!("{head}{headers}{text}").as_bytes(), &[Read]);
    let cut = format!(
        "{head}Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nQm9hdHMgYXJlIGtlcHQ"
    );
    check("cut.eml", cut.as_bytes(), &[Read, Refused]);
}

#[test]
fn plain_text() {
    const MANY: usize = 1_000_000;
    check("arrays.json", format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)).as_bytes(), &[Read]);
    check("quotations.md", format!("# Boats\n\n{} {TEXT}\n", ">".repeat(MANY)).as_bytes(), &[Read]);
    check("brackets.md", format!("# Boats\n\n{}{TEXT}\n", "[".repeat(MANY)).as_bytes(), &[Read]);
    check("marks.md", format!("# Boats\n\n{}{TEXT}\n", "*_`~".repeat(MANY / 4)).as_bytes(), &[Read]);
    check(
        "columns.md",
        format!("{TEXT}\n\n|{}\n|{}\n", "a|".repeat(MANY), "-|".repeat(MANY)).as_bytes(),
        &[Read],
    );
    check("headings.md", "# a\n".repeat(MANY / 4).as_bytes(), &[Read]);
    check("columns.csv", format!("{}\n{}\n1,2\n", "a,".repeat(MANY), "b,".repeat(MANY)).as_bytes(), &[Read]);
    check("ragged.csv", format!("{}\n{}", "a,".repeat(5000), "1,2\n".repeat(100_000)).as_bytes(), &[Read]);
    check("quotes.csv", format!("a,b\n1,\"{}", "x\n".repeat(MANY)).as_bytes(), &[Read]);
    check("word.txt", "a.b".repeat(MANY).as_bytes(), &[Read]);
    check("stops.txt", ". ".repeat(MANY).as_bytes(), &[Read]);
    check("lines.txt", "\n".repeat(MANY).as_bytes(), &[Refused]);
}
