//! Servers elsewhere: their addresses, the secrets that belong to one origin each, and what their answers say.
//!
//! What the clients of [`crate::providers`] and [`crate::label_studio`] share; what they ask stands with them.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a server's message that are shown.
const MESSAGE_CHARACTERS: usize = 300;
/// No server is waited for longer than this on its own word.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// TLS has one cryptography library in this program; every HTTP client needs the choice before it is made.
pub fn choose_cryptography() {
    // A second call finds it chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A secret, and the origin that it was entered for: it goes nowhere else. Serialized for our own settings alone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    secret: String,
    origin: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secret").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Secret {
    /// What a person entered for this address.
    ///
    /// # Errors
    /// Where it holds what no secret holds.
    pub fn entered(text: &str, url: &Url) -> Result<Self, &'static str> {
        let secret = text.trim();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("holds characters that none has: copy it again");
        }
        Ok(Self { secret: secret.to_owned(), origin: url.origin().ascii_serialization() })
    }

    /// The secret, where the address is of its origin.
    pub fn for_address(&self, url: &Url) -> Option<&str> {
        (self.origin == url.origin().ascii_serialization()).then_some(&self.secret)
    }
}

/// An address as a person wrote it. `example` is one that would do.
///
/// # Errors
/// In words that follow the field's name.
pub fn parse_address(address: &str, example: &str) -> Result<Url, String> {
    let url: Url = address
        .trim()
        .parse()
        .map_err(|error| format!("{address:?} is no address ({error}): write it as {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with http:// or https:// and name a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no name or password: enter the secret in its own field".to_owned());
    }
    Ok(url)
}

/// Whether requests to this address leave the computer.
pub fn leaves_the_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
}

/// Whether others could read what is sent to this address.
pub fn is_readable_on_the_way(url: &Url) -> bool {
    url.scheme() == "http" && leaves_the_machine(url)
}

/// The address of `path` below a base, whose own path stays.
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// The words of the innermost cause.
pub fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Why a body could not be had.
#[derive(Debug)]
pub enum BodyError {
    /// The connection ended, or time did.
    Broken(reqwest::Error),
    /// It is longer than the limit.
    TooLarge,
}

/// The whole body of an answer.
pub async fn body_of(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(BodyError::Broken)? {
        body.extend_from_slice(&part);
        if body.len() > max_bytes {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(body)
}

/// Seconds, or nothing: dates are rare here, and the pauses between attempts grow by themselves.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|pause| pause.min(LONGEST_PAUSE))
}

/// The server's words: `error.message` in OpenAI's shape, `error` in Ollama's, `detail` in Django's with what it found not
/// valid, or the body's beginning.
pub fn message_of(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &json["error"];
    let said =
        error["message"].as_str().or(error.as_str()).or(json["message"].as_str()).or(json["detail"].as_str());
    let mut text = said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    if let (Some(_), Some(found)) = (said, json["validation_errors"].as_object()) {
        text = format!("{text}: {}", Value::Object(found.clone()));
    }
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "no words with it".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_secret_belongs_to_one_origin() {
        let secret = Secret::entered(" secret-1 ", &url("https://example.org/a")).unwrap();
        for (address, expected) in [
            ("https://example.org/b", Some("secret-1")),
            ("https://example.org:443", Some("secret-1")),
            ("http://example.org/a", None),
            ("https://example.org:444/a", None),
            ("https://example.org.example.com/a", None),
        ] {
            assert_eq!(secret.for_address(&url(address)), expected, "{address}");
        }
        assert!(!format!("{secret:?}").contains("secret-1"));
        for wrong in ["", "  ", "é", "a b"] {
            assert!(Secret::entered(wrong, &url("https://example.org")).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_stays_on_this_computer_is_known() {
        for (base, leaves) in [
            ("http://localhost:1/v1", false),
            ("http://127.0.0.1:1/v1", false),
            ("http://[::1]:1/v1", false),
            ("http://192.168.0.2:1/v1", true),
            ("http://localhost.example.org/v1", true),
        ] {
            assert_eq!(leaves_the_machine(&url(base)), leaves, "{base}");
        }
    }

    #[test]
    fn messages_of_servers_are_found_and_kept_short() {
        for (body, message) in [
            (r#"{"error": {"message": "no such\n model"}}"#, "no such model"),
            (r#"{"error": "model 'x' not found"}"#, "model 'x' not found"),
            (r#"{"detail": "Not Found"}"#, "Not Found"),
            (
                r#"{"detail": "Validation error", "validation_errors": {"title": ["too long"]}}"#,
                r#"Validation error: {"title":["too long"]}"#,
            ),
            ("<h1>Bad Gateway</h1>", "<h1>Bad Gateway</h1>"),
            ("", "no words with it"),
        ] {
            assert_eq!(message_of(body.as_bytes()), message);
        }
        assert_eq!(message_of("é".repeat(1000).as_bytes()).chars().count(), MESSAGE_CHARACTERS + 1);
    }
}
