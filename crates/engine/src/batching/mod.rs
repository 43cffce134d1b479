//! Training rows to micro-batches: read, encode with a loss mask, pack without padding, draw in an order that can be resumed.
//!
//! Nothing here computes with tensors; a [`MicroBatch`] is the last thing before the device.

mod encode;
mod encoded_data;
mod error;
mod micro_batch;
mod rows;
mod sampler;

pub use encode::{EncodeOptions, LongRows, LossMask, encode_file, encode_row, encode_rows};
pub use encoded_data::{DataWarning, EncodedData, EncodedRow, WarningKind};
pub use error::{DataError, Place};
pub use micro_batch::{IGNORE, MicroBatch, Segment};
pub use rows::{Row, read_rows, sample_rows};
pub use sampler::{Cursor, Order, Packing, Sampler};
