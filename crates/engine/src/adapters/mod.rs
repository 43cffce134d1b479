//! Small trainable parts beside frozen weights, and their files.

pub mod peft;
