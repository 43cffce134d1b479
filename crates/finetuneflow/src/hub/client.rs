//! The requests that are made of the hub (<https://huggingface.co/docs/hub/api>).
//!
//! Redirections are followed here: the token goes to the hub's own origin only, and not to it again once another one was
//! in between. What only reads is tried again after failures that pass.

use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::listing::{self, Repository, Wanted};
use super::{HubError, HubSettings, RepoId};
use crate::providers::retry::Patience;
use crate::remote::{self, BodyError, Secret};

/// Listings of large repositories have some megabytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// More would be a circle.
const MAX_REDIRECTS: usize = 10;
/// A server that says nothing for so long has gone away.
const SILENCE: Duration = Duration::from_secs(60);
/// Found models at most.
const MAX_FOUND: usize = 20;

/// The hub, with the token for it.
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    address: String,
    token: Option<Secret>,
    offline: bool,
    patience: Patience,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A model that a search found.
#[derive(Clone, Debug, Deserialize)]
pub struct Found {
    /// `org/name`.
    pub id: String,
    /// In the last month.
    #[serde(default)]
    pub downloads: Option<u64>,
    /// Of people who marked it.
    #[serde(default)]
    pub likes: Option<u64>,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    safetensors: Value,
}

impl Found {
    /// A licence must be accepted.
    pub fn is_gated(&self) -> bool {
        listing::is_gated(&self.gated)
    }

    /// `model_type` of its configuration.
    pub fn family(&self) -> Option<&str> {
        self.config["model_type"].as_str()
    }

    /// Number of weights.
    pub fn parameters(&self) -> Option<u64> {
        listing::parameters_of(&self.safetensors)
    }
}

/// What an answer is about, for the words of an error.
struct Subject<'a> {
    repo: Option<&'a RepoId>,
    revision: &'a str,
    file: &'a str,
    /// A file of this commit and hash must come.
    expected: Option<(&'a str, &'a Wanted)>,
}

impl Client {
    /// A client for the hub that is set; `token` goes to its origin alone.
    ///
    /// # Errors
    /// Where the client cannot be made.
    pub fn new(settings: &HubSettings, token: Option<Secret>) -> anyhow::Result<Self> {
        remote::choose_cryptography();
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .user_agent(concat!("finetuneflow/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            endpoint: settings.endpoint.clone(),
            address: settings.address().to_owned(),
            token: token.filter(|_| !remote::is_readable_on_the_way(&settings.endpoint)),
            offline: settings.offline,
            patience: Patience::default(),
        })
    }

    /// One that tells of a failure at once, where a person waits.
    pub fn impatient(mut self) -> Self {
        self.patience.attempts = 1;
        self
    }

    /// The same with other pauses.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// How often and how patiently it tries.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// Where the hub's pages begin.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A model's page.
    pub fn page(&self, repo: &RepoId) -> String {
        format!("{}/{repo}", self.address)
    }

    /// What a repository holds at a branch, tag or commit.
    ///
    /// # Errors
    /// See [`HubError`].
    pub async fn repository(&self, repo: &RepoId, revision: &str) -> Result<Repository, HubError> {
        let escaped = revision.replace('/', "%2F");
        let mut url = remote::below(&self.endpoint, &format!("api/models/{repo}/revision/{escaped}"));
        url.set_query(Some("blobs=true"));
        let subject = Subject { repo: Some(repo), revision, file: "", expected: None };
        let found = Repository::of(&self.address, repo, self.json(url, &subject).await?)?;
        if super::reference::is_commit(revision) && found.commit != revision {
            return Err(self.bad(format!("it names the commit {} for {revision}", found.commit)));
        }
        Ok(found)
    }

    /// Models whose names hold these words, the most used first.
    ///
    /// # Errors
    /// See [`HubError`].
    pub async fn search(&self, words: &str) -> Result<Vec<Found>, HubError> {
        let mut url = remote::below(&self.endpoint, "api/models");
        let limit = MAX_FOUND.to_string();
        let query =
            [("search", words), ("sort", "downloads"), ("direction", "-1"), ("limit", limit.as_str())];
        let filters = ["text-generation", "safetensors"].map(|filter| ("filter", filter));
        let fields =
            ["downloads", "likes", "gated", "config", "safetensors"].map(|field| ("expand[]", field));
        url.query_pairs_mut().extend_pairs(query).extend_pairs(filters).extend_pairs(fields);
        let subject = Subject { repo: None, revision: "", file: "", expected: None };
        let mut found: Vec<Found> = self.json(url, &subject).await?;
        found.retain(|found| RepoId::parse(&found.id).is_some());
        found.truncate(MAX_FOUND);
        Ok(found)
    }

    /// A small file of a commit.
    ///
    /// # Errors
    /// See [`HubError`].
    pub async fn small_file(&self, repo: &RepoId, commit: &str, name: &str) -> Result<Vec<u8>, HubError> {
        let url = self.file_url(repo, commit, name);
        let subject = Subject { repo: Some(repo), revision: commit, file: name, expected: None };
        self.body(url, &subject).await
    }

    /// Begins to read a file behind its first `from` bytes. Not tried again: who writes it down knows from where to go on.
    ///
    /// # Errors
    /// See [`HubError`]; where the answer is about another commit or hash too.
    pub(super) async fn open_file(
        &self,
        repo: &RepoId,
        commit: &str,
        file: &Wanted,
        from: u64,
    ) -> Result<Response, HubError> {
        let url = self.file_url(repo, commit, &file.name);
        let subject =
            Subject { repo: Some(repo), revision: commit, file: &file.name, expected: Some((commit, file)) };
        self.follow(url, from, &subject).await
    }

