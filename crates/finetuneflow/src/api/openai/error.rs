//! Errors in OpenAI's shape. Handlers and everything before them answer in ours; here it is written anew.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::error::ErrorBody;

/// The inner part of an error as OpenAI answers it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAiError {
    /// What happened and what can be done.
    pub message: String,
    /// `invalid_request_error`, `rate_limit_error` or `server_error`.
    pub r#type: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// Stable name of the error.
    pub code: Option<String>,
}

/// An error as OpenAI answers it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAiErrorEnvelope {
    /// The error.
    pub error: OpenAiError,
}

impl OpenAiErrorEnvelope {
    /// Of an error of ours.
    pub fn of(error: ErrorBody, status: StatusCode) -> Self {
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        let named: Vec<String> =
            error.fields.iter().map(|field| format!("{} {}.", field.field, field.message)).collect();
        // Of several fields our message only tells the number.
        let message = if named.len() > 1 { named.join(" ") } else { error.message };
        Self {
            error: OpenAiError {
                message: format!("{message} {}", error.hint),
                r#type: kind.to_owned(),
                param: error.fields.into_iter().next().map(|field| field.field),
                code: Some(error.code),
            },
        }
    }
}

/// Whether a path is answered in OpenAI's shape.
pub fn is_theirs(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Gives the errors of these routes, whoever answered them, OpenAI's shape.
pub async fn in_their_shape(request: Request, next: Next) -> Response {
    let theirs = is_theirs(request.uri().path());
    let mut response = next.run(request).await;
    if !theirs {
        return response;
    }
    let Some(error) = response.extensions_mut().remove::<ErrorBody>() else { return response };
    let envelope = OpenAiErrorEnvelope::of(error, response.status());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = axum::Json(envelope).into_response().into_body();
    response
}
