//! Trained models into an Ollama, over its own API: weights as a blob, a model made of it, and the proof that it is asked as
//! it was trained (<https://docs.ollama.com/api>).
//!
//! The folder that is pushed is the export format `ollama`; examples are written by an Ollama through [`crate::providers`].

pub mod client;
mod error;
pub mod push;
pub mod verify;

pub use client::Client;
pub use error::OllamaError;
pub use push::{Push, Pushed, Stage};

use reqwest::Url;

use crate::remote;

/// The name of the connection whose address is used when no other is given.
pub const CONNECTION: &str = "ollama";
const EXAMPLE: &str = "http://localhost:11434";

/// Where an Ollama's own API is: an address as a person wrote it or as a connection has it, without `/v1` or `/api`.
///
/// # Errors
/// In words that follow the field's name.
pub fn parse_address(address: &str) -> Result<Url, String> {
    let mut url = remote::parse_address(address, EXAMPLE)?;
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").or(path.strip_suffix("/api")).unwrap_or(path).to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_interfaces_are_taken() {
        for (address, base) in [
            ("http://localhost:11434/v1", "http://localhost:11434/"),
            ("http://localhost:11434/v1/", "http://localhost:11434/"),
            ("http://localhost:11434", "http://localhost:11434/"),
            ("https://example.org/ollama/api?x#y", "https://example.org/ollama"),
        ] {
            assert_eq!(parse_address(address).unwrap().as_str(), base);
        }
        for wrong in ["localhost:11434", "ftp://x", ""] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
    }
}