    fn file_url(&self, repo: &RepoId, commit: &str, name: &str) -> Url {
        remote::below(&self.endpoint, &format!("{repo}/resolve/{commit}/{name}"))
    }

    async fn json<T: DeserializeOwned>(&self, url: Url, subject: &Subject<'_>) -> Result<T, HubError> {
        let body = self.body(url, subject).await?;
        serde_json::from_slice(&body)
            .map_err(|error| self.bad(format!("it is not what the hub answers: {error}")))
    }

    /// A whole answer, after as many attempts as patience allows.
    async fn body(&self, url: Url, subject: &Subject<'_>) -> Result<Vec<u8>, HubError> {
        let mut attempt = 1;
        loop {
            let asked = async {
                let response = self.follow(url.clone(), 0, subject).await?;
                remote::body_of(response, MAX_ANSWER_BYTES).await.map_err(|error| match error {
                    BodyError::Broken(error) => unreachable(&url, &error),
                    BodyError::TooLarge => self.bad(format!("more than {MAX_ANSWER_BYTES} bytes")),
                })
            };
            let error = match asked.await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            match self.patience.pause(attempt, &error, spread()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    /// The answer at the end of all redirections, if it is good.
    async fn follow(&self, start: Url, from: u64, subject: &Subject<'_>) -> Result<Response, HubError> {
        if self.offline {
            let what = subject.repo.map_or("what was searched for".to_owned(), ToString::to_string);
            return Err(HubError::Offline { what });
        }
        let mut url = start;
        let mut at_home = true;
        for _ in 0..=MAX_REDIRECTS {
            at_home &= url.origin() == self.endpoint.origin();
            let mut request = self.http.get(url.clone());
            if at_home && let Some(token) = self.token.as_ref().and_then(|token| token.for_address(&url)) {
                request = request.bearer_auth(token);
            }
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let response = request.send().await.map_err(|error| unreachable(&url, &error))?;
            if at_home {
                self.check_headers(response.headers(), subject)?;
            }
            match response.status() {
                status if status.is_success() => return Ok(response),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => url = self.next_url(&url, response.headers())?,
                _ => return Err(self.failure(&url, response, at_home, subject).await),
            }
        }
        Err(self.bad(format!("it sends on more than {MAX_REDIRECTS} times")))
    }

    fn next_url(&self, url: &Url, headers: &HeaderMap) -> Result<Url, HubError> {
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        let next = next.ok_or_else(|| self.bad("it sends on without saying where to".to_owned()))?;
        let is_weaker = url.scheme() == "https" && next.scheme() != "https";
        if !matches!(next.scheme(), "http" | "https") || is_weaker {
            return Err(self.bad(format!("it sends on to {}, which is not safe", next.scheme())));
        }
        Ok(next)
    }

    /// The hub says with each file which commit and bytes it is about to send.
    fn check_headers(&self, headers: &HeaderMap, subject: &Subject<'_>) -> Result<(), HubError> {
        let Some((commit, file)) = subject.expected else { return Ok(()) };
        let header = |name: &str| {
            let text = headers.get(name)?.to_str().ok()?;
            Some(text.trim_start_matches("W/").trim_matches('"').to_owned())
        };
        let size = file.size_bytes.to_string();
        let checks = [
            ("x-repo-commit", commit),
            ("x-linked-etag", file.hash.as_str()),
            ("x-linked-size", size.as_str()),
        ];
        for (name, expected) in checks {
            if let Some(found) = header(name).filter(|found| found != expected) {
                let reason = format!("{name} of {} is {found} instead of {expected}", file.name);
                return Err(self.bad(reason));
            }
        }
        Ok(())
    }

    /// The error that a status and the hub's own code say.
    async fn failure(&self, url: &Url, response: Response, at_home: bool, subject: &Subject<'_>) -> HubError {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = remote::body_of(response, MAX_ANSWER_BYTES).await.unwrap_or_default();
        let message = match header("x-error-message") {
            "" => remote::message_of(&body),
            message => message.to_owned(),
        };
        let address = url.origin().ascii_serialization();
        let retry_after = remote::retry_after(&headers);
        let repo = || subject.repo.map(ToString::to_string).unwrap_or_default();
        match (header("x-error-code"), status) {
            (_, 429) => HubError::Limited { address, retry_after, message },
            // An address that the hub signed is good for some minutes; the next attempt gets a fresh one.
            (_, 400..=499) if !at_home => HubError::Failed { address, status, retry_after, message },
            ("GatedRepo", _) => HubError::Gated {
                repo: repo(),
                page: subject.repo.map(|repo| self.page(repo)).unwrap_or_default(),
                with_token: self.token.is_some(),
            },
            ("RevisionNotFound", _) => {
                HubError::NoRevision { repo: repo(), revision: subject.revision.to_owned() }
            }
            ("EntryNotFound", _) => HubError::NoFile { repo: repo(), file: subject.file.to_owned() },
            (_, 401) if message.contains("Invalid credentials") => {
                HubError::TokenRefused { address, message }
            }
            // Without access, a repository that is hidden looks like one that is not there.
            ("RepoNotFound", _) | ("", 401 | 404) if subject.repo.is_some() => {
                HubError::NotFound { address: self.address.clone(), repo: repo() }
            }
            (_, 408 | 425 | 500..=599) => HubError::Failed { address, status, retry_after, message },
            _ => HubError::Refused { address, status, message },
        }
    }

    pub(super) fn bad(&self, reason: String) -> HubError {
        HubError::BadAnswer { address: self.address.clone(), reason }
    }
}

/// Nobody answers there, or stopped doing so.
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> HubError {
    HubError::Unreachable { address: url.origin().ascii_serialization(), reason: remote::cause_of(error) }
}

/// Keeps many that failed together from coming back together.
pub(super) fn spread() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0
}
