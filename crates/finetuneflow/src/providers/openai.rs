//! Servers that speak OpenAI's chat completions: Ollama, llama.cpp, vLLM, LM Studio, OpenAI and others
//! (<https://platform.openai.com/docs/api-reference/chat>). Only fields that all of them know are sent.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::{Provider, ProviderError, Reply, Request, Tokens};
use crate::remote::{self, BodyError};

/// A reply larger than this is no answer.
const MAX_REPLY_BYTES: usize = 8 << 20;

/// A server, with the key for it.
#[derive(Debug)]
pub struct OpenAi {
    client: Client,
    base: Url,
    address: String,
    key: Option<String>,
    timeout: Duration,
}

impl OpenAi {
    /// `base` ends where `/chat/completions` begins, such as `http://localhost:11434/v1`.
    ///
    /// # Errors
    /// Where the client cannot be made.
    pub fn new(base: Url, key: Option<String>, timeout: Duration) -> anyhow::Result<Self> {
        remote::choose_cryptography();
        // A key must not follow a redirection to another host, and a request is not to be repeated as a GET.
        let client =
            Client::builder().redirect(Policy::none()).connect_timeout(Duration::from_secs(10)).build()?;
        Ok(Self { client, address: base.origin().ascii_serialization(), base, key, timeout })
    }

    fn url(&self, path: &str) -> Url {
        remote::below(&self.base, path)
    }

    async fn send(&self, request: reqwest::RequestBuilder, model: &str) -> Result<Vec<u8>, ProviderError> {
        let request = match &self.key {
            Some(key) => request.header(AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        };
        let answer = async {
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = remote::body_of(response, MAX_REPLY_BYTES).await.map_err(|error| match error {
                BodyError::Broken(error) => self.unreachable(&error),
                BodyError::TooLarge => self.no_answer(format!("more than {MAX_REPLY_BYTES} bytes")),
            })?;
            if status.is_success() { Ok(body) } else { Err(self.failure(status, &headers, &body, model)) }
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(ProviderError::TimedOut {
                address: self.address.clone(),
                seconds: self.timeout.as_secs(),
            }),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ProviderError {
        ProviderError::Unreachable { address: self.address.clone(), reason: remote::cause_of(error) }
    }

    fn no_answer(&self, reason: impl Into<String>) -> ProviderError {
        ProviderError::NoAnswer { address: self.address.clone(), reason: reason.into() }
    }

    fn failure(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], model: &str) -> ProviderError {
        let (address, message) = (self.address.clone(), remote::message_of(body));
        let retry_after = remote::retry_after(headers);
        match status.as_u16() {
            // Some servers fail at a schema instead of refusing it; another attempt would fail again.
            status if message.contains("response_format") => {
                ProviderError::Refused { address, status, message }
            }
            status @ (401 | 403) => ProviderError::Unauthorized { address, status },
            404 if !model.is_empty() => {
                ProviderError::UnknownModel { address, model: model.to_owned(), message }
            }
            429 => ProviderError::Limited { address, retry_after, message },
            status @ (408 | 409 | 425 | 500..=599) => {
                ProviderError::Failed { address, status, retry_after, message }
            }
            status => ProviderError::Refused { address, status, message },
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

impl Provider for OpenAi {
    fn address(&self) -> &str {
        &self.address
    }

    fn leaves_the_machine(&self) -> bool {
        remote::leaves_the_machine(&self.base)
    }

    fn body(&self, request: &Request) -> Value {
        let mut body = json!({
            "model": request.model,
            "messages": request.turns,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": false,
        });
        if let Some(seed) = request.seed {
            body["seed"] = json!(seed);
        }
        if let Some(schema) = &request.schema {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "examples", "strict": true, "schema": schema },
            });
        }
        body
    }

    fn reply<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, ProviderError>> {
        async move {
            let post = self.client.post(self.url("chat/completions")).json(&self.body(request));
            let body = self.send(post, &request.model).await?;
            let completion: Completion =
                serde_json::from_slice(&body).map_err(|error| self.no_answer(error.to_string()))?;
            let choice =
                completion.choices.into_iter().next().ok_or_else(|| self.no_answer("no choices in it"))?;
            let usage = completion.usage;
            Ok(Reply {
                text: choice.message.content.unwrap_or_default(),
                tokens: Tokens {
                    prompt: usage.as_ref().and_then(|usage| usage.prompt_tokens),
                    completion: usage.and_then(|usage| usage.completion_tokens),
                },
                cut_off: choice.finish_reason.as_deref() == Some("length"),
            })
        }
        .boxed()
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<String>, ProviderError>> {
        async move {
            let body = self.send(self.client.get(self.url("models")), "").await?;
            let models: Models =
                serde_json::from_slice(&body).map_err(|error| self.no_answer(error.to_string()))?;
            let mut names: Vec<_> = models.data.into_iter().map(|model| model.id).collect();
            names.sort_unstable();
            Ok(names)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str) -> OpenAi {
        OpenAi::new(base.parse().unwrap(), None, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn paths_and_addresses_follow_the_base() {
        for (base, url, address) in [
            ("http://localhost:11434/v1", "http://localhost:11434/v1/models", "http://localhost:11434"),
            ("http://localhost:11434/v1/", "http://localhost:11434/v1/models", "http://localhost:11434"),
            ("https://example.org", "https://example.org/models", "https://example.org"),
            (
                "https://example.org:444/a/v1?x=1",
                "https://example.org:444/a/v1/models?x=1",
                "https://example.org:444",
            ),
        ] {
            assert_eq!((at(base).url("models").as_str(), at(base).address()), (url, address));
        }
    }
}
