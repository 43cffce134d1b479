//! PDF.

use super::{Crashed, Limit, Read, Refused, check};
use crate::make::pdf::{HELLO, file, file_with, one_page, packed, stream, stream_saying};

const DEEP: usize = 200_000;

fn hello() -> Vec<u8> {
    stream("", HELLO)
}

#[test]
fn nested() {
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    let arrays = format!("{open}{close}");
    let dictionaries = format!("{}1{}", "<</A ".repeat(DEEP), ">>".repeat(DEEP));
    let any = &[Read, Refused, Crashed];
    for (name, value) in [("arrays", &arrays), ("dictionaries", &dictionaries), ("open", &open)] {
        let page = one_page(&format!("/Nested {value}"), "", hello());
        check(&format!("{name}-in-page.pdf"), &file(&page), any);
        let trailer = file_with(&one_page("", "", hello()), &format!("/Nested {value}"), |_, place| place);
        check(&format!("{name}-in-trailer.pdf"), &trailer, any);
        let content = [format!("{value} TJ\n").as_bytes(), HELLO].concat();
        check(&format!("{name}-in-content.pdf"), &file(&one_page("", "", packed("", &content))), any);
    }
    let states = [&b"q ".repeat(DEEP), HELLO, &b"Q ".repeat(DEEP)].concat();
    check("states.pdf", &file(&one_page("", "", packed("", &states))), &[Read]);
    // A page tree of so many levels, one kid each.
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    for number in 2..20_000 {
        let next = number + 1;
        objects.push(format!("<< /Type /Pages /Kids [{next} 0 R] /Count 1 >>").into_bytes());
    }
    objects.push(b"<< /Type /Page /MediaBox [0 0 9 9] >>".to_vec());
    check("deep-tree.pdf", &file(&objects), any);
}

#[test]
fn bombs() {
    let spaces = vec![b' '; 400 << 20];
    let once = packed("", &spaces);
    check("flate.pdf", &file(&one_page("", "", once.clone())), &[Refused, Limit]);
    drop(spaces);
    let inner = crate::make::pdf::deflated(&vec![b' '; 200 << 20]);
    let twice = stream("/Filter [/FlateDecode /FlateDecode]", &crate::make::pdf::deflated(&inner));
    check("flate-twice.pdf", &file(&one_page("", "", twice)), &[Refused, Limit]);
    // One bomb, shown by the page many times over.
    let mut objects = one_page("", "/XObject << /X 6 0 R >>", stream("", &b"/X Do ".repeat(200)));
    objects.push(packed("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", &vec![b' '; 50 << 20]));
    check("flate-form.pdf", &file(&objects), &[Read, Refused, Limit]);
    // Every page has it as its content.
    let mut objects = one_page("", "", once);
    objects[1] = format!("<< /Type /Pages /Kids [{}] /Count 300 >>", "3 0 R ".repeat(300)).into_bytes();
    check("flate-pages.pdf", &file(&objects), &[Refused, Limit]);
}

/// Forms of which each shows the next twice: 2⁴⁰ times the last.
fn fan_out() -> Vec<u8> {
    let mut objects = one_page("", "/XObject << /X 6 0 R >>", stream("", b"/X Do"));
    for number in 6..46 {
        let resources = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> /XObject << /X {} 0 R >> >>",
            number + 1
        );
        objects.push(stream(&resources, b"/X Do /X Do"));
    }
    objects.push(stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", HELLO));
    file(&objects)
}

#[test]
fn circles() {
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]";
    let mut own = one_page("", "/XObject << /X 6 0 R >>", stream("", &[HELLO, b"/X Do"].concat()));
    own.push(stream(&format!("{form} /Resources << /XObject << /X 6 0 R >> >>"), b"/X Do /X Do"));
    check("own-form.pdf", &file(&own), &[Read]);
    let mut mutual = one_page("", "/XObject << /X 6 0 R >>", stream("", &[HELLO, b"/X Do"].concat()));
    for other in [7, 6] {
        let resources = format!("{form} /Resources << /XObject << /X {other} 0 R >> >>");
        mutual.push(stream(&resources, b"/X Do /X Do"));
    }
    check("mutual-forms.pdf", &file(&mutual), &[Read]);
    check("fan-out.pdf", &fan_out(), &[Read, Refused, Limit]);

    let tree = |kids: &str| {
        let mut objects = one_page("", "", hello());
        objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count 9 >>").into_bytes();
        file(&objects)
    };
    check("tree-of-itself.pdf", &tree("2 0 R"), &[Read, Refused]);
    check("tree-of-itself-twice.pdf", &tree("2 0 R 2 0 R 3 0 R"), &[Refused]);
    let mut objects = one_page("", "", hello());
    objects[1] = b"<< /Type /Pages /Kids [6 0 R 6 0 R 3 0 R] /Count 9 >>".to_vec();
    objects.push(b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Parent 2 0 R /Count 9 >>".to_vec());
    check("tree-in-a-circle.pdf", &file(&objects), &[Refused]);

    let mut objects = one_page("/Parent 3 0 R", "", hello());
    objects[2] = b"<< /Type /Page /Parent 3 0 R /Contents 5 0 R >>".to_vec();
    check("page-its-own-parent.pdf", &file(&objects), &[Read, Refused]);
    let mut objects = one_page("", "", stream_saying("", "5 0 R", HELLO));
    check("length-is-itself.pdf", &file(&objects), &[Read, Refused]);
    objects[4] = b"6 0 R".to_vec();
    objects.push(b"5 0 R".to_vec());
    check("content-in-a-circle.pdf", &file(&objects), &[Refused]);
    objects[4] = b"[5 0 R 5 0 R]".to_vec();
    check("content-of-itself.pdf", &file(&objects), &[Refused]);
    let sound = file(&one_page("", "", hello()));
    let place = String::from_utf8_lossy(&sound).rfind("xref\n0").expect("a table");
    let previous = file_with(&one_page("", "", hello()), &format!("/Prev {place}"), |_, place| place);
    check("previous-table-is-itself.pdf", &previous, &[Read, Refused]);
}

