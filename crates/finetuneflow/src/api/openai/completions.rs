//! Answers to conversations, as a whole or piece by piece.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use engine::generation::Finish;
use futures::Stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::OpenAiErrorEnvelope;
use super::request::{Asked, CompletionRequest};
use crate::api::error::{ApiError, ApiResult, Code};
use crate::api::extract::{Asker, Json};
use crate::api::observe::current_request_id;
use crate::api::sse;
use crate::api::state::AppState;
use crate::inference::{Answer, Answering};

/// An answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Completion {
    /// Its name.
    pub id: String,
    /// `chat.completion`.
    pub object: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Who answered.
    pub model: String,
    /// Only one.
    pub choices: Vec<Choice>,
    /// Numbers of tokens.
    pub usage: Usage,
}

/// The answer itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// 0.
    pub index: u32,
    /// What was said.
    pub message: OutputMessage,
    /// Null.
    #[schema(value_type = Option<Object>)]
    pub logprobs: Option<Value>,
    /// `stop`: the model ended its turn, or said a stop text; `length`: it was cut off.
    #[schema(example = "stop")]
    pub finish_reason: String,
}

/// What was said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OutputMessage {
    /// `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
    /// Null.
    pub refusal: Option<String>,
}

/// Numbers of tokens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Of the conversation, through the chat template.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
    /// Of both.
    pub total_tokens: u64,
}

impl Usage {
    fn of(answer: &Answer) -> Self {
        let (prompt_tokens, completion_tokens) = (answer.prompt_tokens as u64, answer.tokens as u64);
        Self { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
    }
}

fn finish_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Length => "length",
        Finish::Stop | Finish::Cancelled => "stop",
    }
}

/// What all pieces of an answer have in common.
struct Head {
    id: String,
    created: i64,
    model: String,
}

impl Head {
    fn chunk(&self, choices: Value) -> Value {
        let Self { id, created, model } = self;
        json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": choices,
        })
    }

    /// Where the usage is wanted, the chunks before the last say that theirs is null.
    fn piece(&self, delta: Value, reason: Option<&str>, with_usage: bool) -> String {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason });
        let mut chunk = self.chunk(json!([choice]));
        if with_usage {
            chunk["usage"] = Value::Null;
        }
        chunk.to_string()
    }
}

/// Answers a conversation, as OpenAI does
///
/// With `stream` as server-sent events, which end with `[DONE]`. Questions wait in a queue that lets clients go in turn.
/// Closing the connection leaves the queue, or stops the answer.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "openai", request_body = CompletionRequest,
    responses((status = 200, body = Completion)))]
pub async fn complete(
    State(state): State<AppState>,
    asker: Asker,
    Json(body): Json<CompletionRequest>,
) -> ApiResult<Response> {
    let Asked { messages, options } = body.asked()?;
    let named = super::find(&state, &body.model).await?;
    let client = asker.on_behalf_of(body.user.as_deref());
    let stopped = || ApiError::new(Code::Unavailable, "The server stops.");
    // Before the first byte, so that whatever is wrong has its status.
    let ready = tokio::select! {
        ready = state.inference.prepare(client, &named.weights, &messages) => ready?,
        () = state.stopping.cancelled() => return Err(stopped()),
    };
    let mut answering = ready.answer(options);
    let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
    let head = Head { id, created: Utc::now().timestamp(), model: named.id };
    if body.stream == Some(true) {
        let usage = body.stream_options.unwrap_or_default().include_usage.unwrap_or(false);
        return Ok(sse::data(pieces(state, head, answering, usage)));
    }
    let answer = tokio::select! {
        answer = answering.end() => answer?,
        () = state.stopping.cancelled() => return Err(stopped()),
    };
    Ok(Json(completion(head, &answer)).into_response())
}

fn completion(head: Head, answer: &Answer) -> Completion {
    let message = OutputMessage { role: "assistant".to_owned(), content: answer.text.clone(), refusal: None };
    let finish_reason = finish_reason(answer).to_owned();
    Completion {
        id: head.id,
        object: "chat.completion".to_owned(),
        created: head.created,
        model: head.model,
        choices: vec![Choice { index: 0, message, logprobs: None, finish_reason }],
        usage: Usage::of(answer),
    }
}

/// The lines of a stream: the role, the pieces of the text, the reason of its end, the usage if it is wanted.
fn pieces(
    state: AppState,
    head: Head,
    mut answering: Answering,
    with_usage: bool,
) -> impl Stream<Item = String> + Send {
    let request_id = current_request_id();
    async_stream::stream! {
        yield head.piece(json!({ "role": "assistant", "content": "" }), None, with_usage);
        loop {
            tokio::select! {
                piece = answering.next() => match piece {
                    Some(text) => yield head.piece(json!({ "content": text }), None, with_usage),
                    None => break,
                },
                () = state.stopping.cancelled() => return,
            }
        }
        match answering.end().await {
            Ok(answer) => {
                yield head.piece(json!({}), Some(finish_reason(&answer)), with_usage);
                if with_usage {
                    let mut last = head.chunk(json!([]));
                    last["usage"] = json!(Usage::of(&answer));
                    yield last.to_string();
                }
            }
            Err(error) => {
                let error = ApiError::from(error);
                let status = error.code.status();
                tracing::warn!(request_id, %error, "answer failed");
                yield json!(OpenAiErrorEnvelope::of(error.body(request_id), status)).to_string();
            }
        }
        yield "[DONE]".to_owned();
    }
}
