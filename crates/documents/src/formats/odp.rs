//! OpenDocument presentations (OASIS ODF 1.3); slides are pages.

use crate::formats::{Format, Reader, opendocument};

pub static READER: Reader = Reader {
    format: Format::Odp,
    name: "OpenDocument presentation (ODP)",
    extensions: &["odp"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.media_type_begins(MEDIA_TYPE),
    read: |input| opendocument::read(input, Format::Odp),
};

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.presentation";
