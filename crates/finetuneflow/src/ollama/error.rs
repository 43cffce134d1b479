//! Why an Ollama did not do what it was asked. The texts are for people: what happened, where, and what to do.

use std::time::Duration;

use crate::providers::retry::Passing;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OllamaError {
    /// Nobody answers at the address.
    #[error(
        "no Ollama answers at {address} ({reason}): start it (`ollama serve`, or its app), or correct the address of the connection Ollama in the settings"
    )]
    Unreachable {
        /// Where its API begins.
        address: String,
        /// In the system's words.
        reason: String,
    },
    /// The connection was cut in the middle of something.
    #[error(
        "the connection to {address} was cut while {what} ({reason}): push again, it goes on where it ended"
    )]
    Cut {
        /// Where its API begins.
        address: String,
        /// What was on its way.
        what: &'static str,
        /// In the system's words.
        reason: String,
    },
    /// It went silent.
    #[error(
        "{address} has said nothing for {seconds} s while {what}: look into Ollama's log, then push again"
    )]
    TimedOut {
        /// Where its API begins.
        address: String,
        /// What was on its way.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// Something answers that is no Ollama.
    #[error(
        "{address} does not answer as Ollama does ({reason}): enter Ollama's address, such as http://localhost:11434"
    )]
    NotOllama {
        /// Where its API begins.
        address: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Its API cannot make a model of a file.
    #[error(
        "{address} runs Ollama {version}, which cannot take models in this way: update it to {needed} or newer"
    )]
    TooOld {
        /// Where its API begins.
        address: String,
        /// What runs there.
        version: String,
        /// The oldest that can.
        needed: &'static str,
    },
    /// A model of this name is there.
    #[error("{address} has a model {name} already: choose another name, or have it replaced")]
    Exists {
        /// Where its API begins.
        address: String,
        /// The model.
        name: String,
    },
    /// No room for the model.
    #[error("the disk of {address} is full ({message}): remove models there (`ollama rm`), then push again")]
    NoSpace {
        /// Where its API begins.
        address: String,
        /// The server's words.
        message: String,
    },
    /// What arrived is not what was sent.
    #[error(
        "{address} received other bytes than were sent ({message}): push again; if it stays, check disk and memory"
    )]
    Damaged {
        /// Where its API begins.
        address: String,
        /// The server's words.
        message: String,
    },
    /// The server failed.
    #[error("{address} failed while {what} ({message}): look into Ollama's log")]
    Failed {
        /// Where its API begins.
        address: String,
        /// What was on its way.
        what: &'static str,
        /// The server's words.
        message: String,
    },
    /// The server refuses this request, and would again.
    #[error("{address} refuses {what} (status {status}): {message}")]
    Refused {
        /// Where its API begins.
        address: String,
        /// What was on its way.
        what: &'static str,
        /// HTTP.
        status: u16,
        /// The server's words.
        message: String,
    },
}

impl Passing for OllamaError {
    fn is_passing(&self) -> bool {
        matches!(self, Self::Cut { .. } | Self::Failed { .. } | Self::Damaged { .. })
    }

    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
