//! The application from outside: its API in process, its binary as a process.

mod invariants;
mod api;
mod chat;
mod documentation;
mod jobs;
#[cfg(unix)]
mod kill;
mod openapi;
mod quick;
mod security;
mod server;
mod streams;
mod support;
