//! What the operating system gives: limits of a process, death with the parent, and how a process ended.
//! Unix has them; elsewhere only the wall clock and the size of the answer are bounded.

use std::process::ExitStatus;

/// How a child ended without an answer.
pub enum Ending {
    /// Processor time used up.
    CpuLimit,
    /// Killed from outside: on Linux mostly the kernel, for want of memory.
    Killed,
    /// A signal, by its number.
    Signal(i32),
    /// An exit code.
    Code(i32),
}

#[cfg(unix)]
pub use unix::{confine, ending, peak_bytes, replace_by};

#[cfg(not(unix))]
pub use elsewhere::{confine, ending, peak_bytes, replace_by};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    use super::{Ending, ExitStatus};

    /// Turns this process into another program, its limits included. Returns only if that fails.
    pub fn replace_by(command: &mut Command) -> io::Error {
        command.exec()
    }

    /// Limits this process for the rest of its life; on Linux it also dies with the thread that started it.
    pub fn confine(memory_bytes: u64, cpu_seconds: u64, parent_process: u32) -> io::Result<()> {
        limit(libc::RLIMIT_CORE, 0, 0)?;
        limit(libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 2)?;
        // macOS knows the limit but does not hold it; there the wall clock and the answer's size remain.
        limit(libc::RLIMIT_AS, memory_bytes, memory_bytes)?;
        die_with_parent(parent_process)
    }

    #[cfg(target_os = "linux")]
    type Resource = libc::__rlimit_resource_t;
    #[cfg(not(target_os = "linux"))]
    type Resource = libc::c_int;

    fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
        let mut current = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `current` is a valid rlimit to write to.
        if unsafe { libc::getrlimit(resource, &mut current) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let hard = (hard as libc::rlim_t).min(current.rlim_max);
        let wanted = libc::rlimit { rlim_cur: (soft as libc::rlim_t).min(hard), rlim_max: hard };
        // SAFETY: `wanted` is a valid rlimit to read from.
        match unsafe { libc::setrlimit(resource, &wanted) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    #[cfg(target_os = "linux")]
    fn die_with_parent(parent_process: u32) -> io::Result<()> {
        // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory of ours.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have died before the line above.
        if std::os::unix::process::parent_id() != parent_process {
            return Err(io::Error::other("the parent process is gone"));
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn die_with_parent(_parent_process: u32) -> io::Result<()> {
        Ok(())
    }

    /// Largest resident memory of this process. `ru_maxrss` also counts the process that this one was forked from, so
    /// that Linux's own account of the program's memory goes before it.
    pub fn peak_bytes() -> Option<u64> {
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            if let Some(kilobytes) = kilobytes {
                return Some(kilobytes * 1024);
            }
        }
        // SAFETY: rusage is plain integers, for which zero is valid.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is a valid rusage to write to.
        if unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) } != 0 {
            return None;
        }
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        Some(usage.ru_maxrss as u64 * unit)
    }

    pub fn ending(status: ExitStatus) -> Ending {
        match status.signal() {
            Some(libc::SIGXCPU) => Ending::CpuLimit,
            Some(libc::SIGKILL) => Ending::Killed,
            Some(signal) => Ending::Signal(signal),
            None => Ending::Code(status.code().unwrap_or(-1)),
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::process::Command;

    use super::{Ending, ExitStatus};

    /// Runs another program to its end and ends with its code. Returns only if it cannot be started.
    pub fn replace_by(command: &mut Command) -> io::Error {
        match command.status() {
            Ok(status) => std::process::exit(status.code().unwrap_or(1)),
            Err(error) => error,
        }
    }

    pub fn confine(_memory_bytes: u64, _cpu_seconds: u64, _parent_process: u32) -> io::Result<()> {
        Ok(())
    }

    pub fn peak_bytes() -> Option<u64> {
        None
    }

    pub fn ending(status: ExitStatus) -> Ending {
        Ending::Code(status.code().unwrap_or(-1))
    }
}
