//! PowerPoint presentations (ECMA-376 PresentationML); slides are pages.

use crate::formats::{Format, Reader, structured};

pub static READER: Reader = Reader {
    format: Format::Pptx,
    name: "PowerPoint (PPTX)",
    extensions: &["pptx", "pptm", "ppsx"],
    media_type: MEDIA_TYPE,
    recognises: |input| input.archive().is_some_and(|archive| archive.has_folder("ppt/")),
    read: |input| structured::read(input, Format::Pptx, MEDIA_TYPE),
};

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
