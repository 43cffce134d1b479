//! A server that behaves as the hub does, on two ports: its own, and one that large files are sent on to.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sha1::Digest as _;
use tokio::sync::watch;

/// The repository that is there.
pub const REPO: &str = "HuggingFaceTB/SmolLM2-135M-Instruct";
/// What `main` is at in the beginning.
pub const COMMIT: &str = "1111111111111111111111111111111111111111";
/// Bytes of the weights.
pub const WEIGHTS: usize = 3 << 20;

/// What it does, beside answering as it should.
#[derive(Default)]
pub struct Manner {
    /// The commit of `main`; [`COMMIT`] if empty.
    pub main: String,
    /// Only who sends this token gets the files.
    pub gated_for: Option<&'static str>,
    /// This status (with a code of the hub) answers every request.
    pub refuses: Option<(u16, &'static str, &'static str)>,
    /// So many requests for files are answered with 429 first.
    pub limits: usize,
    /// So many answers of the other port end after [`Manner::sends`] bytes.
    pub breaks: usize,
    /// See [`Manner::breaks`] and [`Manner::holds`].
    pub sends: usize,
    /// Answers of the other port stop after [`Manner::sends`] bytes, and the connection stays.
    pub holds: bool,
    /// Ranges are not looked at.
    pub ignores_ranges: bool,
    /// The weights are other ones than those that are listed.
    pub corrupt: bool,
    /// The listing says so many bytes more.
    pub lies_by: i64,
    /// Each file is said to be of another commit.
    pub other_commit: bool,
    /// Further names in the listing.
    pub names: Vec<String>,
    /// The weights' name.
    pub weights_name: Option<&'static str>,
    /// In place of the configuration.
    pub config: Option<Value>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `hub` or `files`.
    pub port: &'static str,
    /// Its path.
    pub path: String,
    /// From which byte.
    pub from: Option<usize>,
    /// The header.
    pub authorization: Option<String>,
}

/// The server.
pub struct FakeHub {
    /// Where its pages begin.
    pub address: String,
    files: String,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
    /// Answers that are held.
    pub held: watch::Sender<usize>,
}

type Shared = State<Arc<FakeHub>>;

/// Bytes that look like nothing.
pub fn weights(commit: &str) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64 ^ u64::from(commit.as_bytes()[0]);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..WEIGHTS / 8).flat_map(|_| next()).collect()
}

/// A configuration that the engine can train.
pub fn config() -> Value {
    json!({ "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true })
}

fn git_sha1(bytes: &[u8]) -> String {
    let mut hasher = sha1::Sha1::default();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    hexadecimal(&hasher.finalize())
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hexadecimal(&sha2::Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FakeHub {
    /// Starts it with a model in it.
    pub async fn start(manner: Manner) -> Arc<Self> {
        let hub = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let files = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = |listener: &tokio::net::TcpListener| {
            format!("http://{}", listener.local_addr().expect("an address"))
        };
        let server = Arc::new(Self {
            address: address(&hub),
            files: address(&files),
            manner: Mutex::new(manner),
            seen: Mutex::default(),
            held: watch::Sender::new(0),
        });
        let api = Router::new()
            .route("/api/models", get(search))
            .route("/api/models/{organisation}/{name}/revision/{revision}", get(listing))
            .route("/{organisation}/{name}/resolve/{commit}/{file}", get(resolve))
            .with_state(Arc::clone(&server));
        let large = Router::new().route("/{hash}", get(large)).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(hub, api).await.expect("serves") });
        tokio::spawn(async move { axum::serve(files, large).await.expect("serves") });
        server
    }

    /// How it behaves from now on.
    pub fn manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().expect("not poisoned")
    }

    /// What came, in its order, and is forgotten.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("not poisoned"))
    }

    fn see(&self, port: &'static str, path: String, headers: &HeaderMap) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let seen = Seen { port, path, from: from(headers), authorization: text(header::AUTHORIZATION) };
        self.seen.lock().expect("not poisoned").push(seen);
    }

    fn contents(&self, commit: &str) -> BTreeMap<String, (Vec<u8>, bool)> {
        let manner = self.manner();
        let name = manner.weights_name.unwrap_or("model.safetensors").to_owned();
        let config = manner.config.clone().unwrap_or_else(config);
        BTreeMap::from([
            (name, (weights(commit), true)),
            ("config.json".to_owned(), (config.to_string().into_bytes(), false)),
            ("tokenizer.json".to_owned(), (b"{}".to_vec(), false)),
            ("README.md".to_owned(), (b"---\nlicense: apache-2.0\n---\n".to_vec(), false)),
            ("modeling_evil.py".to_owned(), (b"import os".to_vec(), false)),
        ])
    }

    /// The answer that a manner gives before anything is looked at.
    fn refusal(&self) -> Option<Response> {
        let (status, code, message) = self.manner().refuses?;
        let status = StatusCode::from_u16(status).expect("a status");
        Some(
            (status, [("x-error-code", code), ("x-error-message", message), ("retry-after", "0.05")], "")
                .into_response(),
        )
    }
}

