//! The playground: ask the base model, the trained one, or both.

use std::path::PathBuf;

use axum::extract::State;
use axum::response::Response;
use engine::generation::{Finish, Sampling};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use super::examples::Message as Turn;
use super::extract::{Asker, Checks, Json, Path};
use super::observe::current_request_id;
use super::projects::ProjectSettings;
use super::runs::{self, RunConfig};
use super::sse::{self, Message};
use super::state::AppState;
use crate::inference::{Answer, AnswerOptions, Client, InferenceError, Weights};

/// New tokens when the request does not say.
pub const DEFAULT_MAX_TOKENS: u32 = 128;
/// New tokens at most.
const MOST_TOKENS: u32 = 4096;

/// Who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The model before training.
    Base,
    /// The trained model.
    Adapter,
    /// Both, for comparing.
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
    /// The conversation so far; the last turn is the user's. A first turn of the `system` is one like the others.
    pub messages: Vec<Turn>,
    /// Default: both.
    pub target: Option<Target>,
    /// The training whose result is asked; left out: the newest.
    pub run_id: Option<Uuid>,
    /// With both: at the same time instead of one after the other (default).
    pub simultaneous: Option<bool>,
    /// At most 4096; default 128. The model's context is a limit too.
    pub max_tokens: Option<u32>,
    /// 0 takes the most likely token each time (default).
    pub temperature: Option<f32>,
    /// Draw from this many most likely tokens; 0 (default): from all.
    pub top_k: Option<u32>,
    /// Draw from the most likely tokens that together reach this probability; default 1.
    pub top_p: Option<f32>,
    /// Draw from tokens with at least this share of the most likely one's probability; default 0.
    pub min_p: Option<f32>,
    /// Above 1, the last 64 tokens are less likely to come again; default 1.
    pub repeat_penalty: Option<f32>,
    /// The same seed gives the same answer; default 0.
    pub seed: Option<u64>,
    /// Texts that end the answer and are not part of it; at most 16.
    pub stop: Option<Vec<String>>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(chat))
}

/// A model that is asked, and where its weights are.
struct Asked {
    side: Side,
    weights: Weights,
}

/// What all sides are asked.
#[derive(Clone)]
struct Question {
    client: Client,
    messages: Vec<Value>,
    options: AnswerOptions,
}

/// Asks the base model, the trained one, or both
///
/// Server-sent events: `start` (with the prompt as the model sees it) when the first model is ready, then `token` with
/// pieces of the answers, `done` (or `error`) for each model, `end`. Closing the connection stops the answer.
#[utoipa::path(post, path = "/api/projects/{project_id}/chat", tag = "chat",
    params(("project_id" = Uuid, Path)), request_body = ChatRequest,
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn chat(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Asker(client): Asker,
    Json(body): Json<ChatRequest>,
) -> ApiResult<Response> {
    let options = options(&body)?;
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
    let model = match &config {
        Some(config) => config.settings.base_dir(&state.services.models),
        None => state.services.models.dir(&model_id),
    };
    let model = model.map_err(ApiError::internal)?;
    let mut asked = Vec::new();
    if target != Target::Adapter {
        asked.push(Asked { side: Side::Base, weights: Weights::bare(model.clone()) });
    }
    if let (Some(row), Some(config)) = (&run, &config)
        && target != Target::Base
    {
        let weights = trained(model, runs::folder(&state, row)?, &config.settings.method);
        asked.push(Asked { side: Side::Adapter, weights });
    }
    let start = json!({
        "sides": asked.iter().map(|asked| asked.side).collect::<Vec<_>>(),
        "model_id": model_id,
        "run_id": run.as_ref().map(|run| run.id),
        "run_number": config.as_ref().map(|config| config.number),
    });
    let messages = body.messages.iter().map(|turn| json!(turn)).collect();
    let question = Question { client, messages, options };
    let simultaneous = body.simultaneous.unwrap_or(false);
    Ok(sse::answer(answers(state, asked, question, simultaneous, start)))
}

/// Where a run's trained weights are: an adapter on the base, or a whole model.
pub fn trained(model: PathBuf, folder: PathBuf, method: &str) -> Weights {
    match method {
        "full" => Weights::bare(folder),
        _ => Weights { model, adapter: Some(folder) },
    }
}

fn options(body: &ChatRequest) -> ApiResult<AnswerOptions> {
    let max_tokens = body.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let mut checks = Checks::default();
    for (index, turn) in body.messages.iter().enumerate() {
        let known = matches!(turn.role.as_str(), "system" | "user" | "assistant");
        checks.require(known, &format!("messages[{index}].role"), "must be system, user or assistant");
    }
    let asks =
        body.messages.last().is_some_and(|last| last.role == "user" && !last.content.trim().is_empty());
    checks.require(asks, "messages", "must end with a question of the user").require(
        (1..=MOST_TOKENS).contains(&max_tokens),
        "max_tokens",
        "must be between 1 and 4096",
    );
    let sampling = Sampling {
        temperature: body.temperature.unwrap_or(0.0),
        top_k: body.top_k.unwrap_or(0) as usize,
        top_p: body.top_p.unwrap_or(1.0),
        min_p: body.min_p.unwrap_or(0.0),
        repeat_penalty: body.repeat_penalty.unwrap_or(1.0),
        seed: body.seed.unwrap_or(0),
    };
    let stop = body.stop.clone().unwrap_or_default();
    check_sampling(&mut checks, &sampling, 5.0);
    check_stop(&mut checks, &stop);
    checks.finish()?;
    Ok(AnswerOptions { max_tokens: max_tokens as usize, sampling, stop })
}

