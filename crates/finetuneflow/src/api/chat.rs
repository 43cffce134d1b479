//! The playground: ask the base model, the trained one, or both.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::response::Response;
use engine::generation::{Finish, Sampling};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples::Message as Turn;
use super::extract::{Checks, Json, Path};
use super::observe::current_request_id;
use super::projects::ProjectSettings;
use super::runs::{self, RunConfig};
use super::sse::{self, Message};
use super::state::AppState;
use crate::cli::model::Loaded;
use crate::inference::{Question, Weights};

/// New tokens when the request does not say.
pub const DEFAULT_MAX_TOKENS: u32 = 128;

/// Who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The model before training.
    Base,
    /// The trained model.
    Adapter,
    /// One after the other, for comparing.
    #[default]
    Both,
}

/// One of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The model before training.
    Base,
    /// The trained model.
    Adapter,
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The conversation so far; the last turn is the user's.
    pub messages: Vec<Turn>,
    /// Default: both.
    pub target: Option<Target>,
    /// The training whose result is asked; left out: the newest.
    pub run_id: Option<Uuid>,
    /// At most 4096; default 128.
    pub max_tokens: Option<u32>,
    /// 0 takes the most likely token each time (default).
    pub temperature: Option<f32>,
    /// Draw from the most likely tokens that together reach this probability; default 1.
    pub top_p: Option<f32>,
    /// The same seed gives the same answer.
    pub seed: Option<u64>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(chat))
}

/// A model that is asked, and where its weights are.
struct Asked {
    side: Side,
    weights: Weights,
    with_adapter: bool,
}

/// Asks the base model, the trained one, or both
///
/// Server-sent events: `start`, then `token` with pieces of the answers, `done` (or `error`) for each model, `end`.
/// Closing the connection stops the answer.
#[utoipa::path(post, path = "/api/projects/{project_id}/chat", tag = "chat",
    params(("project_id" = Uuid, Path)), request_body = ChatRequest,
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn chat(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<ChatRequest>,
) -> ApiResult<Response> {
    let question = question(&body)?;
    let project = store::projects::get(&state.database, project_id).await?;
    let target = body.target.unwrap_or_default();
    let run = match target {
        Target::Base if body.run_id.is_none() => None,
        _ => Some(runs::with_result(&state, project_id, body.run_id).await?),
    };
    let config = run.as_ref().map(RunConfig::of).transpose()?;
    let model_id = config
        .as_ref()
        .map_or_else(|| ProjectSettings::of(&project).model_id, |config| config.settings.model_id.clone());
    super::models::usable(&state, &model_id)?;
    let model = state.services.models.dir(&model_id).map_err(ApiError::internal)?;
    let mut asked = Vec::new();
    let trained = match (&run, &config) {
        (Some(row), Some(config)) => {
            Some(trained(model.clone(), runs::folder(&state, row)?, &config.settings.method))
        }
        _ => None,
    };
    if target != Target::Adapter {
        // A decoder that carries the adapter answers for the base too: it is loaded once.
        let weights = trained.clone().filter(|weights| weights.adapter.is_some());
        let weights = weights.unwrap_or(Weights { model, adapter: None });
        asked.push(Asked { side: Side::Base, weights, with_adapter: false });
    }
    if let Some(weights) = trained.filter(|_| target != Target::Base) {
        asked.push(Asked { side: Side::Adapter, weights, with_adapter: true });
    }
    let start = json!({
        "sides": asked.iter().map(|asked| asked.side).collect::<Vec<_>>(),
        "model_id": model_id,
        "run_id": run.as_ref().map(|run| run.id),
        "run_number": config.as_ref().map(|config| config.number),
    });
    Ok(sse::answer(answers(state, asked, question, start)))
}

/// Where a run's trained weights are: an adapter on the base, or a whole model.
pub fn trained(model: PathBuf, folder: PathBuf, method: &str) -> Weights {
    match method {
        "full" => Weights { model: folder, adapter: None },
        _ => Weights { model, adapter: Some(folder) },
    }
}

