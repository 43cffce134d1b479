//! Standard input as JSON lines: what `inspect tokens`, `template` and `mask` read.

use std::io::BufRead;

use anyhow::Context as _;
use serde::de::DeserializeOwned;

/// Calls `each` with the number (from 1) and the value of every line that is not blank.
pub fn for_each_line<T: DeserializeOwned>(
    mut each: impl FnMut(u64, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (line, number) in std::io::stdin().lock().lines().zip(1..) {
        let line = line.with_context(|| format!("standard input, line {number}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).with_context(|| format!("standard input, line {number}"))?;
        each(number, value)?;
    }
    Ok(())
}
