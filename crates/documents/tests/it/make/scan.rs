//! Scans of pages: letters drawn with a thick pen into a grey bitmap, as a picture file (PNG) and as the picture that
//! fills a page of a PDF file.

use std::io::Write;

use flate2::Crc;

use super::pdf;

/// A page of A4 at 150 dots an inch.
pub const WIDTH: usize = 1240;
pub const HEIGHT: usize = 1754;
/// Dots in a unit of the letters' grid, which is 4 wide and 6 high.
const UNIT: f32 = 6.0;
const PEN: f32 = 3.2;

/// Strokes of the letters that the tests need: points of the grid, `x y` in digits; strokes apart by `|`.
const LETTERS: &[(char, &str)] = &[
    ('A', "06 20 46|14 34"),
    ('B', "00 06 36 45 44 33 03|00 30 41 42 33"),
    ('D', "00 06 26 44 42 20 00"),
    ('E', "40 00 06 46|03 33"),
    ('H', "00 06|40 46|03 43"),
    ('I', "20 26"),
    ('K', "00 06|40 04|13 46"),
    ('L', "00 06 46"),
    ('N', "06 00 46 40"),
    ('O', "10 30 41 45 36 16 05 01 10"),
    ('P', "06 00 30 41 42 33 03"),
    ('R', "06 00 30 41 42 33 03|23 46"),
    ('S', "41 30 10 01 02 13 33 44 45 36 16 05"),
    ('T', "00 40|20 26"),
    ('.', "06 06"),
];

/// The dots of a page with these lines on it, 0 black to 255 white.
pub fn dots(lines: &[&str]) -> Vec<u8> {
    let mut dots = vec![255; WIDTH * HEIGHT];
    for (line, text) in lines.iter().enumerate() {
        for (place, letter) in text.chars().enumerate() {
            let (left, top) = (120.0 + place as f32 * 6.0 * UNIT, 150.0 + line as f32 * 80.0);
            let strokes =
                LETTERS.iter().find(|(known, _)| *known == letter).map_or("", |(_, strokes)| strokes);
            for stroke in strokes.split('|') {
                let points: Vec<(f32, f32)> = stroke
                    .split_whitespace()
                    .map(|point| point.as_bytes())
                    .map(|point| {
                        (left + f32::from(point[0] - b'0') * UNIT, top + f32::from(point[1] - b'0') * UNIT)
                    })
                    .collect();
                points.windows(2).for_each(|pair| draw(&mut dots, pair[0], pair[1]));
            }
        }
    }
    dots
}

/// A thick line between two points, its edge smooth.
fn draw(dots: &mut [u8], from: (f32, f32), to: (f32, f32)) {
    let (along, down) = (to.0 - from.0, to.1 - from.1);
    let length = (along * along + down * down).max(1e-6);
    let around = |a: f32, b: f32| (a.min(b) - PEN - 1.0) as usize..(a.max(b) + PEN + 2.0) as usize;
    for y in around(from.1, to.1) {
        for x in around(from.0, to.0) {
            let (right, below) = (x as f32 - from.0, y as f32 - from.1);
            let nearest = ((right * along + below * down) / length).clamp(0.0, 1.0);
            let distance = (right - nearest * along).hypot(below - nearest * down);
            let grey = ((distance - PEN + 0.5) * 255.0).clamp(0.0, 255.0) as u8;
            let dot = &mut dots[y * WIDTH + x];
            *dot = (*dot).min(grey);
        }
    }
}

/// A PNG file of a page.
pub fn png(lines: &[&str]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(body);
        out.extend((body.len() as u32).to_be_bytes());
        out.extend(kind);
        out.extend(body);
        out.extend(crc.sum().to_be_bytes());
    };
    let mut head = Vec::new();
    head.extend((WIDTH as u32).to_be_bytes());
    head.extend((HEIGHT as u32).to_be_bytes());
    // Eight bits, grey.
    head.extend([8, 0, 0, 0, 0]);
    chunk(b"IHDR", &head);
    let mut rows = Vec::new();
    for row in dots(lines).chunks(WIDTH) {
        rows.write_all(&[0]).and_then(|()| rows.write_all(row)).expect("memory can be written to");
    }
    chunk(b"IDAT", &pdf::deflated(&rows));
    chunk(b"IEND", b"");
    out
}

/// What stands on a page of a PDF file.
pub enum Page<'a> {
    /// Text.
    Text(&'a str),
    /// A picture of these lines.
    Scan(&'a [&'a str]),
}

/// A PDF file of such pages.
pub fn pdf(pages: &[Page]) -> Vec<u8> {
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 4 + page * 3)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (index, page) in pages.iter().enumerate() {
        let (content, picture) = (5 + index * 3, 6 + index * 3);
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
                 /Resources << /Font << /F1 3 0 R >> /XObject << /P {picture} 0 R >> >> >>"
            )
            .into_bytes(),
        );
        let (content, lines) = match page {
            Page::Text(text) => (format!("BT /F1 12 Tf 72 700 Td ({text}) Tj ET"), [].as_slice()),
            Page::Scan(lines) => ("595 0 0 842 0 0 cm /P Do".to_string(), *lines),
        };
        objects.push(pdf::stream("", content.as_bytes()));
        let dictionary = format!(
            "/Type /XObject /Subtype /Image /Width {WIDTH} /Height {HEIGHT} /ColorSpace /DeviceGray /BitsPerComponent 8"
        );
        objects.push(pdf::packed(&dictionary, &dots(lines)));
    }
    pdf::file(&objects)
}
