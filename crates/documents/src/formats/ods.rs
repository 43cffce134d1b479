//! OpenDocument spreadsheets (OASIS ODF 1.3); sheets are pages.

use std::io::Cursor;

use calamine::{Ods, Reader as _};

use crate::builder::Builder;
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::{Format, Input, Reader, sheets};
use crate::remark::Remark;

pub static READER: Reader = Reader {
    format: Format::Ods,
    name: "OpenDocument spreadsheet (ODS)",
    extensions: &["ods"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.media_type_begins(MEDIA_TYPE),
    read,
};

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut workbook =
        Ods::new(Cursor::new(input.bytes)).map_err(|error| input.damaged(Format::Ods, error))?;
    let mut builder = Builder::default();
    for (number, name) in (1..).zip(workbook.sheet_names()) {
        match workbook.worksheet_range(&name) {
            Ok(cells) => sheets::push(&mut builder, number, &name, &cells, &[]),
            Err(error) => {
                let detail = error.to_string();
                builder.warn(Remark::SheetUnreadable { name: name.clone(), detail }, Some(number));
            }
        }
    }
    Ok(builder.finish(Format::Ods))
}
