//! A finished run to files that other programs load
