//! Where the hub is, where its files go, and the token for it. A token that a person entered in the studio is kept among the
//! settings, bound to the origin that it was entered for; one of the environment or the file is bound in the same way.

use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use store::Database;
use utoipa::ToSchema;

use super::Client;
use crate::remote::{self, Secret};

const SETTING: &str = "hub";
/// The hub when nothing else is said.
pub const ENDPOINT: &str = "https://huggingface.co";

/// How the hub is reached.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Where its pages begin.
    pub endpoint: Url,
    /// The folder of `models--org--name` folders.
    pub cache: PathBuf,
    /// Nothing is asked of the hub.
    pub offline: bool,
    /// From the environment or the file.
    pub token: Option<Secret>,
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// A person entered it in the studio.
    Studio,
    /// The environment or the configuration file.
    Configuration,
}

impl HubSettings {
    /// The hub itself, with the cache inside this data folder.
    pub fn of_folder(data_dir: &Path) -> Self {
        let endpoint = ENDPOINT.parse().expect("the constant is an address");
        Self { endpoint, cache: data_dir.join("hub"), offline: false, token: None }
    }

    /// The endpoint as it is shown: without a slash at its end.
    pub fn address(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

/// The token for the hub that is set, and where it comes from. What was entered in the studio comes first.
pub async fn token(
    database: &Database,
    settings: &HubSettings,
) -> anyhow::Result<Option<(Secret, TokenSource)>> {
    let kept: Option<Secret> =
        store::settings::get(database, SETTING).await?.map(serde_json::from_value).transpose()?;
    let is_for_it = |secret: &Secret| secret.for_address(&settings.endpoint).is_some();
    let kept = kept.filter(is_for_it).map(|secret| (secret, TokenSource::Studio));
    let configured = || Some((settings.token.clone()?, TokenSource::Configuration));
    Ok(kept.or_else(configured))
}

/// Keeps a token for the hub that is set.
///
/// # Errors
/// In words that follow the field's name, where it is no token; what the store reports.
pub async fn keep_token(
    database: &Database,
    settings: &HubSettings,
    text: &str,
) -> anyhow::Result<Result<(), &'static str>> {
    if remote::is_readable_on_the_way(&settings.endpoint) {
        return Ok(Err("would be readable on its way to the hub: give it an endpoint with https://"));
    }
    match Secret::entered(text, &settings.endpoint) {
        Ok(secret) => {
            store::settings::set(database, SETTING, serde_json::to_value(secret)?).await?;
            Ok(Ok(()))
        }
        Err(reason) => Ok(Err(reason)),
    }
}

/// Forgets the token that was entered in the studio.
pub async fn forget_token(database: &Database) -> anyhow::Result<()> {
    store::settings::delete(database, SETTING).await?;
    Ok(())
}

/// What asks the hub, with the token for it.
pub async fn open(database: &Database, settings: &HubSettings) -> anyhow::Result<Client> {
    let token = token(database, settings).await?;
    Client::new(settings, token.map(|(secret, _)| secret))
}
