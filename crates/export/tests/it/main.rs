//! The exporters from outside, one module a subject.

mod bundle;
mod certificate;
mod families;
mod formats;
mod gguf;
mod ollama;
mod report;
mod tiny;
