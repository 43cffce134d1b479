//! The requests that are made of Label Studio (<https://api.labelstud.io>).
//!
//! A legacy token goes into each request as it is. A personal one is traded for an access token that lives some minutes;
//! when that is refused, it is traded once more and the request repeated. What only reads is tried again after failures
//! that pass; what changes something there is not: who asked looks first what has arrived.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::LabelStudioError;
use super::connection::TokenKind;
use crate::providers::retry::Patience;
use crate::remote::{self, BodyError};

/// An ordinary answer is no longer.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// For an ordinary answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// For one that holds a whole project, or makes many tasks.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(600);
/// Tasks on a page of a list.
const TASKS_PER_PAGE: u64 = 500;
/// How long work that was begun there may take to end.
const LONGEST_WORK: Duration = Duration::from_secs(3600);
/// Between two looks at such work, at most.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// A Label Studio, with the token for it.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    address: String,
    token: String,
    kind: TokenKind,
    /// What a personal token was last traded for.
    access: Mutex<Option<String>>,
    patience: Patience,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Who a token belongs to.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// Their number.
    pub id: i64,
    /// Their address, which may be missing or empty.
    #[serde(default)]
    pub email: Option<String>,
}

impl User {
    /// The address, or the number where there is none.
    pub fn name(&self) -> String {
        match self.email.as_deref().map(str::trim) {
            Some(email) if !email.is_empty() => email.to_owned(),
            _ => self.id.to_string(),
        }
    }
}

/// A project there.
#[derive(Clone, Debug, Deserialize)]
pub struct Project {
    /// Its number.
    pub id: i64,
    /// Shown to people.
    #[serde(default)]
    pub title: Option<String>,
    /// Ours holds the id of the job that made it.
    #[serde(default)]
    pub description: Option<String>,
    /// The labelling form.
    #[serde(default)]
    pub label_config: Option<String>,
    /// Tasks in it.
    #[serde(default)]
    pub task_number: Option<u64>,
}

/// A task of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct ListedTask {
    /// Its number.
    pub id: i64,
    /// What it was made of.
    #[serde(default)]
    pub data: Value,
}

/// What an import made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Tasks with these numbers, in the order in which they were sent.
    Tasks(Vec<i64>),
    /// Tasks whose numbers were not told.
    Unknown,
}

type Answer<T> = Result<T, LabelStudioError>;

impl Client {
    /// `base` is where its pages begin.
    ///
    /// # Errors
    /// Where the client cannot be made.
    pub fn new(base: Url, token: String) -> anyhow::Result<Self> {
        remote::choose_cryptography();
        // A token must not follow a redirection, and a request is not to be repeated as a GET.
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        let patience = Patience { attempts: 5, ..Patience::default() };
        let address = base.as_str().trim_end_matches('/').to_owned();
        let kind = TokenKind::of(&token);
        Ok(Self { http, address, base, token, kind, access: Mutex::new(None), patience })
    }

    /// One that tells of a failure at once, where a person waits.
    pub fn impatient(mut self) -> Self {
        self.patience.attempts = 1;
        self
    }

    /// Where its pages begin.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How the token is used.
    pub fn token_kind(&self) -> TokenKind {
        self.kind
    }

    /// Whose token it is: also the test that address and token are right.
    pub async fn whoami(&self) -> Answer<User> {
        self.read("api/current-user/whoami", &[]).await.map_err(|error| match error {
            // Where not even this is there, the way to all of it is wrong.
            LabelStudioError::Refused { status: status @ (404 | 405), .. } => {
                self.not_ours(format!("status {status}"))
            }
            error => error,
        })
    }

    /// The version that runs there, where it says so.
    pub async fn version(&self) -> Answer<Option<String>> {
        let version: Value = self.read("api/version/", &[]).await?;
        Ok(version["release"].as_str().map(str::to_owned))
    }

    /// Makes a project with a labelling form.
    pub async fn create_project(&self, title: &str, description: &str, form: &str) -> Answer<Project> {
        let body = json!({ "title": title, "description": description, "label_config": form });
        let response = self.send(Method::POST, "api/projects/", &[], Some(&body), TIMEOUT).await?;
        self.json(response).await
    }

    /// A project.
    pub async fn project(&self, project: i64) -> Answer<Project> {
        self.in_project(project, self.read(&format!("api/projects/{project}/"), &[]).await)
    }

