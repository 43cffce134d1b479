//! All that persists: rows in SQLite or PostgreSQL, blobs, the job queue, events.
//!
//! It knows no model, dataset or export format. One file a table, with plain functions that take the [`Database`]:
//! `projects::create(&database, …)`. Payloads are JSON that the application gives a meaning.

mod blobs;
pub mod chunks;
mod data_folder;
mod database;
pub mod dataset_versions;
mod error;
pub mod example_changes;
mod example_filter;
pub mod example_outline;
pub mod example_sizes;
pub mod example_undo;
pub mod examples;
pub mod files;
pub mod generation_units;
pub mod jobs;
pub mod label_studio_tasks;
mod live;
mod migrations;
mod page;
pub mod project_choices;
pub mod projects;
pub mod provider_calls;
pub mod run_events;
pub mod runs;
pub mod settings;
mod text_enum;

pub use blobs::{Blob, BlobKey, Blobs};
pub use data_folder::{DataFolder, Owner};
pub use database::Database;
pub use error::{Result, StoreError};
pub use live::{Live, LiveEvent, LiveEvents, Subscription, Topic};
pub use page::{Page, Paged};
