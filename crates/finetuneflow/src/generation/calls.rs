//! Calls to a provider that are never made twice: replies are kept by the content of their request, failures that pass are
//! tried again, and each call that leaves is written down.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};
use store::Database;
use store::provider_calls::{self, NewCall};
use uuid::Uuid;

use crate::library::hexadecimal;
use crate::providers::retry::Patience;
use crate::providers::{Provider, ProviderError, Request};

/// What a caller works with.
#[derive(Clone)]
pub struct Caller {
    /// Where calls are kept.
    pub database: Database,
    /// The other end.
    pub provider: Arc<dyn Provider>,
    /// The connection's name.
    pub connection: String,
    /// For whom.
    pub project_id: Uuid,
    /// In which job.
    pub job_id: Option<Uuid>,
    /// How often to try.
    pub patience: Patience,
}

/// An answer, from the other end or from an earlier call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The words.
    pub text: String,
    /// Whether it was cut off.
    pub cut_off: bool,
    /// Of the request.
    pub request_hash: String,
    /// Whether it had been paid for before.
    pub cached: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The other end, after all attempts.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl Caller {
    /// The identity of a request: where it goes and every byte of it.
    fn request_hash(&self, body: &str) -> String {
        let mut digest = Sha256::new();
        for part in [self.provider.address(), body] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        hexadecimal(&digest.finalize())
    }

    /// The answer that is kept, or the one that a call brings. `purpose` and `chunk_id` are for the list of calls.
    ///
    /// # Errors
    /// What the last attempt ended with.
    pub async fn answer(
        &self,
        request: &Request,
        purpose: &str,
        chunk_id: Option<Uuid>,
    ) -> Result<Answer, CallError> {
        let body = self.provider.body(request).to_string();
        let request_hash = self.request_hash(&body);
        let kept = provider_calls::replied(&self.database, self.project_id, &request_hash).await?;
        if let Some(call) = kept {
            let cut_off = call.details["cut_off"] == true;
            return Ok(Answer { text: call.reply.unwrap_or_default(), cut_off, request_hash, cached: true });
        }
        let call = |request_hash: &str| NewCall {
            project_id: self.project_id,
            job_id: self.job_id,
            chunk_id,
            provider: self.connection.clone(),
            address: self.provider.address().to_owned(),
            model: request.model.clone(),
            purpose: purpose.to_owned(),
            request_hash: request_hash.to_owned(),
            sent_bytes: body.len() as u64,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let call = provider_calls::begin(&self.database, call(&request_hash)).await?;
            let started = Instant::now();
            let outcome = self.provider.reply(request).await;
            let (tokens, cut_off) =
                outcome.as_ref().map_or(Default::default(), |reply| (reply.tokens, reply.cut_off));
            let ended = provider_calls::Outcome {
                duration_ms: started.elapsed().as_millis() as u64,
                prompt_tokens: tokens.prompt,
                completion_tokens: tokens.completion,
                reply: outcome.as_ref().map(|reply| reply.text.clone()).map_err(ToString::to_string),
                details: json!({ "attempt": attempt, "cut_off": cut_off }),
            };
            let call = provider_calls::end(&self.database, call, ended).await?;
            match outcome {
                Ok(_) => {
                    let text = call.reply.unwrap_or_default();
                    return Ok(Answer { text, cut_off, request_hash, cached: false });
                }
                Err(error) => {
                    // The id of the call is as good as chance.
                    let spread = f64::from(call.id.as_bytes()[15]) / 255.0;
                    let Some(pause) = self.patience.pause(attempt, &error, spread) else {
                        return Err(error.into());
                    };
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}
