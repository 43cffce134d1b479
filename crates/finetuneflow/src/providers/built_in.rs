//! The models of this program: the bundled one and the folders under `models/`.

use std::sync::Arc;

use engine::generation::{Finish, Sampling};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::chat::{Provider, ProviderError, Reply, Request, Tokens};
use crate::inference::{AnswerOptions, Client, Inference, InferenceError, Weights};
use crate::models::Models;

/// Answers with a model that is loaded here.
pub struct BuiltIn {
    inference: Arc<Inference>,
    models: Models,
}

impl BuiltIn {
    /// With the models of a data folder.
    pub fn new(inference: Arc<Inference>, models: Models) -> Self {
        Self { inference, models }
    }
}

/// All jobs wait in the queue as one.
const JOBS: Client = Client(0);

impl Provider for BuiltIn {
    fn address(&self) -> &str {
        "this computer"
    }

    fn leaves_the_machine(&self) -> bool {
        false
    }

    fn body(&self, request: &Request) -> Value {
        json!(request)
    }

    fn reply<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ProviderError>> {
        async move {
            let failed = |error: InferenceError| ProviderError::BuiltIn(error.to_string());
            let model = self.models.dir(&request.model);
            let model = model.map_err(|error| ProviderError::BuiltIn(format!("{error:#}")))?;
            let messages: Vec<Value> = request.turns.iter().map(|turn| json!(turn)).collect();
            let options = AnswerOptions {
                max_tokens: request.max_tokens as usize,
                sampling: Sampling {
                    temperature: request.temperature,
                    seed: request.seed.unwrap_or(0),
                    ..Sampling::default()
                },
                stop: Vec::new(),
            };
            let ready =
                self.inference.prepare(JOBS, &Weights::bare(model), &messages).await.map_err(failed)?;
            let answer = ready.answer(options).end().await.map_err(failed)?;
            Ok(Reply {
                text: answer.text,
                tokens: Tokens {
                    prompt: Some(answer.prompt_tokens as u64),
                    completion: Some(answer.tokens as u64),
                },
                cut_off: answer.finish == Finish::Length,
            })
        }
        .boxed()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<String>, ProviderError>> {
        async move {
            let usable = self.models.list().into_iter().filter(|model| model.usable && model.chat_template);
            Ok(usable.map(|model| model.id).collect())
        }
        .boxed()
    }
}
