//! What only the operating system knows, with a portable fallback.

use std::ops::Range;

use memmap2::Mmap;

/// Highest resident memory of this process so far, in bytes; `None` where the system does not say.
pub fn peak_memory_bytes() -> Option<u64> {
    status_kib("VmHWM:").map(|kib| kib * 1024)
}

#[cfg(target_os = "linux")]
fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn status_kib(_field: &str) -> Option<u64> {
    None
}

/// Memory that programs could still take, in bytes.
#[cfg(target_os = "linux")]
pub fn available_memory_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(not(target_os = "linux"))]
pub fn available_memory_bytes() -> Option<u64> {
    None
}

/// Gives back the memory that holds a part of a mapped file; it is read from the file again when it is needed.
#[cfg(unix)]
pub fn release_mapped(map: &Mmap, bytes: Range<usize>) {
    if bytes.is_empty() || bytes.end > map.len() {
        return;
    }
    // SAFETY: the map is of a file and read-only, so what is dropped can be read again. A refusal costs memory only.
    let _ =
        unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, bytes.start, bytes.len()) };
}

#[cfg(not(unix))]
pub fn release_mapped(_map: &Mmap, _bytes: Range<usize>) {}
