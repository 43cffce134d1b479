//! What is said of a document that was read, but not without loss: each remark with its code, its values and its words.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::document::{Warning, WarningKind};

/// A remark about a document or a page of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", content = "params", rename_all = "snake_case")]
pub enum Remark {
    EmptyPage {},
    ReplacedBytes { count: usize },
    GuessedEncoding { encoding: &'static str },
    Repaired {},
    PageUnreadable { detail: String },
    SheetUnreadable { name: String, detail: String },
    ChapterMissing { name: String },
    AttachmentSkipped { name: String },
    Recognised { pages: u32, engine: String, languages: String, confidence: u32 },
    PoorlyRecognised { confidence: u32 },
    NotRecognised { detail: String },
}

impl Remark {
    fn kind(&self) -> WarningKind {
        match self {
            Self::EmptyPage {} => WarningKind::PageWithoutText,
            Self::ReplacedBytes { .. } => WarningKind::ReplacedCharacters,
            Self::GuessedEncoding { .. } => WarningKind::GuessedEncoding,
            Self::Recognised { .. } | Self::PoorlyRecognised { .. } => WarningKind::Recognised,
            Self::AttachmentSkipped { .. } => WarningKind::Parser,
            Self::Repaired {}
            | Self::PageUnreadable { .. }
            | Self::SheetUnreadable { .. }
            | Self::ChapterMissing { .. }
            | Self::NotRecognised { .. } => WarningKind::PartlyRead,
        }
    }

    /// As a warning of the page, where one is meant.
    pub fn on(self, page: Option<u32>) -> Warning {
        // A map of texts and numbers can always be written.
        let mut value = serde_json::to_value(&self).unwrap_or_default();
        let params = match value["params"].take() {
            Value::Object(params) => params,
            _ => serde_json::Map::new(),
        };
        let code = value["code"].as_str().unwrap_or_default().to_owned();
        Warning { kind: self.kind(), code, params, message: self.to_string(), page }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyPage {} => f.write_str("no text on this page: a picture or a scan, or left empty"),
            Self::ReplacedBytes { count } => {
                write!(f, "{count} byte sequence(s) are not valid UTF-8 and were replaced")
            }
            Self::GuessedEncoding { encoding } => {
                write!(f, "the text is not UTF-8; it was read as {encoding}")
            }
            Self::Repaired {} => f.write_str("the file is damaged and was repaired while it was read"),
            Self::PageUnreadable { detail } => write!(f, "the page could not be read: {detail}"),
            Self::SheetUnreadable { name, detail } => {
                write!(f, "the sheet {name} could not be read: {detail}")
            }
            Self::ChapterMissing { name } => write!(f, "the chapter {name} is missing"),
            Self::AttachmentSkipped { name } => write!(f, "the attachment {name} was not read"),
            Self::Recognised { pages, engine, languages, confidence } => write!(
                f,
                "the text of {pages} page(s) was recognised (OCR) by {engine} ({languages}) with a mean confidence of {confidence} %; it may have errors"
            ),
            Self::PoorlyRecognised { confidence } => {
                write!(f, "this page was recognised with a confidence of only {confidence} %")
            }
            Self::NotRecognised { detail } => write!(f, "this page could not be recognised: {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_has_code_values_and_words() {
        let warning = Remark::SheetUnreadable { name: "Plan".into(), detail: "cut off".into() }.on(Some(2));
        let told = serde_json::to_value(&warning).unwrap();
        let expected = serde_json::json!({
            "kind": "partly_read", "code": "sheet_unreadable", "params": { "name": "Plan", "detail": "cut off" },
            "message": "the sheet Plan could not be read: cut off", "page": 2,
        });
        assert_eq!(told, expected);
        let old =
            serde_json::json!({ "kind": "parser", "message": "the attachment a was not read", "page": null });
        assert_eq!(serde_json::from_value::<Warning>(old).unwrap().code, "");
    }
}
