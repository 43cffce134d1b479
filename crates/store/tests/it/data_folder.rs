//! The data folder's lock, with a second process: this test program, started again.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use store::{DataFolder, StoreError};

const FOLDER: &str = "FTF_TEST_DATA_FOLDER";

/// Only in the second process: holds the folder until it is killed.
#[test]
fn hold_the_folder() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut folder = DataFolder::open(Path::new(&folder)).unwrap();
    folder.announce(Some("http://127.0.0.1:8123")).unwrap();
    println!("\nheld");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

fn other_process(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "data_folder::hold_the_folder", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    child
}

#[test]
fn a_second_opener_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = other_process(folder.path());
    let error = DataFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::DataFolderInUse { .. }));
    let message = error.to_string();
    for part in [&other.id().to_string(), "http://127.0.0.1:8123", "--data-dir"] {
        assert!(message.contains(part), "{part} in: {message}");
    }

    // Killed, it leaves its file behind and the lock is free.
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(DataFolder::owner(folder.path()).map(|owner| owner.pid), Some(other.id()));
    let mine = DataFolder::open(folder.path()).unwrap();
    assert_eq!(DataFolder::owner(folder.path()).map(|owner| owner.pid), Some(std::process::id()));
    assert!(DataFolder::open(folder.path()).is_err(), "also within one process");
    drop(mine);
    DataFolder::open(folder.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let missing = Path::new("/proc/finetuneflow");
    for path in [file.as_path(), missing] {
        let error = DataFolder::open(path).unwrap_err();
        assert!(matches!(error, StoreError::DataFolder { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    let nested = folder.path().join("a/b");
    let opened = DataFolder::open(&nested).unwrap();
    assert!(opened.database_path().starts_with(&nested) && opened.path().is_dir());
}
