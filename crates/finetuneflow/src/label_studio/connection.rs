//! Where Label Studio is, and the token for it: one row of the settings. The token is bound to the origin that it was
//! entered for; it goes into requests and nowhere else.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use store::Database;

use super::Client;
use crate::remote::{self, Secret};

const SETTING: &str = "label_studio";
const EXAMPLE: &str = "http://localhost:8080";

/// How a token is used (<https://labelstud.io/guide/access_tokens>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A JSON Web Token that is traded for short-lived ones.
    Personal,
    /// Forty digits, sent as they are.
    Legacy,
}

impl TokenKind {
    /// What the token's form says: a JSON Web Token has three parts.
    pub fn of(token: &str) -> Self {
        let is_part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        match token.split('.').collect::<Vec<_>>().as_slice() {
            parts @ [_, _, _] if parts.iter().all(|part| is_part(part)) => Self::Personal,
            _ => Self::Legacy,
        }
    }
}

/// The connection. Never serialized for clients: see the API's view of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Where its pages begin, such as `http://localhost:8080`, with a path if they are below one.
    pub address: String,
    #[serde(default)]
    token: Option<Secret>,
}

/// Why it cannot be used as it is.
#[derive(Debug, thiserror::Error)]
#[error("{field} {message}")]
pub struct ConnectionError {
    /// `address` or `token`.
    pub field: &'static str,
    /// For people.
    pub message: String,
}

fn wrong(field: &'static str, message: impl Into<String>) -> ConnectionError {
    ConnectionError { field, message: message.into() }
}

impl Connection {
    /// The address, in one form: no slash, question or fragment at its end.
    ///
    /// # Errors
    /// Where it is none.
    pub fn set_address(&mut self, address: &str) -> Result<(), ConnectionError> {
        let mut url = remote::parse_address(address, EXAMPLE).map_err(|reason| wrong("address", reason))?;
        url.set_query(None);
        url.set_fragment(None);
        self.address = url.as_str().trim_end_matches('/').to_owned();
        Ok(())
    }

    /// Enters a token for the present address; an empty one forgets it.
    ///
    /// # Errors
    /// Where it holds what no token holds, or there is no address.
    pub fn set_token(&mut self, token: &str) -> Result<(), ConnectionError> {
        self.token = match token.trim() {
            "" => None,
            token => Some(Secret::entered(token, &self.url()?).map_err(|reason| wrong("token", reason))?),
        };
        Ok(())
    }

    /// The kind of the token that is there for the present address.
    pub fn token_kind(&self) -> Option<TokenKind> {
        self.token().map(TokenKind::of)
    }

    fn token(&self) -> Option<&str> {
        self.token.as_ref()?.for_address(&self.url().ok()?)
    }

    fn url(&self) -> Result<Url, ConnectionError> {
        remote::parse_address(&self.address, EXAMPLE).map_err(|reason| wrong("address", reason))
    }

    /// Whether it is complete.
    ///
    /// # Errors
    /// Names the field that is not.
    pub fn check(&self) -> Result<(), ConnectionError> {
        let url = self.url()?;
        if self.token().is_none() {
            let host = url.host_str().unwrap_or_default();
            return Err(wrong(
                "token",
                format!("is needed for {host}: enter one (a token is kept for one host only)"),
            ));
        }
        if remote::is_readable_on_the_way(&url) {
            return Err(wrong("address", "would let others read the token on its way: use https://"));
        }
        Ok(())
    }

    /// What asks the other end.
    ///
    /// # Errors
    /// As [`Connection::check`], and where the client cannot be made.
    pub fn open(&self) -> anyhow::Result<Client> {
        self.check()?;
        let token = self.token().unwrap_or_default().to_owned();
        Client::new(self.url()?, token)
    }
}

/// The connection that is set, if any.
pub async fn get(database: &Database) -> anyhow::Result<Option<Connection>> {
    let value = store::settings::get(database, SETTING).await?;
    Ok(value.map(serde_json::from_value).transpose()?)
}

/// Keeps the connection.
pub async fn set(database: &Database, connection: &Connection) -> anyhow::Result<()> {
    store::settings::set(database, SETTING, serde_json::to_value(connection)?).await?;
    Ok(())
}

/// Forgets the connection with its token; true if it was there.
pub async fn remove(database: &Database) -> anyhow::Result<bool> {
    Ok(store::settings::delete(database, SETTING).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_token_is_seen() {
        for (token, kind) in [
            ("eyJhbGciOi.eyJ0b2tlbl90.urj9ykjYMN8-_", TokenKind::Personal),
            ("0123456789abcdef0123456789abcdef01234567", TokenKind::Legacy),
            ("a.b", TokenKind::Legacy),
            ("a..c", TokenKind::Legacy),
        ] {
            assert_eq!(TokenKind::of(token), kind, "{token}");
        }
    }

    #[test]
    fn a_token_stays_with_its_host_and_out_of_sight() {
        let mut connection = Connection::default();
        assert_eq!(connection.set_token("secret").unwrap_err().field, "address");
        connection.set_address(" https://example.org/label-studio/?x=1#a ").unwrap();
        assert_eq!(connection.address, "https://example.org/label-studio");
        assert_eq!(connection.check().unwrap_err().field, "token");
        connection.set_token("secret").unwrap();
        connection.check().unwrap();
        assert!(!format!("{connection:?}").contains("secret"));
        connection.set_address("https://example.com").unwrap();
        assert_eq!((connection.token_kind(), connection.check().unwrap_err().field), (None, "token"));
        connection.set_address("http://192.168.0.7:8080").unwrap();
        connection.set_token("secret").unwrap();
        assert_eq!(connection.check().unwrap_err().field, "address", "readable on its way");
        connection.set_token(" ").unwrap();
        assert_eq!(connection.token_kind(), None);
        assert_eq!(connection.set_token("é").unwrap_err().field, "token");
    }
}
