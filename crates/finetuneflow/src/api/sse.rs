//! Server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Serialize;
use serde_json::Value;

use super::error::ApiError;

/// A comment line in this distance keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event: its type, its data, and the id that a client continues after.
#[derive(Clone, Debug)]
pub struct Message {
    /// What `Last-Event-ID` continues from.
    pub id: Option<i64>,
    /// The type.
    pub event: String,
    /// The data, one line of JSON.
    pub data: Value,
}

impl Message {
    /// An event without an id.
    pub fn new(event: &str, data: impl Serialize) -> Self {
        Self { id: None, event: event.to_owned(), data: serde_json::to_value(data).unwrap_or(Value::Null) }
    }

    fn into_event(self) -> Event {
        let event = Event::default().event(self.event).data(self.data.to_string());
        match self.id {
            Some(id) => event.id(id.to_string()),
            None => event,
        }
    }
}

/// A stream of events as an answer.
pub fn answer(messages: impl Stream<Item = Message> + Send + 'static) -> Response {
    use futures::StreamExt;

    let events = messages.map(|message| Ok::<_, Infallible>(message.into_event()));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// A stream of bare data lines, without event types: as OpenAI streams.
pub fn data(lines: impl Stream<Item = String> + Send + 'static) -> Response {
    use futures::StreamExt;

    let events = lines.map(|line| Ok::<_, Infallible>(Event::default().data(line)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// The id after which the client wants to go on: the header wins, because a browser sends it when it connects again.
pub fn last_event_id(headers: &HeaderMap, from_query: Option<i64>) -> Result<i64, ApiError> {
    let Some(header) = headers.get("last-event-id") else { return Ok(from_query.unwrap_or(0)) };
    let id = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.ok_or_else(|| ApiError::invalid_field("Last-Event-ID", "is not an event id of this stream"))
}
