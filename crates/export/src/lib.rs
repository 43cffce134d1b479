//! A finished run to files that other programs load.
//!
//! One file a format, one line each in [`FORMATS`]. Weights pass through memory some rows at a time, files appear
//! under their names only when complete, and a cancel flag is looked at between them. The report and the
//! bundle describe and collect a run; they are no formats of a model.

pub mod bundle;
pub mod certificate;
mod control;
mod error;
pub mod gguf;
pub mod gguf_adapter;
mod loss_curve;
pub mod merged;
mod note;
pub mod ollama;
pub mod peft;
mod plain_template;
mod registry;
pub mod report;
mod source;

pub use bundle::{Bundled, Entry, write_bundle};
pub use control::{Control, Progress};
pub use error::ExportError;
pub use note::Note;
pub use plain_template::PLAIN_TEMPLATE;
pub use registry::{
    Exported, FORMATS, Fallback, FileKind, Format, Provenance, Quantization, Request, format,
};
