//! One chunk's examples: ask, read the reply, ask once for a better form of an unusable one.

use std::sync::atomic::{AtomicBool, Ordering};

use datasets::checks::{self, CheckOptions, Subject};
use serde_json::{Value, json};
use store::chunks::Chunk;
use store::examples::{ExampleStatus, NewExample};
use uuid::Uuid;

use super::Options;
use super::calls::{Answer, CallError, Caller};
use super::prompts::{Prompt, PromptError};
use super::reply::{self, Parsed};
use crate::providers::{ProviderError, Request, Turn};
use crate::{library, records};

/// Characters of an unusable reply that are sent back, and that are kept with the reason.
const SENT_BACK: usize = 16_000;

/// What units of one piece of work have in common.
pub struct Writer {
    caller: Caller,
    options: Options,
    prompt: Prompt,
    repair: Prompt,
    /// The other end wants no schema.
    schema_refused: AtomicBool,
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// Examples, and those of the reply that are left out with their reasons.
    Examples(Vec<Made>, Vec<String>),
    /// Nothing usable, not even after a second call.
    Nothing(String),
}

/// An example with the call that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The record.
    pub example: datasets::Example,
    /// Of the request.
    pub request_hash: String,
    /// Whether the reply was sent back once.
    pub mended: bool,
}

impl Writer {
    /// Writes with these options.
    ///
    /// # Errors
    /// Where the project's own prompt is none.
    pub fn new(caller: Caller, options: Options) -> Result<Self, PromptError> {
        let prompt = options.prompt()?;
        Ok(Self {
            caller,
            options,
            prompt,
            repair: Prompt::of_repair(),
            schema_refused: AtomicBool::new(false),
        })
    }

    /// Whom it asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What is asked about a text under these headings.
    pub fn request(&self, text: &str, headings: &[&str]) -> Request {
        let place = match headings {
            [] => String::new(),
            headings => format!("Where the text stands: {}\n", headings.join(" › ")),
        };
        let values = [
            ("count", self.options.examples_per_chunk.to_string()),
            ("language", self.options.language.clone()),
            ("tone", self.options.tone.clone()),
            ("where", place),
            ("text", text.to_owned()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.request_of(self.prompt.fill(&values))
    }

    fn request_of(&self, [system, user]: [String; 2]) -> Request {
        Request {
            model: self.options.model.clone(),
            turns: vec![Turn::new("system", system), Turn::new("user", user)],
            schema: self.wants_schema().then(|| self.options.task.schema()),
            max_tokens: self.options.max_tokens,
            temperature: self.options.temperature,
            seed: None,
        }
    }

    fn wants_schema(&self) -> bool {
        self.options.use_schema && !self.schema_refused.load(Ordering::Relaxed)
    }

    /// An answer; where the server refuses a request with a schema, the same one without, and none from then on.
    async fn ask(&self, mut request: Request, purpose: &str, chunk_id: Uuid) -> Result<Answer, CallError> {
        let refused = match self.caller.answer(&request, purpose, Some(chunk_id)).await {
            Err(CallError::Provider(refused @ ProviderError::Refused { .. })) => refused,
            answered => return answered,
        };
        if request.schema.take().is_none() {
            return Err(refused.into());
        }
        let answer = self.caller.answer(&request, purpose, Some(chunk_id)).await?;
        self.schema_refused.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// The examples of a chunk.
    ///
    /// # Errors
    /// Where a call fails for good; an unusable reply is [`Written::Nothing`].
    pub async fn write(&self, chunk: &Chunk) -> Result<Written, CallError> {
        let headings = chunk.source.get("headings").and_then(Value::as_array);
        let headings: Vec<&str> = headings.into_iter().flatten().filter_map(Value::as_str).collect();
        let request = self.request(&chunk.text, &headings);
        let answer = self.ask(request, "generate", chunk.id).await?;
        let reason = match reply::parse(&answer.text) {
            Ok(parsed) => return Ok(made(parsed, &answer, false)),
            Err(unusable) => told(unusable.0, &answer),
        };
        if answer.text.trim().is_empty() {
            return Ok(Written::Nothing(reason));
        }
        let sent_back: String = answer.text.chars().take(SENT_BACK).collect();
        let shape = self.options.task.shape();
        let values = [("reason", reason.as_str()), ("shape", shape), ("reply", &sent_back)];
        let request = self.request_of(self.repair.fill(&values));
        let second = self.ask(request, "repair", chunk.id).await?;
        Ok(match reply::parse(&second.text) {
            Ok(parsed) => made(parsed, &second, true),
            Err(unusable) => {
                Written::Nothing(format!("{reason}; asked again: {}", told(unusable.0, &second)))
            }
        })
    }

    /// An example as it is stored.
    pub fn stored(&self, chunk: &Chunk, file_name: &str, made: Made, status: ExampleStatus) -> NewExample {
        let payload = records::payload(&made.example);
        let place = |name: &str| chunk.source.get(name).cloned().unwrap_or_default();
        let subject = Subject { source: Some(&chunk.text), ..Subject::new(&made.example) };
        let checked = checks::check(&[subject], &CheckOptions::default()).pop();
        let quality =
            checked.map_or(json!({}), |checked| records::quality(&made.example, &checked, None).into());
        NewExample {
            chunk_id: Some(chunk.id),
            status,
            content_hash: library::content_hash(&payload),
            payload,
            provenance: json!({
                "source": "provider",
                "file_id": chunk.file_id,
                "file_name": file_name,
                "page_start": place("page_start"),
                "page_end": place("page_end"),
                "start": place("start"),
                "end": place("end"),
                "headings": place("headings"),
                "generator": self.caller.connection,
                "address": self.caller.provider.address(),
                "model": self.options.model,
                "prompt_version": self.prompt.version,
                "task": self.options.task.id(),
                "request_hash": made.request_hash,
                "mended": made.mended,
            }),
            quality,
        }
    }
}

fn made(parsed: Parsed, answer: &Answer, mended: bool) -> Written {
    let of = |example| Made { example, request_hash: answer.request_hash.clone(), mended };
    Written::Examples(parsed.examples.into_iter().map(of).collect(), parsed.left_out)
}

fn told(reason: String, answer: &Answer) -> String {
    if answer.cut_off {
        format!("{reason} (the reply was cut off: raise the tokens of a reply)")
    } else {
        reason
    }
}
