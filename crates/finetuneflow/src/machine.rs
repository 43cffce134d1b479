//! Facts about this machine that the operating system gives: processor, memory, disk.
//!
//! What a platform does not tell is `None`; nothing is guessed.

use std::path::Path;

/// Memory as the process may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Installed, or what a container is limited to.
    pub total_bytes: u64,
    /// What can be allocated now without swapping.
    pub available_bytes: u64,
}

/// A file system's space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its size.
    pub total_bytes: u64,
    /// What this user may still write.
    pub free_bytes: u64,
}

/// The processor's name.
pub fn processor_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name") || line.starts_with("Model"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// Threads that this process may run at the same time.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory of the machine, held within the limit of a container.
pub fn memory() -> Option<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = Memory {
        total_bytes: meminfo_bytes(&text, "MemTotal:")?,
        available_bytes: meminfo_bytes(&text, "MemAvailable:")?,
    };
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let Some(limit) = number("/sys/fs/cgroup/memory.max").filter(|limit| *limit < machine.total_bytes) else {
        return Some(machine);
    };
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    let available_bytes = machine.available_bytes.min(limit.saturating_sub(used));
    Some(Memory { total_bytes: limit, available_bytes })
}

fn meminfo_bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Space of the file system that holds the folder (or its nearest existing parent).
#[cfg(unix)]
pub fn disk(folder: &Path) -> Option<Disk> {
    use std::os::unix::ffi::OsStrExt;

    let existing = folder.ancestors().find(|folder| folder.exists())?;
    let path = std::ffi::CString::new(existing.as_os_str().as_bytes()).ok()?;
    let mut space = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: `path` is a C string that lives through the call, and `space` is a statvfs that the call may write.
    let answer = unsafe { libc::statvfs(path.as_ptr(), space.as_mut_ptr()) };
    if answer != 0 {
        return None;
    }
    // SAFETY: it was zeroed, which is a valid statvfs, and then filled by the call.
    let space = unsafe { space.assume_init() };
    // The fields are not 64 bits wide everywhere.
    #[allow(clippy::unnecessary_cast)]
    let (block, total, free) = (space.f_frsize as u64, space.f_blocks as u64, space.f_bavail as u64);
    Some(Disk { total_bytes: block * total, free_bytes: block * free })
}

/// Not known on this platform.
#[cfg(not(unix))]
pub fn disk(_folder: &Path) -> Option<Disk> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo() {
        let text = "MemTotal:       16 kB\nMemFree:         1 kB\nMemAvailable:   8 kB\n";
        assert_eq!(meminfo_bytes(text, "MemAvailable:"), Some(8192));
        assert_eq!(meminfo_bytes(text, "Swap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory_and_disk() {
        let memory = memory().expect("memory");
        assert!(memory.available_bytes <= memory.total_bytes && memory.total_bytes > 1 << 20);
        let disk = disk(Path::new("/nonexistent/folder")).expect("space of /");
        assert!(disk.free_bytes <= disk.total_bytes && disk.total_bytes > 0);
        assert!(threads() >= 1);
    }
}
