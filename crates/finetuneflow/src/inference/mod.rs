//! Answers from models that stay loaded: bases, and the adapters on them.

mod kept;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::generation::{Finish, GenerationError, GenerationOptions, Sampling, generate};
use engine::tokenizer::{Prompt, TemplateError, render_prompt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use kept::Weights;
pub use turns::{Client, MOST_WAITING_OF_ONE, QueueFull, Turn, Turns};

use crate::cli::model::Loaded;
use kept::Kept;

/// Answers that are made at the same time.
const AT_ONCE: usize = 2;

/// How to answer.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// New tokens at most; the model's context is a limit too.
    pub max_tokens: usize,
    /// How to draw.
    pub sampling: Sampling,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
}

/// An answer's end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// All of the text.
    pub text: String,
    /// New tokens.
    pub tokens: usize,
    /// Tokens of the question.
    pub prompt_tokens: usize,
    /// Why it ended.
    pub finish: Finish,
    /// What reading the question took.
    pub prompt_time: Duration,
    /// What the answer took after that.
    pub decode_time: Duration,
    /// Of the answer alone; `None` where it has no second token.
    pub tokens_per_second: Option<f64>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The queue has no room.
    #[error(transparent)]
    Full(#[from] QueueFull),
    /// The conversation leaves no room for an answer.
    #[error(
        "the conversation has {tokens} tokens; with an answer it does not fit the model's context of {context}"
    )]
    Context {
        /// Of the conversation, rendered.
        tokens: usize,
        /// The model's.
        context: usize,
    },
    /// The model's chat template does not take this conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The model cannot be used.
    #[error("{0:#}")]
    Model(anyhow::Error),
}

/// The loaded models, and the queue before them.
pub struct Inference {
    kept: Kept,
    turns: Turns,
}

impl Inference {
    /// Nothing is loaded yet. 0 threads: all cores.
    pub fn new(threads: usize) -> Self {
        Self { kept: Kept::new(threads), turns: Turns::new(AT_ONCE) }
    }

    /// The queue.
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    /// How many models and adapters are loaded.
    pub fn loaded(&self) -> (usize, usize) {
        self.kept.count()
    }

    /// Waits for a turn, loads the model and renders the conversation (`{"role", "content"}` each). Models are loaded
    /// only for who has a turn, so that a long queue needs no more memory than a short one. Dropping the future leaves
    /// the queue.
    ///
    /// # Errors
    /// The queue is full, the model or the conversation cannot be used.
    pub async fn prepare(
        &self,
        client: Client,
        weights: &Weights,
        messages: &[Value],
    ) -> Result<Ready, InferenceError> {
        let turn = self.turns.take(client).await?;
        let model = self.kept.load(weights).await.map_err(InferenceError::Model)?;
        let messages = messages.to_vec();
        let render = move || render(&model, &messages).map(|prompt| (prompt, model));
        let rendered = tokio::task::spawn_blocking(render).await;
        let (prompt, model) = rendered.map_err(|error| InferenceError::Model(error.into()))??;
        Ok(Ready { turn, model, prompt })
    }
}

fn render(model: &Loaded, messages: &[Value]) -> Result<Prompt, InferenceError> {
    let Some(template) = &model.template else {
        let reason = "the model has no chat template, so it cannot answer conversations";
        return Err(InferenceError::Model(anyhow::Error::msg(reason)));
    };
    let prompt = render_prompt(&model.tokenizer, template, messages, None)?;
    let (tokens, context) = (prompt.ids.len(), model.decoder.spec.max_position_embeddings);
    if tokens >= context {
        return Err(InferenceError::Context { tokens, context });
    }
    Ok(prompt)
}

/// A question whose turn it is.
pub struct Ready {
    turn: Turn,
    model: Arc<Loaded>,
    prompt: Prompt,
}

impl Ready {
    /// What the model is given.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// Begins the answer.
    pub fn answer(self, options: AnswerOptions) -> Answering {
        let (sender, pieces) = mpsc::unbounded_channel();
        let cancel = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&cancel);
        let ended = tokio::task::spawn_blocking(move || {
            let mut on_text = |text: &str| {
                // Whoever listened is gone: `cancel` is set, too.
                let _ = sender.send(text.to_owned());
            };
            self.generate(options, &stop, &mut on_text)
        });
        Answering { pieces, ended, cancel }
    }

    /// The turn ends with the work, also where nobody waits for the answer any more.
    fn generate(
        self,
        options: AnswerOptions,
        cancel: &AtomicBool,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Answer, GenerationError> {
        let Self { turn, model, prompt } = self;
        let options = GenerationOptions {
            sampling: options.sampling,
            max_tokens: options.max_tokens,
            stop: options.stop,
            stop_ids: model.tokenizer.stop_ids().to_vec(),
            with_adapter: true,
        };
        let made = generate(&model.decoder, &model.tokenizer, &prompt.ids, &options, cancel, on_text)?;
        drop(turn);
        Ok(Answer {
            tokens: made.ids.len(),
            prompt_tokens: made.prompt_tokens,
            finish: made.finish,
            prompt_time: made.prompt_time,
            decode_time: made.decode_time,
            tokens_per_second: made.tokens_per_second(),
            text: made.text,
        })
    }
}

/// An answer that is being made. Dropping it ends the work.
pub struct Answering {
    pieces: mpsc::UnboundedReceiver<String>,
    ended: JoinHandle<Result<Answer, GenerationError>>,
    cancel: Arc<AtomicBool>,
}

impl Answering {
    /// The next piece of text; `None` when there are no more.
    pub async fn next(&mut self) -> Option<String> {
        self.pieces.recv().await
    }

    /// The answer as a whole.
    ///
    /// # Errors
    /// Tokens that the model does not have.
    pub async fn end(&mut self) -> Result<Answer, InferenceError> {
        let failed = |error: anyhow::Error| InferenceError::Model(error);
        (&mut self.ended).await.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}