/// Notes what is out of range.
pub fn check_sampling(checks: &mut Checks, sampling: &Sampling, hottest: f32) {
    let Sampling { temperature, top_k: _, top_p, min_p, repeat_penalty, seed: _ } = *sampling;
    checks
        .require(
            (0.0..=hottest).contains(&temperature),
            "temperature",
            &format!("must be between 0 and {hottest}"),
        )
        .require((0.0..=1.0).contains(&top_p), "top_p", "must be between 0 and 1")
        .require((0.0..=1.0).contains(&min_p), "min_p", "must be between 0 and 1")
        .require(
            repeat_penalty > 0.0 && repeat_penalty <= 10.0,
            "repeat_penalty",
            "must be greater than 0 and at most 10",
        );
}

/// Notes texts that can end no answer.
pub fn check_stop(checks: &mut Checks, stop: &[String]) {
    checks.require(stop.len() <= 16, "stop", "must be at most 16 texts").require(
        stop.iter().all(|text| !text.is_empty()),
        "stop",
        "must not hold an empty text",
    );
}

/// What happens while one side answers.
enum Step {
    /// It begins: the prompt as the model sees it.
    Begins(Value),
    /// Something to tell.
    Tells(Message),
}

fn answers(
    state: AppState,
    asked: Vec<Asked>,
    question: Question,
    simultaneous: bool,
    start: Value,
) -> impl futures::Stream<Item = Message> + Send {
    let request_id = current_request_id();
    let sides: Vec<_> = asked
        .into_iter()
        .map(|asked| side(state.clone(), asked, question.clone(), request_id.clone()).boxed())
        .collect();
    let mut steps: BoxStream<Step> =
        if simultaneous { stream::select_all(sides).boxed() } else { stream::iter(sides).flatten().boxed() };
    async_stream::stream! {
        let mut start = Some(start);
        loop {
            let step = tokio::select! {
                step = steps.next() => step,
                () = state.stopping.cancelled() => return,
            };
            let Some(step) = step else { break };
            let prompt = if let Step::Begins(prompt) = &step { prompt.clone() } else { Value::Null };
            if let Some(mut start) = start.take() {
                start["prompt"] = prompt;
                yield Message::new("start", start);
            }
            if let Step::Tells(message) = step {
                yield message;
            }
        }
        yield Message::new("end", json!({}));
    }
}

/// One side's answer. Nothing is asked before the stream is.
fn side(
    state: AppState,
    asked: Asked,
    question: Question,
    request_id: String,
) -> impl futures::Stream<Item = Step> + Send {
    async_stream::stream! {
        let Asked { side, weights } = asked;
        let Question { client, messages, options } = question;
        let ready = match state.inference.prepare(client, &weights, &messages).await {
            Ok(ready) => ready,
            Err(error) => {
                yield Step::Tells(failed(side, error, &request_id));
                return;
            }
        };
        let prompt = ready.prompt();
        yield Step::Begins(json!({ "text": prompt.text, "tokens": prompt.ids.len() }));
        let mut answering = ready.answer(options);
        while let Some(text) = answering.next().await {
            yield Step::Tells(Message::new("token", json!({ "side": side, "text": text })));
        }
        yield Step::Tells(match answering.end().await {
            Ok(answer) => done(side, &answer),
            Err(error) => failed(side, error, &request_id),
        });
    }
}

fn done(side: Side, answer: &Answer) -> Message {
    let stop_reason = match answer.finish {
        Finish::Stop => "end",
        Finish::Length => "length",
        Finish::Cancelled => "cancelled",
    };
    Message::new(
        "done",
        json!({
            "side": side,
            "tokens": answer.tokens,
            "prompt_tokens": answer.prompt_tokens,
            "seconds": (answer.prompt_time + answer.decode_time).as_secs_f64(),
            "prompt_seconds": answer.prompt_time.as_secs_f64(),
            "tokens_per_second": answer.tokens_per_second,
            "stop_reason": stop_reason,
        }),
    )
}

fn failed(side: Side, error: InferenceError, request_id: &str) -> Message {
    let error = ApiError::from(error);
    // The stream has begun: its status says 200, so the log hears of it here.
    tracing::warn!(request_id, ?side, %error, "answer failed");
    Message::new("error", json!({ "side": side, "error": error.body(request_id.to_owned()) }))
}
