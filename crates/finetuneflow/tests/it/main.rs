//! The application from outside: its API in process, its binary as a process.

mod api;
mod chat;
mod dataset;
mod dataset_generate;
mod documentation;
mod evaluation;
mod example_new;
mod fake_hub;
mod hardware;
mod hub;
mod invariants;
mod jobs;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod killed_generation;
#[cfg(unix)]
mod killed_training;
mod label_studio;
mod memory;
#[cfg(unix)]
mod ocr;
mod ollama;
mod openai;
mod openapi;
mod quick;
mod scripted_model;
mod security;
mod server;
mod steps;
mod streams;
mod support;
mod train_defaults;
