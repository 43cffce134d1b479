//! The architecture as tests: who may know whom, and what may not be said. See docs/ARCHITECTURE.md.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn manifest(name: &str) -> String {
    fs::read_to_string(workspace().join("crates").join(name).join("Cargo.toml")).unwrap()
}

/// Names on the left side of a crate's `[dependencies]`.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = manifest(name);
    let (_, section) = manifest.split_once("\n[dependencies]\n").unwrap();
    let section = section.split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|n| !n.is_empty() && !n.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

const LIBRARIES: [&str; 5] = ["engine", "documents", "datasets", "export", "store"];

#[test]
fn libraries_do_not_know_each_other() {
    for name in LIBRARIES {
        for other in dependencies(name).iter().filter(|other| LIBRARIES.contains(&other.as_str())) {
            assert!(name == "export" && other == "engine", "{name} must not depend on {other}");
        }
    }
}

#[test]
fn only_the_application_and_the_store_are_asynchronous() {
    for name in ["engine", "documents", "datasets", "export"] {
        for forbidden in ["tokio", "axum", "sqlx", "sea-orm", "reqwest"] {
            assert!(
                !manifest(name).contains(&format!("\n{forbidden}")),
                "{name} must not depend on {forbidden}"
            );
        }
        for file in sources(&workspace().join("crates").join(name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for forbidden in ["tokio::", "axum::", "sqlx::", "reqwest::"] {
                assert!(!text.contains(forbidden), "{} names {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn only_the_api_knows_http() {
    let application = workspace().join("crates/finetuneflow/src");
    for file in sources(&application) {
        let place = file.strip_prefix(&application).unwrap();
        let allowed =
            place.starts_with("api") || place == Path::new("web.rs") || place == Path::new("cli/serve.rs");
        let text = fs::read_to_string(&file).unwrap();
        assert!(allowed || !text.contains("axum::"), "{} names axum", place.display());
    }
}

#[test]
fn unsafe_code_stays_in_kernels_and_modules_for_the_operating_system() {
    for file in sources(&workspace().join("crates")) {
        let text = fs::read_to_string(&file).unwrap();
        if !text.contains("unsafe {") && !text.contains("unsafe fn") {
            continue;
        }
        let place = file.strip_prefix(workspace().join("crates")).unwrap().display().to_string();
        let allowed = [
            "engine/src/device/",
            "engine/benches/",
            "engine/src/weights/",
            "documents/src/isolation/",
            "process.rs",
            "machine.rs",
            "engine/src/platform.rs",
            "tests/",
        ];
        assert!(allowed.iter().any(|part| place.contains(part)), "{place} holds unsafe code");
        assert!(
            text.contains("SAFETY:") || text.contains("# Safety") || place.contains("tests"),
            "{place}: unsafe without SAFETY"
        );
    }
}

#[test]
fn every_source_file_says_what_it_is() {
    for file in sources(&workspace().join("crates")) {
        if file
            .components()
            .any(|part| ["tests", "benches", "examples"].iter().any(|name| part.as_os_str() == *name))
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        if file.ends_with("tests.rs") {
            continue;
        }
        assert!(text.starts_with("//!"), "{} has no module documentation", file.display());
    }
}
