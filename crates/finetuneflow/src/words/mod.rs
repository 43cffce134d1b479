//! What the studio says to people of its work: a code with values, of which each language makes its own words, and the
//! English ones for readers of the API and of the command line.
//!
//! The tables of this folder are the only places where these texts stand. The web app's tests hold its translations against
//! them.

mod activity;
mod cause;
mod cause_of;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use activity::Activity;
pub use cause::{Cause, Caused, stored};
pub use cause_of::{because, cause_of, told};

/// One thing that is said. What was stored before there were codes has its English words alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(from = "Stored")]
pub struct Words {
    /// Stable name; empty where there is none.
    pub code: String,
    /// The values that a translated text needs; `detail` is what cannot be translated.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// In English.
    pub message: String,
}

/// As this and older versions wrote them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Said {
        #[serde(default)]
        code: String,
        #[serde(default)]
        params: Map<String, Value>,
        #[serde(default)]
        message: String,
    },
}

impl From<Stored> for Words {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Text(message) => Self { message, ..Self::default() },
            Stored::Said { code, params, message } => Self { code, params, message },
        }
    }
}

impl From<export::Note> for Words {
    fn from(note: export::Note) -> Self {
        Self { code: note.code.to_owned(), params: note.params, message: note.message }
    }
}

impl From<&documents::Warning> for Words {
    fn from(warning: &documents::Warning) -> Self {
        let documents::Warning { code, params, message, .. } = warning.clone();
        Self { code, params, message }
    }
}

/// A table of things that are said: a variant with its values, its code, and the English text of them.
macro_rules! worded {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($variant:ident { $($value:ident: $type:ty),* } $code:literal $text:literal;)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(
                #[doc = $text]
                #[allow(missing_docs)]
                $variant { $($value: $type),* },
            )+
        }

        impl $name {
            /// The code, its values and the English text.
            pub fn words(&self) -> $crate::words::Words {
                match self {
                    $(Self::$variant { $($value),* } => $crate::words::Words {
                        code: $code.to_owned(),
                        params: [$((stringify!($value).to_owned(), serde_json::json!($value))),*].into_iter().collect(),
                        message: format!($text),
                    },)+
                }
            }
        }

        impl From<$name> for $crate::words::Words {
            fn from(said: $name) -> Self {
                said.words()
            }
        }
    };
}
use worded;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_carry_their_code_and_values_and_older_ones_are_read_without() {
        let words = Activity::StepLoss { step: 3, total: 9, loss: 1.25 }.words();
        let stored = serde_json::to_value(&words).expect("serializes");
        let params = json!({ "step": 3, "total": 9, "loss": 1.25 });
        assert_eq!(
            stored,
            json!({ "code": "step_loss", "params": params, "message": "step 3 of 9, loss 1.2500" })
        );
        assert_eq!(serde_json::from_value::<Words>(stored).expect("reads back"), words);

        let old: Words =
            serde_json::from_value(json!({ "done": 1, "message": "reading a.pdf" })).expect("reads");
        assert_eq!((old.code.as_str(), old.message.as_str()), ("", "reading a.pdf"));
        let bare: Words = serde_json::from_value(json!("the licence lies beside it")).expect("reads");
        assert_eq!((bare.code.as_str(), bare.message.as_str()), ("", "the licence lies beside it"));
    }
}
