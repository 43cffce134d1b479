//! Training records: formats in and out, validation, repair, deduplication, splits, statistics.
//!
//! No tensors, no network, no database: bytes and strings in, records out.

pub mod json_repair;
