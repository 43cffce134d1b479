//! Pictures: photographs and scans of pages. They have no text until it is recognised ([`crate::ocr`]).

use crate::error::DocumentError;
use crate::formats::{Format, Reader};

pub static READER: Reader = Reader {
    format: Format::Picture,
    name: "picture of a page (PNG, JPEG, TIFF)",
    extensions: &["png", "jpg", "jpeg", "tif", "tiff"],
    media_type: "image/*",
    recognises: |input| is_picture(input.bytes),
    read: |input| Err(DocumentError::NoText { file: input.name.clone(), pages: 1 }),
};

/// First bytes of the kinds that tesseract reads everywhere.
const SIGNATURES: &[&[u8]] = &[b"\x89PNG\r\n\x1A\n", b"\xFF\xD8\xFF", b"II*\0", b"MM\0*"];

/// Whether a file that begins so is a picture.
pub fn is_picture(head: &[u8]) -> bool {
    SIGNATURES.iter().any(|signature| head.starts_with(signature))
}
