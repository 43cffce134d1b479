//! One id and one log line for every request; a failure is logged here and nowhere else.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::error::LoggedError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers; empty outside of one.
pub fn current_request_id() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Gives the request an id, which errors, log lines and the `x-request-id` header carry, and logs its end.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", request_id = %id, %method, path);
    let started = Instant::now();
    CURRENT
        .scope(id.clone(), async move {
            let mut response = next.run(request).await;
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            log_end(&response, started.elapsed().as_millis());
            response
        })
        .instrument(span)
        .await
}

fn log_end(response: &Response, elapsed_ms: u128) {
    let status = response.status().as_u16();
    let error = response.extensions().get::<LoggedError>().map(|error| error.0.as_ref());
    match (status, error) {
        (500.., _) => tracing::error!(status, elapsed_ms, error = error.unwrap_or("-"), "request failed"),
        (400.., Some(error)) => tracing::info!(status, elapsed_ms, error, "request refused"),
        _ => tracing::debug!(status, elapsed_ms, "request answered"),
    }
}
