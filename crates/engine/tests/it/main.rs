//! The engine from outside, one module a subject.

mod batching;
mod goldens;
mod peft;
mod tokenizer;
mod training;
mod weights;
