//! Excel workbooks (ECMA-376 SpreadsheetML); sheets are pages.

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Xlsx,
    name: "Excel (XLSX)",
    extensions: &["xlsx", "xlsm"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.archive().is_some_and(|archive| archive.has_folder("xl/")),
    read: |input| structured::read(input, Format::Xlsx, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
