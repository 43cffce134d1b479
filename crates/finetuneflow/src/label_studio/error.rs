//! Why Label Studio did not do what it was asked. The texts are for people: what happened, where, and what to do.

use std::time::Duration;

use crate::providers::retry::Passing;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelStudioError {
    /// Nobody answers at the address.
    #[error(
        "{address} cannot be reached ({reason}): start Label Studio there, or correct the address in the settings"
    )]
    Unreachable {
        /// The base address.
        address: String,
        /// In the system's words.
        reason: String,
    },
    /// No whole answer in time.
    #[error("{address} gave no whole answer within {seconds} s: try again, or push and sync less at once")]
    TimedOut {
        /// The base address.
        address: String,
        /// The limit.
        seconds: u64,
    },
    /// Something answers that is no Label Studio.
    #[error(
        "{address} does not answer as Label Studio does ({reason}): enter the address that Label Studio's own pages have, up to before /projects"
    )]
    NotLabelStudio {
        /// The base address.
        address: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// It sends on to another address, where the token must not follow.
    #[error("{address} sends on to {location}: enter the address that it leads to in the settings")]
    Moved {
        /// The base address.
        address: String,
        /// Where to.
        location: String,
    },
    /// The token is wrong, or of a kind that is switched off there.
    #[error(
        "{address} does not accept the token (status {status}: {message}): copy it again from Account & Settings in Label Studio, where both kinds of token can be switched on"
    )]
    Unauthorized {
        /// The base address.
        address: String,
        /// HTTP.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// There is no such project there, or not for this user.
    #[error(
        "{address} has no project {project} for this token: it was deleted there or belongs to others; push into another one"
    )]
    NoProject {
        /// The base address.
        address: String,
        /// Its number.
        project: i64,
    },
    /// Too many requests.
    #[error("{address} asks to wait (status 429): {message}")]
    Limited {
        /// The base address.
        address: String,
        /// As long as the server says.
        retry_after: Option<Duration>,
        /// The server's words.
        message: String,
    },
    /// The server failed.
    #[error("{address} failed (status {status}): {message}; look into Label Studio's own log")]
    Failed {
        /// The base address.
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
        /// The base address.
        address: String,
        /// HTTP.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// An import or an export ended badly there.
    #[error("{address} could not finish the {what}: {message}")]
    Unfinished {
        /// The base address.
        address: String,
        /// `import` or `export`.
        what: &'static str,
        /// The server's words.
        message: String,
    },
    /// An answer is longer than anything that is read.
    #[error("{address} sent more than {limit_bytes} bytes: split the project there into smaller ones")]
    TooLarge {
        /// The base address.
        address: String,
        /// The limit.
        limit_bytes: u64,
    },
}

impl Passing for LabelStudioError {
    fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Limited { .. } | Self::Failed { .. }
        )
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
