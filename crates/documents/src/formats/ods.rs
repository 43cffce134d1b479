//! OpenDocument spreadsheets (OASIS ODF 1.3).

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Ods,
    name: "OpenDocument spreadsheet (ODS)",
    extensions: &["ods"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.media_type_begins(MEDIA_TYPE),
    read: |input| structured::read(input, Format::Ods, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";
