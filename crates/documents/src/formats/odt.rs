//! OpenDocument texts (OASIS ODF 1.3).

use crate::formats::{Format, Reader, opendocument};

pub static READER: Reader = Reader {
    format: Format::Odt,
    name: "OpenDocument text (ODT)",
    extensions: &["odt", "ott"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.media_type_begins(MEDIA_TYPE),
    read: |input| opendocument::read(input, Format::Odt),
};

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.text";
