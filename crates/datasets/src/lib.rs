//! Training records: formats in and out, validation, repair, deduplication, splits, statistics.
//!
//! No tensors, no network, no database: bytes and strings in, records out.
//!
//! * [`import`] reads a file of any known format ([`formats::REGISTRY`]) into [`Example`]s, with an error for each
//!   row that is none; [`Examples`] does it row by row.
//! * [`formats::Format::write`] writes examples for other programs.
//! * [`freeze`] makes a [`DatasetVersion`]: approved, deduplicated, split, and named by its content.
//! * [`checks`] gives each example a score and the findings that lowered it.
//! * [`json_repair`] reads the JSON of language models.

pub mod checks;
mod dedupe;
mod error;
mod example;
pub mod formats;
mod import;
pub mod json_repair;
mod rows;
mod sources;
mod split;
mod statistics;
mod validate;
mod version;

pub use dedupe::{Deduplicated, dedupe};
pub use error::{ImportError, RowError, Rule};
pub use example::{Example, Message, Provenance, Quality, Role, Status};
pub use import::{ColumnMapping, Examples, Import, ImportOptions, import, import_path};
pub use sources::{Coverage, SourceChunk, Sources};
pub use split::{Split, SplitOptions, split};
pub use statistics::{Distribution, Statistics, language, statistics};
pub use validate::{MAX_MESSAGE_BYTES, validate};
pub use version::{DatasetVersion, freeze};
