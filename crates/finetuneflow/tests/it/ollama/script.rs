//! A small Ollama with a script: it keeps blobs and models, writes down what it is asked, and fails where it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    /// JSON, or null for bytes.
    pub body: Value,
}

/// A failure to come.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Instead of the answer.
    Instead(u16, &'static str),
    /// The answer begins and the connection is cut.
    Cut,
    /// The lines of an answer, in these pieces.
    Lines(&'static [&'static str]),
    /// The answer never ends.
    Never,
}

pub struct Book {
    pub asked: Vec<Asked>,
    pub blobs: BTreeMap<String, usize>,
    pub models: BTreeMap<String, Value>,
    pub version: &'static str,
    /// What a conversation is rendered as, by its messages; null: this version does not say.
    pub render: fn(&str) -> Value,
    /// What every model was trained to see.
    pub trained: Vec<(Value, String)>,
    faults: VecDeque<(&'static str, Fault)>,
}

pub struct Script {
    book: Mutex<Book>,
    pub address: String,
    /// How many requests have come.
    pub count: watch::Sender<usize>,
}

impl Script {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let book = Book {
            asked: Vec::new(),
            blobs: BTreeMap::new(),
            models: BTreeMap::new(),
            version: "0.17.4",
            render: |text| json!(text),
            trained: Vec::new(),
            faults: VecDeque::new(),
        };
        let script = Arc::new(Self { book: Mutex::new(book), address, count: watch::Sender::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        script
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("not poisoned")
    }

    /// The next request whose path begins so fails.
    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.book().faults.push_back((path, fault));
    }

    /// Requests to a path that begins so.
    pub fn asked(&self, method: &Method, path: &str) -> Vec<Asked> {
        let book = self.book();
        book.asked
            .iter()
            .filter(|asked| asked.method == method && asked.path.starts_with(path))
            .cloned()
            .collect()
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let bytes = to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let mut book = script.book();
    book.asked.push(Asked { method: method.clone(), path: path.clone(), body: body.clone() });
    script.count.send_modify(|count| *count += 1);
    // Whether bytes are there is asked before each attempt: faults are for the attempts.
    if method != Method::HEAD && book.faults.front().is_some_and(|(begin, _)| path.starts_with(begin)) {
        let fault = book.faults.pop_front().map(|(_, fault)| fault);
        return fault.map_or_else(|| said(StatusCode::OK, &json!({})), failed);
    }
    match (method.as_str(), path.as_str()) {
        ("GET", "/api/version") => said(StatusCode::OK, &json!({ "version": book.version })),
        ("GET", "/api/tags") => {
            let models: Vec<Value> = book.models.keys().map(|name| json!({ "name": name })).collect();
            said(StatusCode::OK, &json!({ "models": models }))
        }
        ("POST", "/api/show") => match book.models.get(body["model"].as_str().unwrap_or_default()) {
            Some(model) => said(StatusCode::OK, model),
            None => said(StatusCode::NOT_FOUND, &json!({ "error": "model not found" })),
        },
        ("POST", "/api/create") => create(&mut book, &body),
        ("POST", "/api/chat") => chat(&book, &body),
        (method, path) => match path.strip_prefix("/api/blobs/") {
            Some(digest) => blob(&mut book, method, digest, &bytes),
            None => said(StatusCode::NOT_FOUND, &json!({ "error": "404 page not found" })),
        },
    }
}

fn said(status: StatusCode, body: &Value) -> Response {
    (status, axum::Json(body.clone())).into_response()
}

fn failed(fault: Fault) -> Response {
    match fault {
        Fault::Instead(status, words) => {
            said(StatusCode::from_u16(status).expect("a status"), &json!({ "error": words }))
        }
        Fault::Cut => {
            let piece = futures::stream::iter([Ok("{\"sta"), Err(std::io::Error::other("cut"))]);
            (StatusCode::INTERNAL_SERVER_ERROR, Body::from_stream(piece)).into_response()
        }
        Fault::Lines(pieces) => {
            Body::from_stream(futures::stream::iter(pieces.iter().copied()).map(Ok::<_, std::io::Error>))
                .into_response()
        }
        Fault::Never => {
            let status = futures::stream::iter([Ok::<_, std::io::Error>("{\"status\":\"parsing GGUF\"}\n")]);
            Body::from_stream(status.chain(futures::stream::pending())).into_response()
        }
    }
}

fn blob(book: &mut Book, method: &str, digest: &str, bytes: &Bytes) -> Response {
    if method == "HEAD" {
        let status = if book.blobs.contains_key(digest) { StatusCode::OK } else { StatusCode::NOT_FOUND };
        return status.into_response();
    }
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if format!("sha256:{hex}") != digest {
        return said(StatusCode::BAD_REQUEST, &json!({ "error": "digest mismatch" }));
    }
    book.blobs.insert(digest.to_owned(), bytes.len());
    StatusCode::CREATED.into_response()
}

fn create(book: &mut Book, body: &Value) -> Response {
    let digest = body["files"]["model.gguf"].as_str().unwrap_or_default();
    if !book.blobs.contains_key(digest) {
        return said(StatusCode::BAD_REQUEST, &json!({ "error": "blob not found" }));
    }
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    book.models.insert(name, body.clone());
    // Lines that do not end where the pieces do.
    let lines = [
        "{\"status\":\"pars",
        "ing GGUF\"}\n\n{\"status\":\"writing manifest\"}\n{\"sta",
        "tus\":\"success\"}",
    ];
    Body::from_stream(futures::stream::iter(lines).map(Ok::<_, std::io::Error>)).into_response()
}

fn chat(book: &Book, body: &Value) -> Response {
    if !book.models.contains_key(body["model"].as_str().unwrap_or_default()) {
        return said(StatusCode::NOT_FOUND, &json!({ "error": "model not found" }));
    }
    let answer = json!({ "message": { "role": "assistant", "content": "Of course." }, "done": true, "done_reason": "stop" });
    if body["_debug_render_only"] != true {
        return said(StatusCode::OK, &answer);
    }
    let trained = book.trained.iter().find(|(messages, _)| *messages == body["messages"]);
    match (book.render)(trained.map_or("", |(_, text)| text)) {
        Value::Null => said(StatusCode::OK, &answer),
        text => said(StatusCode::OK, &json!({ "_debug_info": { "rendered_template": text } })),
    }
}
