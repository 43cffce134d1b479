//! The commands in `docs/API_DOCUMENTATION.md` work as they stand.

use std::process::Command;

use crate::server::Serving;
use crate::support::trainable_model;

const PAGE: &str = include_str!("../../../../docs/API_DOCUMENTATION.md");

/// The page's shell blocks, as one script.
fn script() -> String {
    let mut script = String::from("set -euo pipefail\nset -x\n");
    let mut inside = false;
    for line in PAGE.lines() {
        match line {
            "```bash" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

#[test]
fn every_command_of_the_page_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "every_command_of_the_page_works") else { return };
    let server = Serving::start(folder.path());
    let place = tempfile::tempdir().expect("a folder");
    let output = Command::new("bash")
        .args(["-c", &script()])
        .env("BASE", &server.url)
        .env("MODEL", model)
        .current_dir(place.path())
        .output()
        .expect("bash runs");
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", words(&output.stdout), words(&output.stderr));
    let log = std::fs::read_to_string(place.path().join("training.log")).expect("a log");
    assert!(log.contains("event: step") && log.contains("\"status\":\"completed\""), "{log}");
    let gguf = std::fs::read(place.path().join("model.gguf")).expect("a model");
    assert!(gguf.starts_with(b"GGUF"));
    for zip in ["model.zip", "ollama.zip"] {
        assert!(std::fs::read(place.path().join(zip)).expect("a zip").starts_with(b"PK"), "{zip}");
    }
    let chat = words(&output.stdout);
    assert!(chat.contains("event: done") && !chat.contains("event: error"), "{chat}");
}

#[test]
fn the_page_shows_every_route() {
    let description = serde_json::to_value(finetuneflow::api::openapi()).expect("serializes");
    for path in description["paths"].as_object().expect("paths").keys().filter(|path| *path != "/api/health")
    {
        // The last fixed part of the address stands in the page.
        let last = path.split('/').rfind(|part| !part.is_empty() && !part.starts_with('{')).expect("a part");
        assert!(PAGE.contains(&format!("/{last}")), "{path} is not in the page");
    }
}

#[test]
fn the_page_names_every_error() {
    for (_, code, status, _) in finetuneflow::api::error::CODES {
        let row = PAGE.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{code}`")));
        let row = row.unwrap_or_else(|| panic!("{code} is not in the table"));
        assert!(row.contains(&format!("| {status} |")), "{code}: {row}");
    }
}
