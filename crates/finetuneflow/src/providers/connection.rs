//! Connections to providers as a person has set them up: kind, address, key, limits. One row of the settings each.
//!
//! A key is bound to the address that it was entered for: where the address changes, the key is asked for again. It goes
//! into requests and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use store::Database;

use super::built_in::BuiltIn;
use super::openai::OpenAi;
use super::{Provider, ProviderError};
use crate::inference::Inference;
use crate::models::Models;
use crate::remote::{self, Secret};

/// A kind of provider.
#[derive(Debug)]
pub struct Kind {
    /// Stored and in requests.
    pub id: &'static str,
    /// Shown to people.
    pub label: &'static str,
    /// Where it is when nothing is said; `None`: a person says it, or there is none.
    pub default_address: Option<&'static str>,
    /// Whether it has an address at all.
    pub remote: bool,
    /// Whether a key is needed.
    pub needs_key: bool,
}

/// Every kind that a connection can be of.
pub static KINDS: &[Kind] = &[
    Kind {
        id: "ollama",
        label: "Ollama on this computer",
        default_address: Some("http://localhost:11434/v1"),
        remote: true,
        needs_key: false,
    },
    Kind {
        id: "ollama_cloud",
        label: "Ollama Cloud",
        default_address: Some("https://ollama.com/v1"),
        remote: true,
        needs_key: true,
    },
    Kind {
        id: "openai_compatible",
        label: "Any server with OpenAI's interface",
        default_address: None,
        remote: true,
        needs_key: false,
    },
    Kind {
        id: "built_in",
        label: "A model in this program",
        default_address: None,
        remote: false,
        needs_key: false,
    },
];

impl Kind {
    /// The kind with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.id == id)
    }
}

/// A connection. Never serialized for clients: see the API's view of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Of [`KINDS`].
    pub kind: String,
    /// Ends where `/chat/completions` begins; empty where the kind has no address.
    #[serde(default)]
    pub address: String,
    /// The model when a request names none.
    #[serde(default)]
    pub model: Option<String>,
    /// The secret, and the origin that it was entered for.
    #[serde(default)]
    key: Option<Secret>,
    /// For one whole answer.
    pub timeout_seconds: u64,
    /// Requests at the same time.
    pub concurrency: u32,
    /// What a million tokens of requests cost, in a currency of the person's.
    #[serde(default)]
    pub prompt_price: Option<f64>,
    /// What a million tokens of replies cost.
    #[serde(default)]
    pub completion_price: Option<f64>,
}

/// Why a connection cannot be used as it is.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConnectionError {
    /// Which field.
    pub field: &'static str,
    /// For people.
    pub message: String,
}

fn wrong(field: &'static str, message: impl Into<String>) -> ConnectionError {
    ConnectionError { field, message: message.into() }
}

/// Seconds and requests that a connection may be set to.
pub const TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=3600;
/// See [`TIMEOUTS`].
pub const CONCURRENCIES: std::ops::RangeInclusive<u32> = 1..=64;

impl Connection {
    /// One of a kind, with what the kind sets.
    ///
    /// # Errors
    /// Where the kind is unknown.
    pub fn new(kind: &str) -> Result<Self, ConnectionError> {
        let Some(kind) = Kind::find(kind) else {
            let known: Vec<_> = KINDS.iter().map(|kind| kind.id).collect();
            return Err(wrong("kind", format!("must be one of: {}", known.join(", "))));
        };
        Ok(Self {
            kind: kind.id.to_owned(),
            address: kind.default_address.unwrap_or_default().to_owned(),
            model: None,
            key: None,
            timeout_seconds: 300,
            concurrency: if kind.needs_key { 4 } else { 1 },
            prompt_price: None,
            completion_price: None,
        })
    }

    /// Enters a key for the present address, or forgets it.
    ///
    /// # Errors
    /// Where there is no address that a key could be for.
    pub fn set_key(&mut self, secret: Option<String>) -> Result<(), ConnectionError> {
        self.key = match secret.filter(|secret| !secret.trim().is_empty()) {
            None => None,
            Some(secret) => {
                Some(Secret::entered(&secret, &self.url()?).map_err(|reason| wrong("key", reason))?)
            }
        };
        Ok(())
    }

    /// Whether a key is there for the present address.
    pub fn has_key(&self) -> bool {
        self.secret().is_some()
    }

    /// Whether what is sent to it leaves this computer.
    pub fn leaves_the_machine(&self) -> bool {
        let is_remote = Kind::find(&self.kind).is_some_and(|kind| kind.remote);
        is_remote && self.url().map_or(true, |url| remote::leaves_the_machine(&url))
    }

    fn secret(&self) -> Option<&str> {
        self.key.as_ref()?.for_address(&self.url().ok()?)
    }

    fn url(&self) -> Result<Url, ConnectionError> {
        remote::parse_address(&self.address, "http://localhost:11434/v1")
            .map_err(|reason| wrong("address", reason))
    }

