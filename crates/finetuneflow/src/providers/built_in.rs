//! The models of this program: the bundled one and the folders under `models/`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::generation::{Finish, Sampling};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::chat::{Provider, ProviderError, Reply, Request, Tokens};
use crate::inference::{Inference, Question, Weights};
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

/// Ends the answer when its future is dropped.
struct EndWithFuture(Arc<AtomicBool>);

impl Drop for EndWithFuture {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

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
            let failed = |error: anyhow::Error| ProviderError::BuiltIn(format!("{error:#}"));
            let model = self.models.dir(&request.model).map_err(failed)?;
            let loaded = self.inference.load(Weights { model, adapter: None }).await.map_err(failed)?;
            let question = Question {
                messages: request.turns.iter().map(|turn| json!(turn)).collect(),
                max_tokens: request.max_tokens as usize,
                sampling: Sampling {
                    temperature: request.temperature,
                    top_p: 1.0,
                    seed: request.seed.unwrap_or(0),
                },
                with_adapter: false,
            };
            let cancel = EndWithFuture(Arc::default());
            let answer = self.inference.answer(loaded, question, Arc::clone(&cancel.0), |_| {}).await;
            let answer = answer.map_err(failed)?;
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
