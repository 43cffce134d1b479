//! Text recognition through the API, with scripts in the place of tesseract.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use finetuneflow::jobs::{Services, WorkerOptions, Workers};
use serde_json::{Value, json};

use crate::support::{Server, program};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

/// A tesseract that knows English and reads one word.
const TESSERACT: &str = r#"
[ "$1" = --version ] && { echo "tesseract 9.1"; exit; }
[ "$1" = --list-langs ] && { printf 'List (1):\neng\n'; exit; }
/bin/cat >/dev/null
printf '1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t88.5\tBoats\n'"#;

fn script(path: &Path, text: &str) -> PathBuf {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("own file");
    path.to_owned()
}

/// Workers whose children are started by this program.
fn workers(server: &Server, program: PathBuf) -> Workers {
    let services = Services { program, ..server.state.services.clone() };
    Workers::start(&services, WorkerOptions::default())
}

/// A server with a picture in a project: the paths of the project and of the file.
async fn with_picture() -> (Server, String, String) {
    let server = Server::start().await;
    let project = server.project().await;
    let path = format!("{project}/files/upload");
    let id =
        server.upload(&path, &[("files", Some("page.png"), PICTURE)]).await.expect(201)["items"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
    let file = format!("{project}/files/{id}");
    (server, project, file)
}

async fn start(server: &Server, file: &str, languages: &[&str]) -> String {
    let job = server.post(&format!("{file}/ocr"), &json!({ "languages": languages })).await.expect(202);
    job["job"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_recognised_when_it_is_asked_for() {
    let (server, project, file) = with_picture().await;
    let bin = server.folder.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    script(&bin.join("tesseract"), TESSERACT);
    let wrapper = format!("PATH={} exec {} \"$@\"", bin.display(), program().display());
    let _workers = workers(&server, script(&server.folder.path().join("program"), &wrapper));
    let listed = || async {
        let files = server.get(&format!("{project}/files")).await.expect(200);
        files["items"][0].clone()
    };

    let error = server.get(&format!("{file}/text")).await.expect_error(422, "unreadable_document");
    assert_eq!(error["params"]["reason"], "no_text");
    assert!(error["hint"].as_str().expect("text").contains("tesseract-ocr"), "{error}");
    let failed = listed().await;
    assert_eq!((&failed["status"], &failed["reason"]), (&json!("failed"), &json!("no_text")));
    assert_eq!(failed["recognition"], Value::Null);

    let job = server.finished(&start(&server, &file, &["eng", "fra"]).await).await;
    assert_eq!(job["status"], "failed", "{job}");
    assert!(job.to_string().contains("tesseract-ocr-fra"), "{job}");
    assert_eq!(listed().await, failed, "what the machine lacks changes nothing of the file");

    let job = server.finished(&start(&server, &file, &["eng"]).await).await;
    assert_eq!(job["status"], "completed", "{job}");
    let recognition =
        json!({ "engine": "tesseract 9.1", "languages": ["eng"], "pages": 1, "mean_confidence": 88.5 });
    let parsed = listed().await;
    assert_eq!((&parsed["status"], &parsed["recognition"]), (&json!("parsed"), &recognition));
    let text = server.get(&format!("{file}/text")).await.expect(200);
    assert_eq!(text["pages"], json!([{ "number": 1, "start": 0, "text": "Boats" }]));
    let told = &text["warnings"][0];
    assert!(told["message"].as_str().expect("text").contains("mean confidence of 8"), "{text}");
    assert_eq!((&told["code"], &told["params"]["engine"]), (&json!("recognised"), &json!("tesseract 9.1")));
    assert_eq!(parsed["warnings"][0], *told);
}

#[tokio::test]
async fn languages_are_checked_and_the_machine_is_asked() {
    let (server, project, file) = with_picture().await;
    for languages in [json!([]), json!(["-l"]), json!(["eng;ls"]), json!(["a/b"])] {
        let error = server.post(&format!("{file}/ocr"), &json!({ "languages": languages })).await;
        assert_eq!(error.expect_error(400, "invalid_request")["fields"][0]["field"], "languages");
    }
    let missing = format!("{project}/files/0193f0a0-0000-7000-8000-000000000000/ocr");
    server.post(&missing, &json!({ "languages": ["eng"] })).await.expect_error(404, "file_not_found");
    let installed = server.get("/api/settings/ocr").await.expect(200);
    assert_eq!(installed["available"], json!(installed["tesseract"].is_string()), "{installed}");
}

/// The children that read a document end with the job that wanted it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_ends_its_child() {
    let (server, _, file) = with_picture().await;
    let fifo = server.folder.path().join("alive");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    // It holds the pipe open as long as it lives.
    let endless = format!("exec 3>{}\nexec sleep 3600", fifo.display());
    let _workers = workers(&server, script(&server.folder.path().join("program"), &endless));
    let job_id = start(&server, &file, &["eng"]).await;
    let open = tokio::task::spawn_blocking(move || std::fs::File::open(fifo));
    let mut alive = open.await.expect("no panic").expect("the child has begun");
    server.post(&format!("/api/jobs/{job_id}/cancel"), &json!({})).await.expect(200);
    assert_eq!(server.finished(&job_id).await["status"], "cancelled");
    let closed = tokio::task::spawn_blocking(move || alive.read_to_end(&mut Vec::new()));
    assert_eq!(closed.await.expect("no panic").expect("a pipe"), 0, "the child is gone");
}
