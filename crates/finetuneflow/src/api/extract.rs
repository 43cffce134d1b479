//! Request parts as handlers take them; whatever is wrong with them is answered in our error shape.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::error::{ApiError, Code, FieldError};
use crate::inference::Client;

/// Items on a page when the request does not say.
const DEFAULT_PER_PAGE: u64 = 50;
/// The most items on a page.
const MAX_PER_PAGE: u64 = 500;

/// A JSON body, in requests and answers. An empty body counts as `{}`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|value| value.to_ascii_lowercase().contains("json"));
        let has_type = content_type.is_some();
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::new(Code::PayloadTooLarge, "The request is larger than the limit.")
            } else {
                ApiError::new(Code::InvalidJson, format!("The request could not be read: {rejection}."))
            }
        })?;
        if bytes.is_empty() {
            return parse_json(b"{}").map(Self);
        }
        if has_type && !is_json {
            return Err(ApiError::new(Code::InvalidJson, "The request is not marked as JSON."));
        }
        parse_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// For a field that `null` empties and that stays as it is when it is left out.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let (field, message) = field_of(&path, &inner.to_string());
            return ApiError::invalid_field(field, message);
        }
        ApiError::new(Code::InvalidJson, format!("The request is not valid JSON: {inner}."))
    })?;
    deserializer.end().map_err(|error| {
        ApiError::new(Code::InvalidJson, format!("The request is not one JSON value: {error}."))
    })?;
    Ok(value)
}

/// serde's words about a field, without its line numbers and with the field that a missing or unknown one has in quotes.
fn field_of(path: &str, message: &str) -> (String, String) {
    let message = message.split(" at line ").next().unwrap_or(message);
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let prefix = if path == "." || path.is_empty() { String::new() } else { format!("{path}.") };
    if message.starts_with("missing field") {
        return (format!("{prefix}{quoted}"), "is required".to_owned());
    }
    if message.starts_with("unknown field") {
        // serde already names the unknown field at the end of the path.
        let field = if path.ends_with(quoted) { path.to_owned() } else { format!("{prefix}{quoted}") };
        let expected = message.split_once(", ").map_or("there are no fields here", |(_, expected)| expected);
        return (field, format!("is not known; {expected}"));
    }
    let field = if path == "." { "body".to_owned() } else { path.to_owned() };
    (field, message.to_owned())
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => {
                let text = rejection.body_text();
                let reason = text.rsplit_once("string: ").map_or(text.as_str(), |(_, reason)| reason);
                let (field, message) = match reason.split_once(": ") {
                    Some((field, message)) => (field.to_owned(), message.to_owned()),
                    None => field_of(".", reason),
                };
                Err(ApiError::invalid_field(field, message))
            }
        }
    }
}

/// Who asks, as the queue of questions tells its clients apart: by address, key and program. A key is only hashed.
#[derive(Clone, Copy, Debug)]
pub struct Asker(pub Client);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut hasher = DefaultHasher::new();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|peer| peer.0.ip()).hash(&mut hasher);
        for name in [AUTHORIZATION, USER_AGENT] {
            parts.headers.get(name).hash(&mut hasher);
        }
        Ok(Self(Client(hasher.finish())))
    }
}

impl Asker {
    /// One of several for whom a program asks.
    pub fn on_behalf_of(self, user: Option<&str>) -> Client {
        let Some(user) = user else { return self.0 };
        let mut hasher = DefaultHasher::new();
        (self.0, user).hash(&mut hasher);
        Client(hasher.finish())
    }
}

/// Ids in the path. Anything that is not an id names nothing that exists.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(ApiError::new(Code::NotFound, "An id in the address is not valid.")
                .param("path", parts.uri.path().to_owned())),
        }
    }
}

/// Which page of a list: `?page=1&per_page=50`.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// From 1.
    #[param(minimum = 1, example = 1)]
    pub page: Option<u64>,
    /// At most 500.
    #[param(minimum = 1, maximum = 500, example = 50)]
    pub per_page: Option<u64>,
}

impl Paging {
    /// The store's page, or the fields that are not valid.
    pub fn page(self) -> Result<store::Page, ApiError> {
        let page = self.page.unwrap_or(1);
        let per_page = self.per_page.unwrap_or(DEFAULT_PER_PAGE);
        let mut fields = Vec::new();
        if page == 0 {
            fields.push(FieldError { field: "page".to_owned(), message: "starts at 1".to_owned() });
        }
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            let message = format!("must be between 1 and {MAX_PER_PAGE}");
            fields.push(FieldError { field: "per_page".to_owned(), message });
        }
        if fields.is_empty() {
            Ok(store::Page::new(page, per_page))
        } else {
            Err(ApiError::invalid_fields(fields))
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Rows in the whole (filtered) list.
    pub total: u64,
    /// From 1.
    pub page: u64,
    /// Rows on a full page.
    pub per_page: u64,
}

impl<T> From<store::Paged<T>> for List<T> {
    fn from(page: store::Paged<T>) -> Self {
        Self { items: page.items, total: page.total, page: page.page, per_page: page.per_page }
    }
}

impl<T> List<T> {
    /// The wanted page of a list that is in memory as a whole.
    pub fn of_all(all: Vec<T>, page: store::Page) -> Self {
        let total = all.len() as u64;
        let skip = usize::try_from((page.page - 1).saturating_mul(page.per_page)).unwrap_or(usize::MAX);
        let take = usize::try_from(page.per_page).unwrap_or(usize::MAX);
        let items = all.into_iter().skip(skip).take(take).collect();
        Self { items, total, page: page.page, per_page: page.per_page }
    }
}

/// The ids of a project and something in it.
pub type InProject = Path<(Uuid, Uuid)>;

/// Collects the fields of a request that are not valid.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes the field unless the condition holds.
    pub fn require(&mut self, holds: bool, field: &str, message: &str) -> &mut Self {
        if !holds {
            self.0.push(FieldError { field: field.to_owned(), message: message.to_owned() });
        }
        self
    }

    /// An error that names all fields that were noted.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid_fields(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        name: String,
        #[allow(dead_code)]
        rank: Option<u32>,
    }

    #[test]
    fn bad_bodies_name_the_field() {
        let cases = [
            (r#"{"rank":1}"#, "invalid_request", "name", "is required"),
            (r#"{"name":"a","rnk":1}"#, "invalid_request", "rnk", "is not known; expected `name` or `rank`"),
            (
                r#"{"name":"a","rank":"x"}"#,
                "invalid_request",
                "rank",
                "invalid type: string \"x\", expected u32",
            ),
            (r#"{"name":"#, "invalid_json", "", ""),
            (r#"{"name":"a"} x"#, "invalid_json", "", ""),
        ];
        for (text, code, field, message) in cases {
            let body = parse_json::<Body>(text.as_bytes()).expect_err(text).body(String::new());
            assert_eq!(body.code, code, "{text}");
            let first = body.fields.first().map(|first| (first.field.as_str(), first.message.as_str()));
            assert_eq!(first.unwrap_or_default(), (field, message), "{text}");
        }
    }
}
