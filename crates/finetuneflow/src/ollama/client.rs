//! The requests that are made of an Ollama.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::CONTENT_LENGTH;
use reqwest::redirect::Policy;
use reqwest::{Body, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use super::OllamaError;
use crate::providers::retry::Patience;
use crate::remote::{self, BodyError};

/// An ordinary answer, or a line of a long one, is no longer.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// For what is answered at once.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two words of work that takes long: loading a model, looking through its bytes.
const SILENCE: Duration = Duration::from_secs(600);
/// The first version whose API makes a model of blobs (`files` in `/api/create`).
const OLDEST: &str = "0.5.5";
const PIECE_BYTES: usize = 1 << 18;

/// An Ollama.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    address: String,
    patience: Patience,
}

/// An answer of a model there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its text.
    pub text: String,
    /// It was cut off at the limit of tokens.
    pub is_cut: bool,
}

type Answer<T> = Result<T, OllamaError>;

impl Client {
    /// `base` is where `/api` begins.
    ///
    /// # Errors
    /// Where the client cannot be made.
    pub fn new(base: Url) -> anyhow::Result<Self> {
        remote::choose_cryptography();
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        let patience = Patience {
            attempts: 3,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
        };
        let address = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, address, patience })
    }

    /// Where its API begins.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The version that runs there, which is one that models can be pushed to.
    pub async fn version(&self) -> Answer<String> {
        let what = "asking for its version";
        let answer = self.json(self.get("api/version").timeout(TIMEOUT), what).await?;
        let Some(version) = answer["version"].as_str() else {
            return Err(self.not_ollama("it names no version"));
        };
        match is_older(version, OLDEST) {
            true => Err(OllamaError::TooOld {
                address: self.address.clone(),
                version: version.to_owned(),
                needed: OLDEST,
            }),
            false => Ok(version.to_owned()),
        }
    }

    /// The models there.
    pub async fn models(&self) -> Answer<Vec<String>> {
        let answer = self.json(self.get("api/tags").timeout(TIMEOUT), "listing its models").await?;
        let listed = answer["models"].as_array().ok_or_else(|| self.not_ollama("it lists no models"))?;
        Ok(listed.iter().filter_map(|model| model["name"].as_str().map(str::to_owned)).collect())
    }

    /// Whether a model of this name is there.
    pub async fn has_model(&self, name: &str) -> Answer<bool> {
        let request = self.post("api/show").json(&json!({ "model": name })).timeout(TIMEOUT);
        let what = "looking for the model";
        let response = request.send().await.map_err(|error| self.broken(&error, what))?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(false),
            _ => self.accepted(response, what).await.map(|_| true),
        }
    }

    /// Whether these bytes are there (`sha256:…`).
    pub async fn has_blob(&self, digest: &str) -> Answer<bool> {
        let what = "looking for the weights";
        let request = self.http.head(self.url(&format!("api/blobs/{digest}"))).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.broken(&error, what))?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(false),
            _ => self.accepted(response, what).await.map(|_| true),
        }
    }

    /// Sends a file's bytes, unless they are there; `on_bytes` hears how many are on their way. A cut connection is tried
    /// again.
    pub async fn upload(
        &self,
        file: &Path,
        digest: &str,
        size_bytes: u64,
        on_bytes: impl Fn(u64) + Clone + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            if self.has_blob(digest).await? {
                return Ok(());
            }
            let error = match self.send_blob(file, digest, size_bytes, on_bytes.clone()).await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match self.patience.pause(attempt, &error, 1.0) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error.into()),
            }
        }
    }

    async fn send_blob(
        &self,
        file: &Path,
        digest: &str,
        size_bytes: u64,
        on_bytes: impl Fn(u64) + Send + Sync + 'static,
    ) -> anyhow::Result<Answer<()>> {
        let what = "sending the weights";
        let bytes = ReaderStream::with_capacity(tokio::fs::File::open(file).await?, PIECE_BYTES);
        let mut sent = 0;
        let bytes = bytes.inspect(move |piece| {
            sent += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            on_bytes(sent);
        });
        // The length is told, so that a server need not take chunks.
        let request = self
            .post(&format!("api/blobs/{digest}"))
            .header(CONTENT_LENGTH, size_bytes)
            .body(Body::wrap_stream(bytes));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Err(self.broken(&error, what))),
        };
        let answer = self.accepted(response, what).await.map(|_| ());
        // What the address named was right: these bytes arrived otherwise.
        Ok(answer.map_err(|error| match error {
            OllamaError::Refused { address, status: 400, message, .. } => {
                OllamaError::Damaged { address, message }
            }
            error => error,
        }))
    }

    /// Makes a model; `on_status` hears what Ollama says of it.
    pub async fn create(&self, body: &Value, mut on_status: impl FnMut(&str)) -> Answer<()> {
        let what = "making the model";
        let request = self.post("api/create").json(body);
        let response =
            self.patiently(request.send(), what).await?.map_err(|error| self.broken(&error, what))?;
        let mut response = self.accepted(response, what).await?;
        let (mut line, mut is_made) = (Vec::new(), false);
        loop {
            let piece =
                self.patiently(response.chunk(), what).await?.map_err(|error| self.cut(&error, what))?;
            let ended = piece.is_none();
            line.extend_from_slice(&piece.unwrap_or_default());
            while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                let rest = line.split_off(end + 1);
                is_made |= self.status(&line, &mut on_status)?;
                line = rest;
            }
            if line.len() > MAX_ANSWER_BYTES {
                return Err(self.not_ollama("a line of its answer has no end"));
            }
            if ended {
                break;
            }
        }
        is_made |= self.status(&line, &mut on_status)?;
        match is_made {
            true => Ok(()),
            false => Err(OllamaError::Cut {
                address: self.address.clone(),
                what,
                reason: "it did not say that it was done".to_owned(),
            }),
        }
    }

    /// Reads one line; true where it says that the work is done.
    fn status(&self, line: &[u8], on_status: &mut impl FnMut(&str)) -> Answer<bool> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(false);
        }
        let said: Value = serde_json::from_slice(line)
            .map_err(|error| self.not_ollama(format!("a line is no JSON: {error}")))?;
        if !said["error"].is_null() {
            let message = remote::message_of(line);
            return Err(self.failed("making the model", message));
        }
        let status = said["status"].as_str().unwrap_or_default();
        on_status(status);
        Ok(status == "success")
    }

    /// The text that it would give its model for a conversation; `None` where this version does not tell.
    pub async fn render(&self, model: &str, messages: &[Value]) -> Answer<Option<String>> {
        let body = json!({
            "model": model, "messages": messages, "stream": false, "truncate": false, "_debug_render_only": true,
            // A version that does not know the flag above answers instead: shortly.
            "options": { "num_predict": 1 },
        });
        let answer = self.json(self.post("api/chat").json(&body), "rendering a conversation").await?;
        Ok(answer["_debug_info"]["rendered_template"].as_str().map(str::to_owned))
    }

    /// Its model's most likely answer.
    pub async fn chat(&self, model: &str, messages: &[Value], max_tokens: u32) -> Answer<Said> {
        let options = json!({ "temperature": 0, "num_predict": max_tokens, "repeat_penalty": 1, "top_k": 1, "seed": 0 });
        let body = json!({ "model": model, "messages": messages, "stream": false, "options": options });
        let answer = self.json(self.post("api/chat").json(&body), "answering").await?;
        let text = answer["message"]["content"].as_str();
        let text = text.ok_or_else(|| self.not_ollama("its answer has no text"))?.to_owned();
        Ok(Said { text, is_cut: answer["done_reason"] == "length" })
    }

    fn url(&self, path: &str) -> Url {
        remote::below(&self.base, path)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    async fn patiently<T>(&self, work: impl Future<Output = T>, what: &'static str) -> Answer<T> {
        tokio::time::timeout(SILENCE, work).await.map_err(|_| OllamaError::TimedOut {
            address: self.address.clone(),
            what,
            seconds: SILENCE.as_secs(),
        })
    }

    async fn json(&self, request: RequestBuilder, what: &'static str) -> Answer<Value> {
        let answer = async {
            let response = request.send().await.map_err(|error| self.broken(&error, what))?;
            let response = self.accepted(response, what).await?;
            remote::body_of(response, MAX_ANSWER_BYTES).await.map_err(|error| match error {
                BodyError::Broken(error) => self.cut(&error, what),
                BodyError::TooLarge => self.not_ollama(format!("more than {MAX_ANSWER_BYTES} bytes")),
            })
        };
        let body = self.patiently(answer, what).await??;
        serde_json::from_slice(&body).map_err(|error| self.not_ollama(error.to_string()))
    }

    /// The answer, where it is a good one.
    async fn accepted(&self, response: Response, what: &'static str) -> Answer<Response> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.not_ollama(format!("it sends on elsewhere, status {}", status.as_u16())));
        }
        let body = match remote::body_of(response, MAX_ANSWER_BYTES).await {
            Ok(body) => body,
            Err(BodyError::Broken(error)) => return Err(self.cut(&error, what)),
            Err(BodyError::TooLarge) => Vec::new(),
        };
        let (address, message) = (self.address.clone(), remote::message_of(&body));
        Err(match status.as_u16() {
            507 => OllamaError::NoSpace { address, message },
            status @ (404 | 405) if what == "asking for its version" => {
                self.not_ollama(format!("status {status}"))
            }
            500..=599 => self.failed(what, message),
            status => OllamaError::Refused { address, what, status, message },
        })
    }

    fn failed(&self, what: &'static str, message: String) -> OllamaError {
        let address = self.address.clone();
        let is_full = ["no space left", "disk full", "not enough space", "disk quota"]
            .iter()
            .any(|words| message.to_lowercase().contains(words));
        match is_full {
            true => OllamaError::NoSpace { address, message },
            false => OllamaError::Failed { address, what, message },
        }
    }

    fn broken(&self, error: &reqwest::Error, what: &'static str) -> OllamaError {
        let address = self.address.clone();
        match error {
            error if error.is_connect() => {
                OllamaError::Unreachable { address, reason: remote::cause_of(error) }
            }
            error if error.is_timeout() => {
                OllamaError::TimedOut { address, what, seconds: TIMEOUT.as_secs() }
            }
            error => self.cut(error, what),
        }
    }

    fn cut(&self, error: &reqwest::Error, what: &'static str) -> OllamaError {
        OllamaError::Cut { address: self.address.clone(), what, reason: remote::cause_of(error) }
    }

    fn not_ollama(&self, reason: impl Into<String>) -> OllamaError {
        OllamaError::NotOllama { address: self.address.clone(), reason: reason.into() }
    }
}

/// Whether a version comes before another; one that names no numbers (built from sources) counts as new, and so does
/// 0.0.0.
fn is_older(version: &str, than: &str) -> bool {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let release = text.split(['-', '+']).next().unwrap_or_default();
        release.split('.').map(|number| number.parse().ok()).collect()
    };
    match (numbers(version), numbers(than)) {
        (Some(version), Some(than)) => version.iter().any(|number| *number > 0) && version < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, older) in [
            ("0.5.4", true),
            ("0.5.5", false),
            ("0.17.4", false),
            ("0.5.5-rc1", false),
            ("0.1.48", true),
            ("0.0.0", false),
            ("dev", false),
        ] {
            assert_eq!(is_older(version, OLDEST), older, "{version}");
        }
    }
}
