//! Training records: formats in and out, validation, repair, deduplication, splits, statistics
