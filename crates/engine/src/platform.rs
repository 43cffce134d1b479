//! What only the operating system knows or does, with a portable fallback.

use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

/// Memory as this process may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Installed, or what a container is limited to.
    pub total_bytes: u64,
    /// What can be allocated now without swapping.
    pub available_bytes: u64,
}

/// Memory of the machine, held within the limits of the control groups (containers, services) around this process;
/// `None` where the system does not say.
pub fn memory() -> Option<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = Memory {
        total_bytes: kib_field(&text, "MemTotal:")? * 1024,
        available_bytes: kib_field(&text, "MemAvailable:")? * 1024,
    };
    let membership = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(within_limits(machine, Path::new("/sys/fs/cgroup"), &membership))
}

/// Highest resident memory of this process so far, in bytes; `None` where the system does not say.
pub fn peak_memory_bytes() -> Option<u64> {
    own_status("VmHWM:")
}

/// Resident memory of this process now, in bytes; `None` where the system does not say.
pub fn resident_memory_bytes() -> Option<u64> {
    own_status("VmRSS:")
}

/// Gives back what the allocator keeps of freed memory, so that the next phase of a program starts from what it uses.
pub fn release_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes a number, and locks what it changes.
    unsafe {
        libc::malloc_trim(0);
    }
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

/// Asks for large pages behind memory that will be used throughout: with them, numbers that lie far apart are found without
/// walking the page tables, and fewer pages are faulted in. Nothing where the system has none.
pub fn prefer_large_pages<T>(values: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 1 << 12;
        let (start, end) = (values.as_mut_ptr() as usize, values.as_mut_ptr_range().end as usize);
        let (start, end) = (start.next_multiple_of(PAGE), end / PAGE * PAGE);
        if start < end {
            // SAFETY: advice on whole pages inside of memory that this slice borrows; contents stay as they are.
            unsafe {
                libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = values;
}

fn own_status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(kib_field(&status, field)? * 1024)
}

fn kib_field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Names of a control group's files (<https://docs.kernel.org/admin-guide/cgroup-v2.html>, and version 1's).
struct Files {
    limit: &'static str,
    used: &'static str,
    /// Of `memory.stat`: file pages that are given up on demand.
    reclaimable: &'static str,
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: "total_inactive_file",
};
const VERSION_2: Files = Files { limit: "memory.max", used: "memory.current", reclaimable: "inactive_file" };

/// `membership`: what `/proc/self/cgroup` says. A group is limited by those around it too; in a container the named
/// path may be the host's, and then the root is the container's own group.
fn within_limits(machine: Memory, root: &Path, membership: &str) -> Memory {
    let mut memory = machine;
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, files) = match controllers {
            "" => (root.to_path_buf(), &VERSION_2),
            names if names.split(',').any(|name| name == "memory") => (root.join("memory"), &VERSION_1),
            _ => continue,
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            if let Some(group) = group_memory(&root.join(group), files) {
                memory.total_bytes = memory.total_bytes.min(group.total_bytes);
                memory.available_bytes = memory.available_bytes.min(group.available_bytes);
            }
        }
    }
    memory
}

/// `None` without a limit.
fn group_memory(group: &Path, files: &Files) -> Option<Memory> {
    let number = |name: &str| std::fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let limit = number(files.limit)?;
    let statistics = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let reclaimable = statistics.lines().find_map(|line| {
        let (name, bytes) = line.split_once(' ')?;
        (name == files.reclaimable).then(|| bytes.trim().parse::<u64>().ok())?
    });
    let used = number(files.used).unwrap_or(0).saturating_sub(reclaimable.unwrap_or(0));
    Some(Memory { total_bytes: limit, available_bytes: limit.saturating_sub(used) })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MACHINE: Memory = Memory { total_bytes: 1000, available_bytes: 700 };

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }

    #[test]
    fn fields_of_proc() {
        let text = "MemTotal:       16 kB\nMemFree:         1 kB\nMemAvailable:   8 kB\n";
        assert_eq!(kib_field(text, "MemAvailable:"), Some(8));
        assert_eq!(kib_field(text, "Swap:"), None);
    }

    #[test]
    fn the_tightest_group_around_the_process_counts() {
        let root = tempfile::tempdir().unwrap();
        let stat = ("memory.stat", "anon 5\ninactive_file 30\n");
        write(&root.path().join("a/b"), &[("memory.max", "max\n"), ("memory.current", "90\n")]);
        write(&root.path().join("a"), &[("memory.max", "400\n"), ("memory.current", "130\n"), stat]);
        let found = within_limits(MACHINE, root.path(), "0::/a/b\n");
        assert_eq!(found, Memory { total_bytes: 400, available_bytes: 300 });
        assert_eq!(within_limits(MACHINE, root.path(), "0::/elsewhere\n"), MACHINE);
    }

    #[test]
    fn a_container_finds_its_own_group_at_the_root() {
        let root = tempfile::tempdir().unwrap();
        let files = [("memory.limit_in_bytes", "600"), ("memory.usage_in_bytes", "200")];
        write(&root.path().join("memory"), &files);
        let found = within_limits(MACHINE, root.path(), "5:cpu:/x\n4:memory:/docker/abc\n0::/\n");
        assert_eq!(found, Memory { total_bytes: 600, available_bytes: 400 });
        // What version 1 writes for no limit.
        write(&root.path().join("memory"), &[("memory.limit_in_bytes", "9223372036854771712")]);
        assert_eq!(within_limits(MACHINE, root.path(), "4:memory:/\n"), MACHINE);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_and_machine_have_memory() {
        let memory = memory().unwrap();
        assert!(memory.available_bytes <= memory.total_bytes && memory.total_bytes > 1 << 20);
        assert!(resident_memory_bytes().unwrap() <= peak_memory_bytes().unwrap());
    }
}