    /// The projects whose title holds this text.
    pub async fn projects_named(&self, title: &str) -> Answer<Vec<Project>> {
        #[derive(Deserialize)]
        struct Page {
            results: Vec<Project>,
        }
        let query = [("title", title.to_owned()), ("page_size", "100".to_owned())];
        Ok(self.read::<Page>("api/projects/", &query).await?.results)
    }

    /// A page of a project's tasks, from 1, and how many it has in all. Past the last one there are none.
    pub async fn tasks(&self, project: i64, page: u64) -> Answer<(Vec<ListedTask>, u64)> {
        #[derive(Deserialize)]
        struct Page {
            tasks: Vec<ListedTask>,
            total: u64,
        }
        let query = [
            ("project", project.to_string()),
            ("page", page.to_string()),
            ("page_size", TASKS_PER_PAGE.to_string()),
            ("fields", "task_only".to_owned()),
        ];
        let page: Page = self.in_project(project, self.read("api/tasks/", &query).await)?;
        Ok((page.tasks, page.total))
    }

    /// Makes tasks of a project, and waits where the server does so in the background.
    pub async fn import(&self, project: i64, tasks: &[Value]) -> Answer<Imported> {
        let path = format!("api/projects/{project}/import");
        let query = [("return_task_ids", "true".to_owned())];
        let body = Value::from(tasks);
        let sent = self.send(Method::POST, &path, &query, Some(&body), LONG_TIMEOUT).await;
        let answer: Value = self.json(self.in_project(project, sent)?).await?;
        if let Some(import) = answer["import"].as_i64() {
            let path = format!("api/projects/{project}/imports/{import}/");
            return Ok(numbers(&self.work_ended(&path, "import").await?, tasks.len()));
        }
        Ok(numbers(&answer, tasks.len()))
    }