fn question(body: &ChatRequest) -> ApiResult<Question> {
    let max_tokens = body.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let temperature = body.temperature.unwrap_or(0.0);
    let top_p = body.top_p.unwrap_or(1.0);
    let mut checks = Checks::default();
    for (index, turn) in body.messages.iter().enumerate() {
        let known = matches!(turn.role.as_str(), "system" | "user" | "assistant");
        checks.require(known, &format!("messages[{index}].role"), "must be system, user or assistant");
    }
    let asks =
        body.messages.last().is_some_and(|last| last.role == "user" && !last.content.trim().is_empty());
    checks
        .require(asks, "messages", "must end with a question of the user")
        .require((1..=4096).contains(&max_tokens), "max_tokens", "must be between 1 and 4096")
        .require(
            temperature.is_finite() && (0.0..=5.0).contains(&temperature),
            "temperature",
            "must be between 0 and 5",
        )
        .require(top_p > 0.0 && top_p <= 1.0, "top_p", "must be greater than 0 and at most 1");
    checks.finish()?;
    Ok(Question {
        messages: body.messages.iter().map(|turn| json!(turn)).collect(),
        max_tokens: max_tokens as usize,
        sampling: Sampling { temperature, top_p, seed: body.seed.unwrap_or(0) },
        with_adapter: false,
    })
}

/// Ends the answer when the reader goes away.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn answers(
    state: AppState,
    asked: Vec<Asked>,
    question: Question,
    start: serde_json::Value,
) -> impl futures::Stream<Item = Message> + Send {
    let request_id = current_request_id();
    async_stream::stream! {
        let cancel = CancelOnDrop(Arc::new(AtomicBool::new(false)));
        yield Message::new("start", start);
        for Asked { side, weights, with_adapter } in asked {
            let loaded = match state.inference.load(weights).await {
                Ok(loaded) => loaded,
                Err(error) => {
                    yield failed(side, &error, &request_id);
                    continue;
                }
            };
            let question = Question { with_adapter, ..question.clone() };
            let (mut pieces, ended) = speak(&state, loaded, question, &cancel.0);
            loop {
                tokio::select! {
                    piece = pieces.recv() => match piece {
                        Some(text) => yield Message::new("token", json!({ "side": side, "text": text })),
                        None => break,
                    },
                    () = state.stopping.cancelled() => return,
                }
            }
            yield match ended.await.map_err(anyhow::Error::from).and_then(|answer| answer) {
                Ok(answer) => done(side, &answer),
                Err(error) => failed(side, &error, &request_id),
            };
        }
        yield Message::new("end", json!({}));
    }
}

type Ended = tokio::task::JoinHandle<anyhow::Result<crate::inference::Answer>>;

/// Starts an answer: its pieces as they come, and its end.
fn speak(
    state: &AppState,
    loaded: Arc<Loaded>,
    question: Question,
    cancel: &Arc<AtomicBool>,
) -> (mpsc::UnboundedReceiver<String>, Ended) {
    let (sender, pieces) = mpsc::unbounded_channel();
    let (state, cancel) = (state.clone(), Arc::clone(cancel));
    let ended = tokio::spawn(async move {
        let stop = Arc::clone(&cancel);
        let on_text = move |text: &str| {
            if sender.send(text.to_owned()).is_err() {
                stop.store(true, Ordering::Relaxed);
            }
        };
        state.inference.answer(loaded, question, cancel, on_text).await
    });
    (pieces, ended)
}

fn done(side: Side, answer: &crate::inference::Answer) -> Message {
    let seconds = answer.elapsed.as_secs_f64();
    let stop_reason = match answer.finish {
        Finish::Stop => "end",
        Finish::Length => "length",
        Finish::Cancelled => "cancelled",
    };
    let tokens_per_second = if seconds > 0.0 { answer.tokens as f64 / seconds } else { 0.0 };
    Message::new(
        "done",
        json!({
            "side": side,
            "tokens": answer.tokens,
            "prompt_tokens": answer.prompt_tokens,
            "seconds": seconds,
            "tokens_per_second": tokens_per_second,
            "stop_reason": stop_reason,
        }),
    )
}

fn failed(side: Side, error: &anyhow::Error, request_id: &str) -> Message {
    let error = answer_error(error);
    // The stream has begun: its status says 200, so the log hears of it here.
    tracing::warn!(request_id, ?side, %error, "answer failed");
    Message::new("error", json!({ "side": side, "error": error.body(request_id.to_owned()) }))
}

/// What a model could not do, in words for people.
pub fn answer_error(error: &anyhow::Error) -> ApiError {
    let message = super::error::sentence(&format!("{error:#}"));
    ApiError::new(Code::InvalidModel, message)
        .hint("Shorten the conversation if it is too long; otherwise choose another model or train again.")
}
