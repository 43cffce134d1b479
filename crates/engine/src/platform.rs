//! What only the operating system knows, with a portable fallback.

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