    /// Whether the connection is complete.
    ///
    /// # Errors
    /// Names the first field that is not.
    pub fn check(&self) -> Result<(), ConnectionError> {
        let kind = Kind::find(&self.kind).ok_or_else(|| wrong("kind", "is unknown"))?;
        if kind.remote {
            let url = self.url()?;
            if kind.needs_key && !self.has_key() {
                let host = url.host_str().unwrap_or_default();
                return Err(wrong(
                    "key",
                    format!("{host} needs a key: enter one (a key is kept for one host only)"),
                ));
            }
            if self.has_key() && remote::is_readable_on_the_way(&url) {
                return Err(wrong("address", "a key would be readable on the way: use https://"));
            }
        }
        if !TIMEOUTS.contains(&self.timeout_seconds) {
            return Err(wrong("timeout_seconds", "must be between 1 and 3600"));
        }
        if !CONCURRENCIES.contains(&self.concurrency) {
            return Err(wrong("concurrency", "must be between 1 and 64"));
        }
        let is_price = |price: Option<f64>| price.is_none_or(|price| price.is_finite() && price >= 0.0);
        if !is_price(self.prompt_price) || !is_price(self.completion_price) {
            return Err(wrong("prices", "must be 0 or more"));
        }
        Ok(())
    }

    /// What answers at the other end.
    ///
    /// # Errors
    /// As [`Connection::check`], and where the client cannot be made.
    pub fn open(&self, inference: &Arc<Inference>, models: &Models) -> anyhow::Result<Arc<dyn Provider>> {
        self.check()?;
        if Kind::find(&self.kind).is_some_and(|kind| !kind.remote) {
            return Ok(Arc::new(BuiltIn::new(Arc::clone(inference), models.clone())));
        }
        let timeout = Duration::from_secs(self.timeout_seconds);
        Ok(Arc::new(OpenAi::new(self.url()?, self.secret().map(str::to_owned), timeout)?))
    }

    /// The models of the other end that can be named: a test of the connection too.
    ///
    /// # Errors
    /// In words for people.
    pub async fn models(&self, inference: &Arc<Inference>, models: &Models) -> anyhow::Result<Vec<String>> {
        let provider = self.open(inference, models)?;
        let listed: Result<_, ProviderError> = provider.models().await;
        Ok(listed?)
    }
}

fn setting(id: &str) -> String {
    format!("provider:{id}")
}

/// A name of a connection: lower-case letters, digits and dashes.
pub fn is_id(id: &str) -> bool {
    (1..=40).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// The connection with this id. The kinds that need nothing further are there under their own names.
pub async fn get(database: &Database, id: &str) -> anyhow::Result<Option<Connection>> {
    if let Some(value) = store::settings::get(database, &setting(id)).await? {
        return Ok(Some(serde_json::from_value(value)?));
    }
    Ok(Connection::new(id).ok())
}

/// Keeps a connection.
pub async fn set(database: &Database, id: &str, connection: &Connection) -> anyhow::Result<()> {
    store::settings::set(database, &setting(id), serde_json::to_value(connection)?).await?;
    Ok(())
}

/// Forgets a connection with its key; true if it was there.
pub async fn remove(database: &Database, id: &str) -> anyhow::Result<bool> {
    Ok(store::settings::delete(database, &setting(id)).await?)
}

/// Every connection by its id: the kinds, as they are or as they were set, and those that a person added.
pub async fn all(database: &Database) -> anyhow::Result<Vec<(String, Connection)>> {
    let mut found: std::collections::BTreeMap<String, Connection> =
        KINDS.iter().filter_map(|kind| Some((kind.id.to_owned(), Connection::new(kind.id).ok()?))).collect();
    for (key, value) in store::settings::all(database).await? {
        if let Some(id) = key.strip_prefix("provider:") {
            found.insert(id.to_owned(), serde_json::from_value(value)?);
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_one_address() {
        let mut connection = Connection::new("ollama_cloud").unwrap();
        assert_eq!(connection.check().unwrap_err().field, "key");
        connection.set_key(Some(" secret-1 ".into())).unwrap();
        connection.check().unwrap();
        connection.address = "https://ollama.com/other".into();
        assert!(connection.has_key(), "the same host");
        connection.address = "https://ollama.com.example.org/v1".into();
        assert!(!connection.has_key());
        assert_eq!(connection.check().unwrap_err().field, "key");
        assert!(!format!("{connection:?}").contains("secret"));
    }

    #[test]
    fn addresses_and_limits_are_checked() {
        for (address, field) in [
            ("http://localhost:1/v1", None),
            ("https://example.org/v1", None),
            ("localhost:11434", Some("address")),
            ("ftp://example.org", Some("address")),
            ("http://user:word@example.org/v1", Some("address")),
            ("", Some("address")),
        ] {
            let connection =
                Connection { address: address.into(), ..Connection::new("openai_compatible").unwrap() };
            assert_eq!(connection.check().err().map(|error| error.field), field, "{address}");
        }
        let mut open = Connection {
            address: "http://example.org/v1".into(),
            ..Connection::new("openai_compatible").unwrap()
        };
        open.check().unwrap();
        open.set_key(Some("k".into())).unwrap();
        assert_eq!(open.check().unwrap_err().field, "address", "a key on a way that others can read");
        let slow = Connection { timeout_seconds: 0, ..Connection::new("ollama").unwrap() };
        assert_eq!(slow.check().unwrap_err().field, "timeout_seconds");
        assert_eq!(Connection::new("telepathy").unwrap_err().field, "kind");
    }
}
