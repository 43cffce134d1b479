//! Where tensors live and what can be done with them.

pub mod cpu;