fn from(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

async fn search(
    State(hub): Shared,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    hub.see("hub", "search".to_owned(), &headers);
    if let Some(refusal) = hub.refusal() {
        return refusal;
    }
    let words = query.iter().find(|(name, _)| name == "search").map(|(_, words)| words.to_lowercase());
    let all = [
        json!({ "id": REPO, "downloads": 1000, "gated": false, "config": { "model_type": "llama" }, "safetensors": { "total": 90 } }),
        json!({ "id": "other/mamba", "downloads": 10, "gated": "auto", "config": { "model_type": "mamba" } }),
        json!({ "id": "not--a/name" }),
    ];
    let is_named = |model: &&Value| {
        let id = model["id"].as_str().unwrap_or_default().to_lowercase();
        words.as_deref().is_none_or(|words| id.contains(words))
    };
    axum::Json(all.iter().filter(is_named).cloned().collect::<Vec<_>>()).into_response()
}

async fn listing(
    State(hub): Shared,
    Path((organisation, name, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    hub.see("hub", format!("listing {revision}"), &headers);
    if let Some(refusal) = hub.refusal() {
        return refusal;
    }
    if format!("{organisation}/{name}") != REPO {
        return (StatusCode::NOT_FOUND, [("x-error-code", "RepoNotFound")], "").into_response();
    }
    let main = Some(hub.manner().main.clone()).filter(|main| !main.is_empty()).unwrap_or(COMMIT.to_owned());
    let commit = match revision.as_str() {
        "main" => main,
        commit if commit.len() == 40 => commit.to_owned(),
        _ => return (StatusCode::NOT_FOUND, [("x-error-code", "RevisionNotFound")], "").into_response(),
    };
    let contents = hub.contents(&commit);
    let manner = hub.manner();
    let mut siblings: Vec<_> = contents
        .iter()
        .map(|(name, (bytes, large))| {
            let size = bytes.len() as i64 + if *large { manner.lies_by } else { 0 };
            match large {
                true => json!({ "rfilename": name, "size": size, "blobId": "0".repeat(40),
                    "lfs": { "sha256": sha256(bytes), "size": size, "pointerSize": 134 } }),
                false => json!({ "rfilename": name, "size": size, "blobId": git_sha1(bytes) }),
            }
        })
        .collect();
    siblings.extend(
        manner.names.iter().map(|name| json!({ "rfilename": name, "size": 2, "blobId": git_sha1(b"{}") })),
    );
    let gated = if manner.gated_for.is_some() { json!("manual") } else { json!(false) };
    axum::Json(json!({ "id": REPO, "sha": commit, "gated": gated, "siblings": siblings,
        "cardData": { "license": "apache-2.0" }, "config": { "model_type": "llama" }, "safetensors": { "total": 90 } }))
    .into_response()
}

async fn resolve(
    State(hub): Shared,
    Path((_, _, commit, file)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    hub.see("hub", file.clone(), &headers);
    if let Some(refusal) = hub.refusal() {
        return refusal;
    }
    let contents = hub.contents(&commit);
    let mut manner = hub.manner();
    if manner.limits > 0 {
        manner.limits -= 1;
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0.05")], "slow down").into_response();
    }
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = manner.gated_for
        && sent != Some(format!("Bearer {token}").as_str())
    {
        let status = if sent.is_some() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        return (status, [("x-error-code", "GatedRepo"), ("x-error-message", "ask for access")], "")
            .into_response();
    }
    let Some((bytes, large)) = contents.get(&file) else {
        return (StatusCode::NOT_FOUND, [("x-error-code", "EntryNotFound")], "").into_response();
    };
    let commit = if manner.other_commit { "9".repeat(40) } else { commit };
    if *large {
        let hash = sha256(bytes);
        let place = format!("{}/{hash}?commit={commit}", hub.files);
        let linked =
            [("x-repo-commit", commit), ("x-linked-etag", format!("\"{hash}\"")), ("location", place)];
        return (StatusCode::FOUND, linked, "").into_response();
    }
    let etag = format!("\"{}\"", git_sha1(bytes));
    ([("x-repo-commit", commit), ("etag", etag)], bytes.clone()).into_response()
}

/// A large file, or what is left of it from a byte on.
async fn large(
    State(hub): Shared,
    Path(hash): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    hub.see("files", hash, &headers);
    let mut bytes = weights(&query["commit"]);
    let mut manner = hub.manner();
    if manner.corrupt {
        bytes[WEIGHTS / 2] ^= 1;
    }
    let total = bytes.len();
    let start = from(&headers).filter(|_| !manner.ignores_ranges);
    let rest = Bytes::from(bytes).slice(start.unwrap_or(0)..);
    let length = rest.len();
    let broken = manner.breaks > 0;
    manner.breaks = manner.breaks.saturating_sub(1);
    let (holds, sends) = (manner.holds, manner.sends);
    drop(manner);
    let body = match (broken, holds) {
        (false, false) => Body::from(rest),
        (true, _) => Body::from_stream(async_stream::stream! {
            yield Ok(rest.slice(..sends.min(length)));
            // What was given is written before the connection ends.
            tokio::task::yield_now().await;
            yield Err(std::io::Error::other("broken"));
        }),
        (false, true) => Body::from_stream(async_stream::stream! {
            yield Ok::<_, Infallible>(rest.slice(..sends.min(length)));
            hub.held.send_modify(|held| *held += 1);
            std::future::pending::<()>().await;
        }),
    };
    let mut answer = Response::new(body);
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    if let Some(start) = start {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {start}-{}/{total}", total - 1);
        answer.headers_mut().insert(header::CONTENT_RANGE, range.parse().expect("a header"));
    }
    answer
}
