//! Reads files as the application does: in a child process under limits. The child is this test program.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use documents::isolation::{ChildCommand, Limits, Measured, measure_isolated, run_child};

const CHILD: &str = "DOCUMENTS_TEST_CHILD";

/// The child's side.
#[test]
fn play() {
    if std::env::var_os(CHILD).is_some() {
        run_child();
        std::process::exit(0);
    }
}

/// No hostile file may fill more memory. It is the limit of the child's whole address space, so that what it fills
/// stays below, also where it ends without telling.
pub const MOST_MEMORY_BYTES: u64 = 500_000_000;

/// Less than the application allows, so that the tests are quick on small machines.
pub fn limits() -> Limits {
    Limits {
        memory_bytes: MOST_MEMORY_BYTES,
        cpu_seconds: 15,
        wall: Duration::from_secs(90),
        ..Limits::default()
    }
}

/// Reads bytes as a file of this name.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Measured {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    let mut file = std::fs::File::create(&path).expect("a file in an own folder");
    file.write_all(bytes).expect("room for a file");
    measure_isolated(&path, &command(), limits, &AtomicBool::new(false))
}

/// What starts this program as a child.
pub fn command() -> ChildCommand {
    let mut command =
        ChildCommand::current_exe(&["--exact", "child::play", "--nocapture"]).expect("own path");
    command.environment.push((CHILD.into(), "1".into()));
    command
}
