//! Why the hub, or a download from it, did not do what it was asked. The texts are for people: what happened, to what, and
//! what to do.

use std::path::PathBuf;
use std::time::Duration;

use crate::providers::retry::Passing;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The hub may not be asked.
    #[error(
        "{what} is not on this computer, and the studio is offline (FTF_OFFLINE or HF_HUB_OFFLINE is set)"
    )]
    Offline {
        /// What was wanted.
        what: String,
    },
    /// Nobody answers, or the connection broke.
    #[error("{address} cannot be reached ({reason})")]
    Unreachable {
        /// Host and port.
        address: String,
        /// In the system's words.
        reason: String,
    },
    /// There is no such repository, or it is hidden from this token.
    #[error("{address} has no model {repo}, or hides it from those without access")]
    NotFound {
        /// The hub.
        address: String,
        /// `org/name`.
        repo: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{repo} has no revision {revision}")]
    NoRevision {
        /// `org/name`.
        repo: String,
        /// What was asked for.
        revision: String,
    },
    /// A file of the listing is not there.
    #[error("{repo} has no file {file} at this commit")]
    NoFile {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
    },
    /// Its licence must be accepted first.
    #[error("{repo} is gated: its licence must be accepted on {page} by the account that the token belongs to{}", if *.with_token { "; the present token's has not, or waits for approval" } else { ", and there is no token yet" })]
    Gated {
        /// `org/name`.
        repo: String,
        /// The page where it is accepted.
        page: String,
        /// A token was sent.
        with_token: bool,
    },
    /// The token is wrong.
    #[error("{address} does not accept the token: {message}")]
    TokenRefused {
        /// The hub.
        address: String,
        /// Its words.
        message: String,
    },
    /// Too many requests.
    #[error("{address} asks to wait (status 429): {message}")]
    Limited {
        /// Host and port.
        address: String,
        /// As long as the server says.
        retry_after: Option<Duration>,
        /// Its words.
        message: String,
    },
    /// The server failed.
    #[error("{address} failed (status {status}): {message}")]
    Failed {
        /// Host and port.
        address: String,
        /// HTTP.
        status: u16,
        /// As long as the server says.
        retry_after: Option<Duration>,
        /// Its words.
        message: String,
    },
    /// The server refuses, and would again.
    #[error("{address} refuses the request (status {status}): {message}")]
    Refused {
        /// Host and port.
        address: String,
        /// HTTP.
        status: u16,
        /// Its words.
        message: String,
    },
    /// An answer is not what the hub answers, or not safe to use.
    #[error("{address} gave an answer that cannot be used: {reason}")]
    BadAnswer {
        /// Host and port.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// What came has another hash than what was asked for; it was removed.
    #[error("{file} of {repo} arrived with the hash {found} instead of {expected}; it was removed")]
    WrongHash {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
        /// In the listing.
        expected: String,
        /// Of the bytes.
        found: String,
    },
    /// No weights that are safe to read.
    #[error("{repo} has no safetensors weights ({found})")]
    NoSafetensors {
        /// `org/name`.
        repo: String,
        /// What there is instead.
        found: String,
    },
    /// The engine cannot train this.
    #[error("{repo} cannot be trained here: {reason}")]
    Unsupported {
        /// `org/name`.
        repo: String,
        /// Why.
        reason: String,
    },
    /// The files would not fit.
    #[error("{repo} needs {} MiB in {path} and {} MiB are free", needed_bytes >> 20, free_bytes >> 20)]
    DiskFull {
        /// `org/name`.
        repo: String,
        /// The cache.
        path: PathBuf,
        /// What is still to come.
        needed_bytes: u64,
        /// What may be written.
        free_bytes: u64,
    },
    /// The cache cannot be written or read.
    #[error("{path}: {reason}")]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// In the system's words.
        reason: String,
    },
}

impl HubError {
    /// A failure of the cache's file system.
    pub fn storage(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Storage { path: path.to_owned(), reason: error.to_string() }
    }

    /// Where a licence is accepted.
    pub fn page(&self) -> Option<&str> {
        match self {
            Self::Gated { page, .. } => Some(page),
            _ => None,
        }
    }
}

impl Passing for HubError {
    fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Limited { .. } | Self::Failed { .. })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
