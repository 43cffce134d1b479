//! Writes PDF files (ISO 32000-1) object by object, so that any of them can be wrong.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A file of the objects 1, 2, 3 …, of which 1 is the catalogue.
pub fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    file_with(objects, "", |_, offset| offset)
}

/// The same with words added to the trailer, and the offsets of the cross-reference table as `offset` gives them.
pub fn file_with(objects: &[Vec<u8>], trailer: &str, offset: impl Fn(usize, usize) -> usize) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, body) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", offset(number, out.len())));
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend(body);
        out.extend(b"\nendobj\n");
    }
    let place = out.len();
    out.extend(table.bytes());
    let size = objects.len() + 1;
    out.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{place}\n%%EOF\n").bytes(),
    );
    out
}

/// A stream that says its true length.
pub fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    stream_saying(dictionary, &bytes.len().to_string(), bytes)
}

/// A stream that says any length.
pub fn stream_saying(dictionary: &str, length: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("<< /Length {length} {dictionary} >>\nstream\n");
    [head.as_bytes(), bytes, b"\nendstream"].concat()
}

/// A stream packed with zlib.
pub fn packed(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    stream(&format!("/Filter /FlateDecode {dictionary}"), &deflated(bytes))
}

/// zlib's bytes.
pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

/// The objects of a file with one page: 1 the catalogue, 2 the page tree, 3 the page (with `page` in its
/// dictionary), 4 a font that its resources name `/F1`, 5 its content. `resources` stands beside the font.
pub fn one_page(page: &str, resources: &str, content: Vec<u8>) -> Vec<Vec<u8>> {
    vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
             /Resources << /Font << /F1 4 0 R >> {resources} >> {page} >>"
        )
        .into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        content,
    ]
}

/// Content that shows a line of text.
pub const HELLO: &[u8] = b"BT /F1 12 Tf 72 700 Td (Boats are kept in the northern shed.) Tj ET\n";
