//! Lines of UTF-8 text, one at a time.

use std::io::{BufRead, Read};

use crate::error::ImportError;

/// A longer line is not read: a row of training data is far shorter, and a file without line breaks would fill the memory.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// A reader of lines that knows where it is.
pub struct Lines<R> {
    reader: R,
    file: String,
    buffer: Vec<u8>,
    /// Number of the line that was read last.
    number: usize,
    /// Bytes before it.
    position: usize,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R, file: &str) -> Self {
        Self { reader, file: file.into(), buffer: Vec::new(), number: 0, position: 0 }
    }

    /// The next line without its end, and its number from 1; `None` after the last one.
    pub fn read(&mut self) -> Result<Option<(usize, &str)>, ImportError> {
        self.position += self.buffer.len();
        self.buffer.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        let length = read.map_err(|source| ImportError::Io { file: self.file.clone(), source })?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if length > MAX_LINE_BYTES && !self.buffer.ends_with(b"\n") {
            let (file, line) = (self.file.clone(), self.number);
            return Err(ImportError::LongLine { file, line, limit_bytes: MAX_LINE_BYTES });
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(line) => Ok(Some((self.number, line))),
            Err(error) => Err(ImportError::NotUtf8 {
                file: self.file.clone(),
                position: self.position + error.valid_up_to(),
            }),
        }
    }
}
