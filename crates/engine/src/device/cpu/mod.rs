//! The CPU device: the reference that every other device must agree with.

pub mod gemm;