    /// Waits until work that was begun there has ended.
    pub(super) async fn work_ended(&self, path: &str, what: &'static str) -> Answer<Value> {
        let unfinished =
            |message: String| LabelStudioError::Unfinished { address: self.address.clone(), what, message };
        let began = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let state: Value = self.read(path, &[]).await?;
            match state["status"].as_str() {
                Some("completed") => return Ok(state),
                Some("failed") => {
                    let message = state["error"].as_str().map_or_else(|| state.to_string(), str::to_owned);
                    return Err(unfinished(message.chars().take(300).collect()));
                }
                _ if began.elapsed() > LONGEST_WORK => {
                    return Err(unfinished("it takes longer than an hour".to_owned()));
                }
                _ => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    /// The answer to something that only reads, after as many attempts as it needs.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Answer<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let outcome = async {
                let response = self.send(Method::GET, path, query, None, TIMEOUT).await?;
                self.json(response).await
            };
            match outcome.await {
                Ok(answer) => return Ok(answer),
                Err(error) => match self.patience.pause(attempt, &error, 1.0) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
            }
        }
    }

    /// Sends one request with the token, with a second one where an access token has come to its end.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
        timeout: Duration,
    ) -> Answer<Response> {
        let mut url = remote::below(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut traded_again = false;
        loop {
            let mut request = self.http.request(method.clone(), url.clone()).timeout(timeout);
            if let Some(body) = body {
                request = request.json(body);
            }
            let authorization = match self.kind {
                TokenKind::Legacy => format!("Token {}", self.token),
                TokenKind::Personal => format!("Bearer {}", self.access_token().await?),
            };
            let response = self.answered(request.header(AUTHORIZATION, &authorization), timeout).await?;
            let is_old = response.status() == StatusCode::UNAUTHORIZED && self.kind == TokenKind::Personal;
            if is_old && !traded_again {
                traded_again = true;
                self.forget_access(&authorization).await;
                continue;
            }
            return self.accepted(response).await;
        }
    }

    /// The access token that is there, or a fresh one.
    async fn access_token(&self) -> Answer<String> {
        #[derive(Deserialize)]
        struct Traded {
            access: String,
        }
        let mut access = self.access.lock().await;
        if let Some(access) = access.as_ref() {
            return Ok(access.clone());
        }
        let body = json!({ "refresh": self.token });
        let url = remote::below(&self.base, "api/token/refresh/");
        let response = self.answered(self.http.post(url).timeout(TIMEOUT).json(&body), TIMEOUT).await?;
        let traded: Traded = self.json(self.accepted(response).await?).await?;
        *access = Some(traded.access.clone());
        Ok(traded.access)
    }

    /// Forgets the access token that was refused, unless another one has come since.
    async fn forget_access(&self, refused: &str) {
        let mut access = self.access.lock().await;
        if access.as_deref().is_some_and(|access| refused.strip_prefix("Bearer ") == Some(access)) {
            *access = None;
        }
    }

    async fn answered(&self, request: RequestBuilder, timeout: Duration) -> Answer<Response> {
        request.send().await.map_err(|error| self.broken(&error, timeout))
    }

    /// The answer, where it is a good one.
    async fn accepted(&self, response: Response) -> Answer<Response> {
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            return Ok(response);
        }
        let address = self.address.clone();
        if status.is_redirection() {
            let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("elsewhere");
            return Err(LabelStudioError::Moved { address, location: location.to_owned() });
        }
        let retry_after = remote::retry_after(&headers);
        let body = match remote::body_of(response, MAX_ANSWER_BYTES).await {
            Ok(body) => body,
            Err(BodyError::Broken(error)) => return Err(self.broken(&error, TIMEOUT)),
            Err(BodyError::TooLarge) => Vec::new(),
        };
        let message = remote::message_of(&body);
        Err(match status.as_u16() {
            status @ (401 | 403) => LabelStudioError::Unauthorized { address, status, message },
            429 => LabelStudioError::Limited { address, retry_after, message },
            status @ (408 | 425 | 500..=599) => {
                LabelStudioError::Failed { address, status, retry_after, message }
            }
            status => LabelStudioError::Refused { address, status, message },
        })
    }

    pub(super) async fn json<T: DeserializeOwned>(&self, response: Response) -> Answer<T> {
        let body = remote::body_of(response, MAX_ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::Broken(error) => self.broken(&error, TIMEOUT),
            BodyError::TooLarge => LabelStudioError::TooLarge {
                address: self.address.clone(),
                limit_bytes: MAX_ANSWER_BYTES as u64,
            },
        })?;
        serde_json::from_slice(&body).map_err(|error| self.not_ours(error.to_string()))
    }

    pub(super) fn broken(&self, error: &reqwest::Error, timeout: Duration) -> LabelStudioError {
        let address = self.address.clone();
        if error.is_timeout() && !error.is_connect() {
            return LabelStudioError::TimedOut { address, seconds: timeout.as_secs() };
        }
        LabelStudioError::Unreachable { address, reason: remote::cause_of(error) }
    }

    pub(super) fn not_ours(&self, reason: String) -> LabelStudioError {
        LabelStudioError::NotLabelStudio { address: self.address.clone(), reason }
    }

    /// "Not found" of something in a project means the project.
    pub(super) fn in_project<T>(&self, project: i64, answer: Answer<T>) -> Answer<T> {
        answer.map_err(|error| match error {
            LabelStudioError::Refused { address, status: 404, .. } => {
                LabelStudioError::NoProject { address, project }
            }
            error => error,
        })
    }
}

/// The numbers of the tasks that an import made, where they are as many as were sent.
fn numbers(answer: &Value, sent: usize) -> Imported {
    let told = answer["task_ids"].as_array().map(|ids| ids.iter().filter_map(Value::as_i64).collect());
    match told {
        Some(ids) if Vec::len(&ids) == sent => Imported::Tasks(ids),
        _ => Imported::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_only_where_there_is_one_for_each() {
        for (answer, expected) in [
            (json!({ "task_ids": [4, 5] }), Imported::Tasks(vec![4, 5])),
            (json!({ "task_ids": [4] }), Imported::Unknown),
            (json!({ "task_count": 2 }), Imported::Unknown),
        ] {
            assert_eq!(numbers(&answer, 2), expected, "{answer}");
        }
    }

    #[test]
    fn people_are_named_by_their_address_or_number() {
        for (user, name) in [
            (json!({ "id": 7, "email": "a@example.org" }), "a@example.org"),
            (json!({ "id": 7, "email": " " }), "7"),
            (json!({ "id": 7 }), "7"),
        ] {
            assert_eq!(serde_json::from_value::<User>(user).unwrap().name(), name);
        }
    }
}
