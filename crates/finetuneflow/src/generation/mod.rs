//! Examples of chunks, written by a language model: what is asked ([`prompts`]), how ([`calls`]), what is made of the reply
//! ([`reply`]), and one unit of the work ([`unit`]). The job is [`crate::jobs::dataset_write`].

pub mod calls;
pub mod plan;
pub mod prompts;
pub mod reply;
pub mod unit;

use serde::{Deserialize, Serialize};

pub use prompts::{Prompt, Task};

/// What is to be written, by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The connection's name.
    pub connection: String,
    /// The model's name there.
    pub model: String,
    /// What is written.
    pub task: Task,
    /// Of questions and answers, in words, such as `French`.
    pub language: String,
    /// In words, such as `plain and friendly`.
    pub tone: String,
    /// Of each chunk.
    pub examples_per_chunk: u32,
    /// Of a reply.
    pub max_tokens: u32,
    /// 0: the most likely words each time.
    pub temperature: f32,
    /// Whether the server is asked to keep replies to a schema.
    pub use_schema: bool,
    /// A prompt of the project's own, in the shape of the files in `prompts/`.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The work stops before it takes more than this.
    #[serde(default)]
    pub budget: Budget,
}

/// Bounds of the whole work; those left out do not bound it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Calls that leave, failed ones too.
    pub max_calls: Option<u64>,
    /// Tokens of requests and replies, as the provider counts.
    pub max_tokens: Option<u64>,
}

impl Budget {
    /// Whether anything is bounded.
    pub fn is_set(&self) -> bool {
        self.max_calls.is_some() || self.max_tokens.is_some()
    }

    /// Which bound is reached, in words.
    pub fn reached(&self, usage: &store::provider_calls::Usage) -> Option<String> {
        let tokens = usage.prompt_tokens + usage.completion_tokens;
        match (self.max_calls, self.max_tokens) {
            (Some(most), _) if usage.calls >= most => {
                Some(format!("{} of {most} calls are made", usage.calls))
            }
            (_, Some(most)) if tokens >= most => Some(format!("{tokens} of {most} tokens are used")),
            _ => None,
        }
    }
}

impl Options {
    /// The prompt of these options.
    ///
    /// # Errors
    /// Where the project's own is none.
    pub fn prompt(&self) -> Result<Prompt, prompts::PromptError> {
        match &self.prompt {
            Some(own) => Prompt::own(own, self.task.id()),
            None => Ok(Prompt::of(self.task)),
        }
    }
}
