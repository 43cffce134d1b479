//! One question to a language model, and its answer.

use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::retry::Passing;

/// What somebody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The words.
    pub content: String,
}

impl Turn {
    /// A turn of `role`.
    pub fn new(role: &str, content: impl Into<String>) -> Self {
        Self { role: role.to_owned(), content: content.into() }
    }
}

/// Everything that decides a reply, apart from the provider's own state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model's name at the provider.
    pub model: String,
    /// The conversation; the last turn is answered.
    pub turns: Vec<Turn>,
    /// A JSON schema that the answer keeps, where the provider honours it.
    pub schema: Option<Value>,
    /// New tokens at most.
    pub max_tokens: u32,
    /// 0: the most likely token each time.
    pub temperature: f32,
    /// For providers that can repeat a reply.
    pub seed: Option<u64>,
}

/// Tokens as the provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the request.
    pub prompt: Option<u64>,
    /// Of the reply.
    pub completion: Option<u64>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The words.
    pub text: String,
    /// What they took.
    pub tokens: Tokens,
    /// Whether the answer was cut off at `max_tokens`.
    pub cut_off: bool,
}

/// Why no answer came. The texts are for people: what happened, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Nobody answers at the address.
    #[error(
        "{address} cannot be reached ({reason}): start the server there, or correct the address in the settings"
    )]
    Unreachable {
        /// Scheme, host and port.
        address: String,
        /// In the system's words.
        reason: String,
    },
    /// No whole answer in time.
    #[error(
        "{address} gave no whole answer within {seconds} s: raise the time limit, or choose a smaller model"
    )]
    TimedOut {
        /// Scheme, host and port.
        address: String,
        /// The limit.
        seconds: u64,
    },
    /// The key is missing or wrong.
    #[error("{address} does not accept the key (status {status}): enter a valid one in the settings")]
    Unauthorized {
        /// Scheme, host and port.
        address: String,
        /// HTTP.
        status: u16,
    },
    /// No such model, or no such address.
    #[error(
        "{address} knows no model {model:?}: choose one of its list, or download it there first ({message})"
    )]
    UnknownModel {
        /// Scheme, host and port.
        address: String,
        /// The name.
        model: String,
        /// The server's words.
        message: String,
    },
    /// Too many requests, or too many tokens.
    #[error("{address} asks to wait (status 429): {message}")]
    Limited {
        /// Scheme, host and port.
        address: String,
        /// As long as the server says.
        retry_after: Option<Duration>,
        /// The server's words.
        message: String,
    },
    /// The server failed.
    #[error("{address} failed (status {status}): {message}")]
    Failed {
        /// Scheme, host and port.
        address: String,
        /// HTTP.
        status: u16,
        /// As long as the server says.
        retry_after: Option<Duration>,
        /// The server's words.
        message: String,
    },
    /// The server refuses this request, and would again.
    #[error("{address} refuses the request (status {status}): {message}")]
    Refused {
        /// Scheme, host and port.
        address: String,
        /// HTTP.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// Something came that is no answer.
    #[error("{address} sent no answer of a language model ({reason}): is this an OpenAI-compatible server?")]
    NoAnswer {
        /// Scheme, host and port.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model in this program failed.
    #[error("{0}")]
    BuiltIn(String),
}

impl ProviderError {
    /// Whether every other request would fail in the same way: then the whole work stops.
    pub fn concerns_all(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Unauthorized { .. }
                | Self::UnknownModel { .. }
                | Self::BuiltIn(_)
        )
    }
}

impl Passing for ProviderError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Limited { .. }
            | Self::Failed { .. }
            | Self::NoAnswer { .. } => true,
            Self::Unauthorized { .. }
            | Self::UnknownModel { .. }
            | Self::Refused { .. }
            | Self::BuiltIn(_) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A language model, here or elsewhere.
pub trait Provider: Send + Sync {
    /// Where requests go: scheme, host and port, or `this computer`.
    fn address(&self) -> &str;

    /// Whether what is sent leaves this computer.
    fn leaves_the_machine(&self) -> bool;

    /// The body of the request as it would be sent; what is listed, counted and hashed.
    fn body(&self, request: &Request) -> Value;

    /// One call. Dropping the future ends it.
    fn reply<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ProviderError>>;

    /// The models that can be named.
    fn models(&self) -> BoxFuture<'_, Result<Vec<String>, ProviderError>>;
}
