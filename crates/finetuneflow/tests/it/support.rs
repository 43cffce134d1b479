//! What the tests share: a server in process on a folder of its own, and requests to it.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use finetuneflow::api::{AppState, router};
use finetuneflow::config::{Config, Sources};
use finetuneflow::jobs::{WorkerOptions, Workers};
use finetuneflow::models::Models;
use serde_json::{Value, json};
use store::{Blobs, Database};
use tower::ServiceExt;

/// This program.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_finetuneflow"))
}

/// The folder of test material, if there is one; says that the test is skipped otherwise.
pub fn test_material(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FTF_TESTDATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("{test}: skipped, FTF_TESTDATA is not set");
    }
    folder
}

/// Copies a folder's files.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
        }
    }
}

/// A model that can be trained in this data folder: the bundled one, or where a build has none yet, a small one from the
/// test material. `None`, and a word about it, when there is neither.
pub fn trainable_model(data_dir: &Path, test: &str) -> Option<&'static str> {
    if Models::new(data_dir).find("base").is_some_and(|model| model.usable) {
        return Some("base");
    }
    let Some(material) = test_material(test) else {
        eprintln!("{test}: skipped, this build has no base model");
        return None;
    };
    let model = data_dir.join("models/small");
    copy_folder(&material.join("weights/stories260K-hf"), &model);
    let template = "{{ bos_token }}{% for message in messages %}{% if message.role == 'assistant' %}{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ message.content }}\n{% endif %}{% endfor %}";
    std::fs::write(model.join("chat_template.jinja"), template).expect("writes the template");
    Some("small")
}

/// A server in process.
pub struct Server {
    pub folder: tempfile::TempDir,
    pub state: AppState,
    router: Router,
    _workers: Option<Workers>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The body, after checking the status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The error, after checking its shape, status and code.
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        let error = &body["error"];
        assert_eq!(error["code"], code, "{body}");
        let mut names: Vec<_> = error.as_object().expect("an object").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["code", "fields", "hint", "message", "params", "request_id"]);
        assert!(
            !error["message"].as_str().expect("text").is_empty()
                && !error["hint"].as_str().expect("text").is_empty()
        );
        assert_eq!(error["request_id"], self.header("x-request-id"));
        error.clone()
    }
}

impl Server {
    /// Without workers: what is queued stays queued.
    pub async fn start() -> Self {
        Self::with(&[], false).await
    }

    /// With these `FTF_*` settings.
    pub async fn with(settings: &[(&str, &str)], workers: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A folder that says it is a model and is none.
        std::fs::create_dir_all(folder.path().join("models/broken")).expect("a folder");
        Self::on(folder, settings, workers).await
    }

    /// On a prepared folder.
    pub async fn on(folder: tempfile::TempDir, settings: &[(&str, &str)], workers: bool) -> Self {
        let environment =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sources = Sources { environment, ..Sources::default() };
        let sources = sources.flag("data_dir", Some(folder.path().display()));
        let config = Config::load(&sources).expect("valid settings");
        let database =
            Database::open(&config.database_url, &folder.path().join("backups")).await.expect("opens");
        let blobs = Blobs::local(&folder.path().join("files")).expect("a folder");
        let state = AppState::new(config, database, blobs, program());
        let workers = workers.then(|| Workers::start(&state.services, WorkerOptions::default()));
        Self { router: router(state.clone()), folder, state, _workers: workers }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// Sends a request and answers the pieces of the body as they come.
    pub async fn stream(&self, request: Request<Body>) -> axum::body::BodyDataStream {
        let response = self.router.clone().oneshot(request).await.expect("answers");
        assert_eq!(response.status(), 200);
        response.into_body().into_data_stream()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).body(Body::empty()).expect("a request")).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(request("DELETE", path).body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json("PUT", path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json("PATCH", path, body).await
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = request(method, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// A multipart form: (field, file name, content); fields without a file name are plain.
    pub async fn upload(&self, path: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
        let boundary = "----boundary-of-a-test";
        let mut body = Vec::new();
        for (field, name, content) in parts {
            let file = name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"{file}\r\n\r\n")
                    .bytes(),
            );
            body.extend_from_slice(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let request = request("POST", path).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// A project's path, `/api/projects/{id}`.
    pub async fn project(&self) -> String {
        let body = json!({ "name": "Handbook", "model_id": "broken" });
        let project = self.post("/api/projects", &body).await.expect(201);
        format!("/api/projects/{}", project["id"].as_str().expect("an id"))
    }

    /// Uploads one document and answers its id.
    pub async fn document(&self, project: &str, name: &str, content: &str) -> String {
        let answer = self
            .upload(&format!("{project}/files/upload"), &[("files", Some(name), content.as_bytes())])
            .await;
        answer.expect(201)["items"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// Uploads and imports approved training rows.
    pub async fn dataset(&self, project: &str, rows: &str) -> Value {
        let parts: [(&str, Option<&str>, &[u8]); 2] =
            [("kind", None, b"dataset"), ("files", Some("rows.jsonl"), rows.as_bytes())];
        let file = self.upload(&format!("{project}/files/upload"), &parts).await.expect(201);
        let body = json!({ "file_id": file["items"][0]["id"] });
        self.post(&format!("{project}/dataset/import"), &body).await.expect(200)
    }

    /// Waits for a job's end by its event stream and answers the job.
    pub async fn finished(&self, job_id: &str) -> Value {
        let stream = self.get(&format!("/api/jobs/{job_id}/events")).await;
        let events = events(&stream.text());
        let last = events.last().expect("an event");
        assert_eq!(last.event, "end", "{events:?}");
        last.data.clone()
    }
}

/// A request to this server by its own name.
pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:8000")
}

/// A server-sent event.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: Option<i64>,
    pub event: String,
    pub data: Value,
}

/// The events of a stream that has ended.
pub fn events(text: &str) -> Vec<Event> {
    text.split("\n\n")
        .filter(|block| block.lines().any(|line| !line.is_empty() && !line.starts_with(':')))
        .map(event)
        .collect()
}

fn event(block: &str) -> Event {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    Event {
        id: field("id").map(|id| id.parse().expect("a number")),
        event: field("event").unwrap_or("message").to_owned(),
        data: serde_json::from_str(field("data").unwrap_or_else(|| panic!("no data in {block:?}")))
            .expect("JSON"),
    }
}

/// Training rows about invented facts.
pub fn rows(count: usize) -> String {
    (0..count)
        .map(|number| {
            let row = json!({ "messages": [
                { "role": "user", "content": format!("What is in box {number}?") },
                { "role": "assistant", "content": format!("There are {} red balls in box {number}.", number * 3 + 1) },
            ] });
            format!("{row}\n")
        })
        .collect()
}

/// A client for real servers.
pub fn http() -> reqwest::Client {
    finetuneflow::remote::choose_cryptography();
    reqwest::Client::new()
}
