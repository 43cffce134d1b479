//! Word documents (ECMA-376 WordprocessingML).

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Docx,
    name: "Word (DOCX)",
    extensions: &["docx", "docm", "dotx"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.archive().is_some_and(|archive| archive.has("word/document.xml") || archive.has_folder("word/")),
    read: |input| structured::read(input, Format::Docx, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
