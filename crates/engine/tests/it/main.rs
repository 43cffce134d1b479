//! The engine from outside, one module a subject.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod batching;
mod device;
mod families;
mod ggml_blocks;
mod gguf_model;
mod goldens;
mod loading;
mod method_parity;
mod methods;
mod peft;
mod planned;
mod quantized;
mod run_control;
mod tokenizer;
mod training;
mod weights;
