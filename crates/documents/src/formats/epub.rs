//! Electronic books (W3C EPUB 3).

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Epub,
    name: "EPUB",
    extensions: &["epub"],
    media_type: MEDIA_TYPE,
    recognises: |input| {
        input.media_type_begins(MEDIA_TYPE)
            || input.archive().is_some_and(|archive| archive.has("META-INF/container.xml"))
    },
    read: |input| structured::read(input, Format::Epub, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/epub+zip";
