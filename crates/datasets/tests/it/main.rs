//! Checks against files that nobody on the project wrote, found through `FTF_TESTDATA`.

use std::path::PathBuf;

mod formats;
mod json_cases;
mod sft_material;
mod streams;

/// The folder of the test material; `None`, with a note, where it is not there.
fn testdata() -> Option<PathBuf> {
    let found = std::env::var_os("FTF_TESTDATA").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: FTF_TESTDATA is not set");
    }
    found
}
