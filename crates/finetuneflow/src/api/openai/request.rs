//! What a request for a completion may say, and what of it is refused because it would change the answer.

use engine::generation::Sampling;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::chat::{check_sampling, check_stop};
use crate::api::error::ApiResult;
use crate::api::extract::Checks;
use crate::inference::AnswerOptions;

/// A conversation to go on with. Fields that change nothing in the answer are ignored, others that are not listed here
/// are refused.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CompletionRequest {
    /// One of `GET /v1/models`.
    #[schema(example = "base")]
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<InputMessage>,
    /// Send the answer piece by piece.
    pub stream: Option<bool>,
    /// How to send it.
    pub stream_options: Option<StreamOptions>,
    /// New tokens at most; default: as many as the model's context has room for.
    pub max_completion_tokens: Option<u32>,
    /// The older name of `max_completion_tokens`.
    pub max_tokens: Option<u32>,
    /// 0 takes the most likely token each time; at most 2, default 1.
    pub temperature: Option<f32>,
    /// Draw from the most likely tokens that together reach this probability; default 1.
    pub top_p: Option<f32>,
    /// Not OpenAI's: draw from this many most likely tokens; 0 (default): from all.
    pub top_k: Option<u32>,
    /// Not OpenAI's: draw from tokens with at least this share of the most likely one's probability; default 0.
    pub min_p: Option<f32>,
    /// Not OpenAI's: above 1, the last 64 tokens are less likely to come again; default 1.
    pub repeat_penalty: Option<f32>,
    /// The same seed gives the same answer; default: another one each time.
    pub seed: Option<i64>,
    /// Texts that end the answer and are not part of it.
    pub stop: Option<Stop>,
    /// Only 1.
    pub n: Option<u32>,
    /// For whom the program asks: each waits in the queue as a client of its own.
    pub user: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    #[schema(ignore)]
    pub others: Map<String, Value>,
}

/// How an answer is sent piece by piece.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub struct StreamOptions {
    /// The last piece before the end has the numbers of tokens.
    pub include_usage: Option<bool>,
}

/// A text or several.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "must be a text or a list of texts")]
pub enum Stop {
    /// One.
    One(String),
    /// Some.
    Several(Vec<String>),
}

impl Stop {
    fn texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

/// A turn of the conversation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct InputMessage {
    /// `system`, `developer` (the same), `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: Option<Content>,
}

/// What was said: a text, or texts that belong together.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "must be a text or a list of parts with a type")]
pub enum Content {
    /// As a whole.
    Text(String),
    /// In parts.
    Parts(Vec<ContentPart>),
}

/// A part of what was said.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ContentPart {
    /// Only `text`.
    pub r#type: String,
    /// Of this part.
    pub text: Option<String>,
}

/// A field that would change the answer, and the values with which it does not.
struct Unsupported {
    field: &'static str,
    is_harmless: fn(&Value) -> bool,
}

/// What OpenAI's interface has and this one has not.
const UNSUPPORTED: [Unsupported; 14] = [
    Unsupported { field: "frequency_penalty", is_harmless: is_zero },
    Unsupported { field: "presence_penalty", is_harmless: is_zero },
    Unsupported { field: "logit_bias", is_harmless: is_empty },
    Unsupported { field: "logprobs", is_harmless: |value| *value == json!(false) },
    Unsupported { field: "top_logprobs", is_harmless: is_zero },
    Unsupported { field: "tools", is_harmless: is_empty },
    Unsupported { field: "tool_choice", is_harmless: is_free_choice },
    Unsupported { field: "functions", is_harmless: is_empty },
    Unsupported { field: "function_call", is_harmless: is_free_choice },
    Unsupported { field: "response_format", is_harmless: |value| value["type"] == "text" },
    Unsupported { field: "modalities", is_harmless: |value| *value == json!(["text"]) },
    Unsupported { field: "audio", is_harmless: |_| false },
    Unsupported { field: "web_search_options", is_harmless: |_| false },
    Unsupported { field: "reasoning_effort", is_harmless: |value| *value == json!("none") },
];

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Nothing can be chosen where there are no tools.
fn is_free_choice(value: &Value) -> bool {
    matches!(value.as_str(), Some("none" | "auto"))
}

/// A request, understood.
#[derive(Debug)]
pub struct Asked {
    /// `{"role", "content"}` each.
    pub messages: Vec<Value>,
    pub options: AnswerOptions,
}

