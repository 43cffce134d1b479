//! Excel workbooks (ECMA-376 SpreadsheetML); sheets are pages. Charts and comments follow at the end.

use std::collections::HashMap;
use std::io::Cursor;

use calamine::{Cell, Data, Reader as _, Xlsx, XlsxError};

use crate::builder::Builder;
use crate::document::Document;
use crate::error::DocumentError;
use crate::formats::package::Package;
use crate::formats::{Format, Input, Reader, charts, office_comments, sheets};
use crate::remark::Remark;

pub static READER: Reader = Reader {
    format: Format::Xlsx,
    name: "Excel (XLSX)",
    extensions: &["xlsx", "xlsm"],
    media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    recognises: |input| input.archive().is_some_and(|archive| archive.has_folder("xl/")),
    read,
};

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut workbook =
        Xlsx::new(Cursor::new(input.bytes)).map_err(|error| input.damaged(Format::Xlsx, error))?;
    let mut builder = Builder::default();
    for (number, name) in (1..).zip(workbook.sheet_names()) {
        let cells = match cells_of(&mut workbook, &name) {
            Ok(cells) => cells,
            Err(error) => {
                let detail = error.to_string();
                builder.warn(Remark::SheetUnreadable { name: name.clone(), detail }, Some(number));
                continue;
            }
        };
        let merged = workbook.merge_cells_by_sheet_name(&name).unwrap_or_default();
        let Some((cells, moved)) = sheets::area(cells) else {
            let reason = format!("the cells of the sheet {name} are spread too thinly over it");
            return Err(input.damaged(Format::Xlsx, reason));
        };
        sheets::push(&mut builder, number, &name, &cells, if moved { &[] } else { &merged });
    }
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

/// The filled cells of a sheet. Not as calamine's range, which has room for each place between the first and the last.
fn cells_of(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Vec<Cell<Data>>, XlsxError> {
    let mut reader = match workbook.worksheet_cells_reader(name) {
        // A sheet of charts.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        reader => reader?,
    };
    let mut cells = Vec::new();
    while let Some(cell) = reader.next_cell()? {
        let value = Data::from(cell.get_value().clone());
        if value != Data::Empty {
            cells.push(Cell::new(cell.get_position(), value));
        }
    }
    Ok(cells)
}
