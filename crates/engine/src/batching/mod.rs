//! Training rows to micro-batches: read, encode with a loss mask, pack without padding, draw in an order that can be resumed.
//!
//! Nothing here computes with tensors; a [`MicroBatch`] is the last thing before the device.

mod encoded_data;
mod micro_batch;
mod sampler;

pub use encoded_data::{DataWarning, EncodedData, EncodedRow, WarningKind};
pub use micro_batch::{IGNORE, MicroBatch, Segment};
pub use sampler::{Cursor, Order, Packing, Sampler};