#[test]
fn lies() {
    for (name, length) in
        [("long", "99999999"), ("longest", "18446744073709551615"), ("short", "3"), ("negative", "-1")]
    {
        let page = one_page("", "", stream_saying("", length, HELLO));
        check(&format!("length-{name}.pdf"), &file(&page), &[Read, Refused]);
    }
    let sound = one_page("", "", hello());
    check("offsets-shifted.pdf", &file_with(&sound, "", |_, place| place + 7), &[Read, Refused]);
    check("offsets-beyond.pdf", &file_with(&sound, "", |_, _| 9_999_999_999), &[Read, Refused]);
    check("offsets-all-the-same.pdf", &file_with(&sound, "", |_, _| 9), &[Read, Refused]);
    let text = file(&sound);
    let replaced = |from: &str, to: &str| {
        let place = text.windows(from.len()).position(|part| part == from.as_bytes()).expect(from);
        [&text[..place], to.as_bytes(), &text[place + from.len()..]].concat()
    };
    check("table-of-millions.pdf", &replaced("xref\n0 6", "xref\n0 4294967295"), &[Read, Refused]);
    check("size-of-millions.pdf", &replaced("/Size 6", "/Size 2147483647"), &[Read, Refused]);
    check("pages-of-millions.pdf", &replaced("/Count 1", "/Count 2147483647"), &[Read, Refused]);
    check("page-without-end.pdf", &replaced("0 0 595 842", "-1e38 0 9e37 1e38"), &[Read, Refused]);
    check("font-of-millions.pdf", &replaced("/Type1", "/Type1 /FirstChar 0 /LastChar 2147483647"), &[Read]);
    check("start-elsewhere.pdf", &replaced("startxref\n", "startxref\n9"), &[Read, Refused]);

    let parameters = "/DecodeParms << /Predictor 12 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>";
    let predicted = file(&one_page("", "", packed(parameters, HELLO)));
    check("columns-of-millions.pdf", &predicted, &[Read, Refused, Limit]);
    let mut mapped = one_page("", "", hello());
    mapped[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>".to_vec();
    let ranges = b"1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange\n".repeat(100);
    mapped.push(packed(
        "",
        &[b"begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange\n", &ranges[..]].concat(),
    ));
    check("map-of-millions.pdf", &file(&mapped), &[Read, Refused, Limit]);
    let mut objects = one_page("", "", hello());
    objects.push(packed("/Type /ObjStm /N 2147483647 /First 2147483647", b"1 0 2 0"));
    check("objects-of-millions.pdf", &file(&objects), &[Read, Refused]);
    let far = format!("BT /F1 12 Tf {} Td (far) Tj ET\n", "9".repeat(40) + " 1e39");
    let content = stream("", &[far.as_bytes(), HELLO].concat());
    check("far-away.pdf", &file(&one_page("", "", content)), &[Read]);
}

/// A page may be full of what takes time to put in order.
#[test]
fn crowded() {
    let mut lines = String::new();
    for line in 0..4000 {
        let y = 800.0 - f64::from(line) * 0.2;
        lines.push_str(&format!("BT /F1 1 Tf 72 {y} Td (left {line}) Tj 200 0 Td (right {line}) Tj ET\n"));
    }
    check("crowded.pdf", &file(&one_page("", "", packed("", lines.as_bytes()))), &[Read, Limit]);
    let mut rules = String::new();
    for line in 0..20_000 {
        let place = f64::from(line % 2000) * 0.4;
        rules.push_str(&format!("{place} 0 m {place} 800 l S 0 {place} m 500 {place} l S\n"));
    }
    let content = [rules.as_bytes(), HELLO].concat();
    check("rules.pdf", &file(&one_page("", "", packed("", &content))), &[Read, Limit]);
}
