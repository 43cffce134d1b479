//! Excel workbooks (ECMA-376 SpreadsheetML); sheets are pages. The cells come through kreuzberg; charts and comments
//! stand in parts of their own and follow at the end.

use std::collections::HashMap;

use crate::builder::Builder;
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::package::Package;
use crate::formats::{Format, Input, Reader, charts, office_comments, structured};

pub static READER: Reader = Reader {
    format: Format::Xlsx,
    name: "Excel (XLSX)",
    extensions: &["xlsx", "xlsm"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.archive().is_some_and(|archive| archive.has_folder("xl/")),
    read,
};

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut builder = Builder::default();
    structured::read_into(input, input.bytes, Format::Xlsx, MEDIA_TYPE, &mut builder)?;
    let mut package = Package::open(input, Format::Xlsx)?;
    for part in package.parts("xl/charts/chart", ".xml") {
        if let Some(text) = package.part(&part) {
            charts::push(&text, &mut builder);
        }
    }
    for part in package.parts("xl/comments", ".xml") {
        if let Some(text) = package.part(&part) {
            office_comments::push(&text, &HashMap::new(), &mut builder);
        }
    }
    let persons = package.part("xl/persons/person.xml");
    let persons = persons.map_or_else(HashMap::new, |text| office_comments::persons(&text));
    for part in package.parts("xl/threadedComments/", ".xml") {
        if let Some(text) = package.part(&part) {
            office_comments::push_threads(&text, &persons, &mut builder);
        }
    }
    Ok(builder.finish(Format::Xlsx))
}
