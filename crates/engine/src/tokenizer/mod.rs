//! Text to token ids and back, and conversations to text.
//!
//! [`Tokenizer`] reads a Hugging Face model folder (`tokenizer.json` and its companions), [`ChatTemplate`]
//! renders its Jinja template as `transformers` does, and [`loss_mask`] finds which bytes of a rendered
//! conversation the assistant wrote. Nothing here knows tensors or batches.
//!
//! Formats: <https://huggingface.co/docs/tokenizers>, <https://huggingface.co/docs/transformers/chat_templating>.

mod chat_template;
mod conversation;
mod encoder;
mod generation_blocks;
mod gguf;
mod jinja;
mod json_python;
pub mod loss_mask;
mod model_files;
mod stream;

pub use chat_template::{ChatTemplate, RenderInput, Rendered, TemplateError};
pub use conversation::{Conversation, Prompt, encode_conversation, encode_prompt, render_prompt};
pub use encoder::Tokenizer;
pub use gguf::gguf_companions;
pub use loss_mask::{Answer, MaskError};
pub use stream::StreamDecoder;

use std::path::PathBuf;

use crate::weights::WeightsError;

/// Why a tokenizer could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error(
        "{path}: {problem}; expected a model folder with tokenizer.json (download it again, or export it with `save_pretrained`)"
    )]
    Missing { path: PathBuf, problem: String },
    #[error(
        "{path} is a Git LFS pointer, not the file itself: run `git lfs pull` in that folder, or download the file"
    )]
    LfsPointer { path: PathBuf },
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Gguf(#[from] WeightsError),
    #[error("{path}: {problem}")]
    Unsupported { path: PathBuf, problem: String },
    #[error("{path} is damaged or not what its name says: {problem}; download it again")]
    Damaged { path: PathBuf, problem: String },
}
