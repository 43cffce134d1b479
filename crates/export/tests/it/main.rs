//! The exporters from outside, one module a subject.

mod bundle;
mod families;
mod formats;
mod gguf;
mod report;
mod tiny;
