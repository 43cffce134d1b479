//! Facts about this machine that the operating system gives: processor, memory, disk.
//!
//! What a platform does not tell is `None`; nothing is guessed.

use std::path::Path;

pub use engine::platform::memory;

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

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_threads_and_disk() {
        let disk = disk(Path::new("/nonexistent/folder")).expect("space of /");
        assert!(disk.free_bytes <= disk.total_bytes && disk.total_bytes > 0);
        assert!(threads() >= 1);
    }
}
