//! The engine from outside, one module a subject.

mod peft;
mod weights;
mod goldens;
mod batching;
mod tokenizer;
