//! Real files, where `FTF_TESTDATA` names their folder; without it these tests say that they were skipped.

use std::path::{Path, PathBuf};

use documents::{DocumentError, parse_bytes};

pub fn material(folder: &str) -> Option<PathBuf> {
    match std::env::var_os("FTF_TESTDATA") {
        Some(root) => Some(Path::new(&root).join(folder)),
        None => {
            eprintln!("skipped: FTF_TESTDATA is not set");
            None
        }
    }
}

#[test]
fn password_files_say_so() {
    let Some(folder) = material("docs/pypdf/encryption") else { return };
    for name in ["r3-user-password.pdf", "r4-aes-user-password.pdf", "r6-user-password.pdf"] {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        let error = parse_bytes(&bytes, Some(name)).expect_err(name);
        assert!(matches!(error, DocumentError::Password { .. }), "{error}");
    }
    for name in ["r2-empty-password.pdf", "r6-empty-password.pdf", "unencrypted.pdf"] {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        assert!(!parse_bytes(&bytes, Some(name)).expect(name).text.is_empty());
    }
}

#[test]
fn damaged_archives_are_refused() {
    let Some(folder) = material("hostile/zip2") else { return };
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a file of the folder");
        assert!(parse_bytes(&bytes, Some("archive.docx")).is_err(), "{}", entry.path().display());
    }
}