impl CompletionRequest {
    /// Checks everything and takes it apart.
    pub fn asked(&self) -> ApiResult<Asked> {
        let mut checks = Checks::default();
        checks
            .require(!self.messages.is_empty(), "messages", "must not be empty")
            .require(
                matches!(self.n, None | Some(1)),
                "n",
                "must be 1: this server gives one answer at a time",
            )
            .require(self.max_tokens != Some(0), "max_tokens", "must be at least 1")
            .require(self.max_completion_tokens != Some(0), "max_completion_tokens", "must be at least 1");
        for Unsupported { field, is_harmless } in UNSUPPORTED {
            let value = self.others.get(field).unwrap_or(&Value::Null);
            checks.require(value.is_null() || is_harmless(value), field, "is not supported by this server");
        }
        let messages = self
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| message.turn(index, &mut checks))
            .collect();
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(1.0),
            top_k: self.top_k.unwrap_or(0) as usize,
            top_p: self.top_p.unwrap_or(1.0),
            min_p: self.min_p.unwrap_or(0.0),
            repeat_penalty: self.repeat_penalty.unwrap_or(1.0),
            seed: self.seed.map_or_else(any_seed, i64::cast_unsigned),
        };
        let stop = self.stop.clone().map(Stop::texts).unwrap_or_default();
        check_sampling(&mut checks, &sampling, 2.0);
        check_stop(&mut checks, &stop);
        checks.finish()?;
        let max_tokens =
            self.max_completion_tokens.or(self.max_tokens).map_or(usize::MAX, |most| most as usize);
        Ok(Asked { messages, options: AnswerOptions { max_tokens, sampling, stop } })
    }
}

impl InputMessage {
    /// As chat templates take it.
    fn turn(&self, index: usize, checks: &mut Checks) -> Value {
        let role = match self.role.as_str() {
            "developer" => "system",
            role => role,
        };
        let known = matches!(role, "system" | "user" | "assistant");
        checks.require(
            known,
            &format!("messages[{index}].role"),
            "must be system, developer, user or assistant: this server has no tools",
        );
        let place = format!("messages[{index}].content");
        let content = match &self.content {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let is_text = |part: &ContentPart| part.r#type == "text" && part.text.is_some();
                checks.require(parts.iter().all(is_text), &place, "may only have parts of the type text");
                parts.iter().filter_map(|part| part.text.as_deref()).collect()
            }
            None => {
                checks.require(false, &place, "is required");
                String::new()
            }
        };
        json!({ "role": role, "content": content })
    }
}

/// The random part of a new id.
fn any_seed() -> u64 {
    Uuid::now_v7().as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: Value) -> ApiResult<Asked> {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }] });
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        serde_json::from_value::<CompletionRequest>(body).expect("the types are right").asked()
    }

    #[test]
    fn what_would_change_the_answer_is_refused_by_name() {
        for (field, harmful, harmless) in [
            ("n", json!(2), json!(1)),
            ("frequency_penalty", json!(0.5), json!(0)),
            ("presence_penalty", json!(-1), json!(0.0)),
            ("logit_bias", json!({ "5": 1 }), json!({})),
            ("logprobs", json!(true), json!(false)),
            ("top_logprobs", json!(3), json!(0)),
            ("tools", json!([{ "type": "function" }]), json!([])),
            ("tool_choice", json!("required"), json!("auto")),
            ("functions", json!([{}]), json!([])),
            ("function_call", json!({ "name": "f" }), json!("none")),
            ("response_format", json!({ "type": "json_object" }), json!({ "type": "text" })),
            ("modalities", json!(["audio"]), json!(["text"])),
            ("audio", json!({}), json!(null)),
            ("web_search_options", json!({}), json!(null)),
            ("reasoning_effort", json!("high"), json!("none")),
            ("temperature", json!(2.5), json!(2)),
            ("top_p", json!(-0.1), json!(0)),
            ("max_tokens", json!(0), json!(1)),
            ("max_completion_tokens", json!(0), json!(1)),
            ("stop", json!(""), json!(["a", "b"])),
            ("messages", json!([]), json!([{ "role": "developer", "content": "x" }])),
        ] {
            let error = asked(json!({ field: harmful })).expect_err(field).body(String::new());
            assert_eq!(error.fields[0].field, field);
            asked(json!({ field: harmless })).expect(field);
        }
        asked(json!({ "store": true, "metadata": { "a": "b" }, "something_new": 1 })).expect("ignored");
    }

    #[test]
    fn defaults_are_those_of_the_interface() {
        let options = asked(json!({})).expect("valid").options;
        assert_eq!((options.max_tokens, options.stop.len()), (usize::MAX, 0));
        assert_eq!(
            options.sampling,
            Sampling { temperature: 1.0, seed: options.sampling.seed, ..Sampling::default() }
        );
        let again = asked(json!({})).expect("valid").options;
        assert_ne!(options.sampling.seed, again.sampling.seed, "another seed each time");
        let both = asked(json!({ "max_tokens": 5, "max_completion_tokens": 7, "stop": "x" }))
            .expect("valid")
            .options;
        assert_eq!((both.max_tokens, both.stop), (7, vec!["x".to_owned()]));
    }

    #[test]
    fn turns_are_texts() {
        let turns = json!([
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "Hel" }, { "type": "text", "text": "lo" }], "name": "a" },
            { "role": "assistant", "content": "Hi" },
        ]);
        let expected = [("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi")];
        let messages = asked(json!({ "messages": turns })).expect("valid").messages;
        assert_eq!(messages, expected.map(|(role, content)| json!({ "role": role, "content": content })));
        for (turn, field) in [
            (json!({ "role": "tool", "content": "1" }), "messages[0].role"),
            (json!({ "role": "assistant", "tool_calls": [{}] }), "messages[0].content"),
            (
                json!({ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] }),
                "messages[0].content",
            ),
        ] {
            let error = asked(json!({ "messages": [turn] })).expect_err(field).body(String::new());
            assert_eq!(error.fields[0].field, field);
        }
    }
}
