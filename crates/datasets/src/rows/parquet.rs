//! Parquet, uncompressed or with Snappy, row by row. Lists and groups become JSON lists and objects.
//! <https://parquet.apache.org/docs/file-format/>

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::file::reader::{ChunkReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as Record};
use serde_json::{Map, Value};

use super::{Items, Row};
use crate::error::ImportError;

/// What the file begins with.
pub const MAGIC: &[u8] = b"PAR1";

/// One row a record.
pub fn rows<'a>(source: impl ChunkReader + 'static, file: &str) -> Result<Items<'a>, ImportError> {
    let file = file.to_string();
    let fault = move |message: String| ImportError::Parquet { file: file.clone(), message };
    let reader = guarded(|| SerializedFileReader::new(source)).map_err(&fault)?;
    let mut records = RowIter::from_file_into(Box::new(reader));
    let (mut number, mut ended) = (0, false);
    Ok(Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        number += 1;
        match guarded(|| records.next().transpose()) {
            Ok(Some(record)) => Some(Ok(Ok(Row { number, line: None, fields: object(record) }))),
            Ok(None) => {
                ended = true;
                None
            }
            Err(message) => {
                ended = true;
                Some(Err(fault(format!("row {number}: {message}"))))
            }
        }
    })))
}

/// The library panics on some damaged files; that is a fault of the file like any other.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("the file is damaged".to_string()),
    }
}

fn object(record: Record) -> Map<String, Value> {
    record.into_columns().into_iter().map(|(name, field)| (name, value(&field))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(truth) => Value::Bool(*truth),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float(number) => Value::from(*number),
        Field::Double(number) => Value::from(*number),
        Field::Str(text) => Value::from(text.as_str()),
        // Some writers do not mark texts as such.
        Field::Bytes(bytes) => Value::from(String::from_utf8_lossy(bytes.data())),
        Field::Group(group) => {
            let columns = group.get_column_iter();
            Value::Object(columns.map(|(name, field)| (name.clone(), value(field))).collect())
        }
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, content): &(Field, Field)| {
                let key = value(key);
                (key.as_str().map_or_else(|| key.to_string(), str::to_string), value(content))
            };
            Value::Object(map.entries().iter().map(entry).collect())
        }
        // Dates, times and decimals as they are printed.
        other => Value::from(other.to_string()),
    }
}
