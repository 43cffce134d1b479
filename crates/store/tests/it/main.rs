//! The store from outside: one suite for every database, and what is special to SQLite files, blobs and the data folder.

// A test that cannot go on may panic, in its helpers too.
#![allow(clippy::unwrap_used)]

mod blobs;
mod conformance;
mod data_folder;
mod live;
mod postgres;
mod schema;
