//! The studio: command line, server, jobs, configuration and the embedded web app.
//!
//! A library so that the integration tests reach the API and the jobs in process; `main.rs` only calls [`cli::run`].

pub mod api;
pub mod bundled;
pub mod cli;
pub mod config;
pub mod demo;
pub mod evaluation;
pub mod generation;
pub mod hub;
pub mod inference;
pub mod jobs;
pub mod label_studio;
pub mod library;
pub mod machine;
pub mod models;
pub mod ollama;
pub mod providers;
pub mod records;
pub mod remote;
pub mod run_report;
pub mod web;
pub mod words;
