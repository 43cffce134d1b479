//! How a caller stops an export and watches it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::ExportError;

/// How far an export is, in tensors (or files, for a bundle).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
}

/// The caller's cancel flag and listener.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    pub cancel: &'a AtomicBool,
    pub progress: &'a dyn Fn(Progress),
}

impl Control<'_> {
    /// Reports progress, unless the caller wants to stop.
    pub(crate) fn step(&self, done: usize, total: usize) -> Result<(), ExportError> {
        self.check()?;
        (self.progress)(Progress { done, total });
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<(), ExportError> {
        if self.cancel.load(Ordering::Relaxed) { Err(ExportError::Cancelled) } else { Ok(()) }
    }
}
