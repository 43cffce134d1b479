//! A server with OpenAI's interface that answers by a script: examples about boxes with numbers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Every answer is good.
    Calm,
    /// As [`Manner::Calm`], but requests with a JSON schema are refused.
    RefusesSchemas,
    /// Errors, delays, answers that are cut off, fenced, of another shape.
    Difficult,
}

/// A server with a script: what it does follows from the section that it is asked about and from how often it was.
pub struct Script {
    manner: Manner,
    /// How often each request came.
    pub asked: Mutex<HashMap<String, usize>>,
    /// How many answers were given.
    pub answered: watch::Sender<usize>,
}

impl Script {
    /// The server and its address, which ends where `/chat/completions` begins.
    pub async fn start(manner: Manner) -> (Arc<Self>, String) {
        let script = Arc::new(Self { manner, asked: Mutex::default(), answered: watch::Sender::new(0) });
        let routes = Router::new()
            .route(
                "/v1/models",
                get(|| async { axum::Json(json!({ "data": [{ "id": "b" }, { "id": "a" }] })) }),
            )
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("serves") });
        (script, address)
    }
}

/// The number of the section that a request is about.
fn section(prompt: &str) -> usize {
    let behind = prompt.split("box number ").nth(1).unwrap_or_else(|| panic!("no section in {prompt}"));
    behind
        .split(' ')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no number in {prompt}"))
}

async fn answer(State(script): State<Arc<Script>>, axum::Json(body): axum::Json<Value>) -> Response {
    let prompt = body["messages"][1]["content"].as_str().expect("a prompt").to_owned();
    let repairing = prompt.contains("cannot be used");
    let number = section(&prompt);
    let times = {
        let mut asked = script.asked.lock().expect("not poisoned");
        let times = asked.entry(body.to_string()).or_default();
        *times += 1;
        *times
    };
    script.answered.send_modify(|answered| *answered += 1);
    let good = json!({ "examples": [
        { "user": format!("What is in box number {number} ?"), "assistant": format!("In box number {number} are {number} screws.") },
        { "user": format!("Which box holds {number} screws?"), "assistant": format!("It is box number {number} .") },
    ] }).to_string();
    match script.manner {
        Manner::Difficult => {}
        Manner::RefusesSchemas if body.get("response_format").is_some() => {
            // As llama-cpp-python's server does it.
            let error = json!({ "error": { "message": "'loc': ('body', 'response_format', 'type')" } });
            return (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(error)).into_response();
        }
        Manner::Calm | Manner::RefusesSchemas => return said(&good),
    }
    match (number % 10, number % 100) {
        (0, _) if times == 1 => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0.05")], "slow down").into_response()
        }
        (1, _) if times == 1 => (StatusCode::INTERNAL_SERVER_ERROR, "out of memory").into_response(),
        (2, _) => {
            tokio::time::sleep(Duration::from_millis(30)).await;
            said(&good)
        }
        // Cut off in the middle of the second example.
        (3, _) => said(&good[..good.len() - 40]),
        (4, _) => said(&format!("Of course! Here they are:\n```json\n{good}\n```\nI hope that helps.")),
        // Unusable at first, mended when it is asked to.
        (5, _) if !repairing => said(&format!("Question: what is in box number {number} ? Answer: screws.")),
        // Of another shape, and again.
        (_, 16) => said(&format!("{{\"boxes\": \"box number {number} \"}}")),
        // Not even an answer of a language model.
        (_, 57) if times == 1 => "<html>Welcome</html>".into_response(),
        _ => said(&good),
    }
}

fn said(text: &str) -> Response {
    let choice =
        json!({ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } });
    axum::Json(json!({ "choices": [choice], "usage": { "prompt_tokens": 100, "completion_tokens": 20 } }))
        .into_response()
}
