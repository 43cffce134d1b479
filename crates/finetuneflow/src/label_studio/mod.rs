//! Reviewing in Label Studio (<https://labelstud.io/guide/>): examples go there as tasks with a labelling form of ours, and
//! verdicts and edited texts come back by our ids in the tasks' data.
//!
//! * [`connection`]: address and token, in the settings.
//! * [`client`]: the requests that are made; [`export`] reads the large answer.
//! * [`form`]: the labelling form. [`task`]: an example as a task. [`review`]: an annotation as a verdict with texts.
//! * [`link`]: what is kept about an example that is a task, and who is right when both sides changed.
//!
//! The jobs `label_studio_push` and `label_studio_sync` do the work.

pub mod client;
pub mod connection;
mod error;
pub mod export;
pub mod form;
pub mod link;
pub mod review;
pub mod task;

pub use client::Client;
pub use connection::Connection;
pub use error::LabelStudioError;
