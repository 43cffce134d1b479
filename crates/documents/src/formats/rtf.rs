//! Rich Text Format (RTF 1.9.1).

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Rtf,
    name: "RTF",
    extensions: &["rtf"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.bytes.starts_with(b"{\\rtf"),
    read: |input| structured::read(input, Format::Rtf, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/rtf";
