//! The generation loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::kv_cache::{CHUNK, Decoding};
use super::sampling::{Sampler, Sampling};
use crate::models::Decoder;
use crate::tokenizer::Tokenizer;

#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    #[error("{tokens} tokens do not fit the model's context of {context}; shorten the prompt")]
    NoRoom { tokens: usize, context: usize },
    #[error(
        "token {id} is outside the model's vocabulary of {vocab_size}: tokenizer and model do not belong together"
    )]
    UnknownToken { id: u32, vocab_size: usize },
}

#[derive(Clone, Debug)]
pub struct GenerationOptions {
    pub sampling: Sampling,
    /// New tokens at most.
    pub max_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Token ids that end the answer; usually [`Tokenizer::stop_ids`]. Empty: go on to the limit.
    pub stop_ids: Vec<u32>,
    /// `false`: the bare base of a tuned model.
    pub with_adapter: bool,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    Stop,
    Length,
    Cancelled,
}

#[derive(Clone, Debug, Serialize)]
pub struct Generated {
    /// Without the prompt and the stop.
    pub text: String,
    /// The new tokens, without the one that stopped.
    pub ids: Vec<u32>,
    pub finish: Finish,
    pub prompt_tokens: usize,
    /// What reading the prompt took.
    pub prompt_time: Duration,
    /// Passes of one token each that followed.
    pub decode_steps: usize,
    /// What these took.
    pub decode_time: Duration,
}

impl Generated {
    /// Speed of the answer alone, without the prompt; `None` where no token followed the first.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let seconds = self.decode_time.as_secs_f64();
        (self.decode_steps > 0 && seconds > 0.0).then(|| self.decode_steps as f64 / seconds)
    }
}

/// Continues `prompt`; `on_text` gets the answer in pieces of whole characters. `cancel` is looked at before each pass,
/// while the prompt is read too.
pub fn generate(
    decoder: &Decoder,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    options: &GenerationOptions,
    cancel: &AtomicBool,
    on_text: &mut dyn FnMut(&str),
) -> Result<Generated, GenerationError> {
    let wanted = prompt.len().saturating_add(options.max_tokens);
    let mut decoding = Decoding::new(decoder, wanted, options.with_adapter);
    let started = Instant::now();
    let mut logits = read(&mut decoding, prompt, cancel)?;
    let read = Instant::now();
    let mut sampler = Sampler::new(options.sampling, prompt);
    let mut text = StoppableText::new(&options.stop, tokenizer);
    let mut ids = Vec::new();
    let mut decode_steps = 0;
    let finish = loop {
        if ids.len() >= options.max_tokens {
            break Finish::Length;
        }
        if cancel.load(Ordering::Relaxed) {
            break Finish::Cancelled;
        }
        let id = sampler.next(&mut logits);
        if options.stop_ids.contains(&id) {
            break Finish::Stop;
        }
        ids.push(id);
        if text.push(id, on_text) {
            break Finish::Stop;
        }
        if decoding.room() == 0 {
            break Finish::Length;
        }
        logits = decoding.push(&[id])?;
        decode_steps += 1;
    };
    let text = text.finish(on_text);
    Ok(Generated {
        text,
        ids,
        finish,
        prompt_tokens: prompt.len(),
        prompt_time: read - started,
        decode_steps,
        decode_time: read.elapsed(),
    })
}

/// Logits after the prompt, or after what was read of it when `cancel` was set.
fn read(decoding: &mut Decoding, prompt: &[u32], cancel: &AtomicBool) -> Result<Vec<f32>, GenerationError> {
    if prompt.len() > decoding.room() {
        return Err(GenerationError::NoRoom { tokens: prompt.len(), context: decoding.room() });
    }
    let (first, rest) = prompt.split_at(prompt.len().min(CHUNK));
    let mut logits = decoding.push(first)?;
    for part in rest.chunks(CHUNK) {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        logits = decoding.push(part)?;
    }
    Ok(logits)
}

/// Text so far, holding back what may turn out to be the beginning of a stop text.
struct StoppableText<'a> {
    stop: &'a [String],
    decoder: crate::tokenizer::StreamDecoder,
    text: String,
    /// Bytes of `text` already given out.
    sent: usize,
    stopped: bool,
}

impl<'a> StoppableText<'a> {
    fn new(stop: &'a [String], tokenizer: &Tokenizer) -> Self {
        Self { stop, decoder: tokenizer.stream_decoder(), text: String::new(), sent: 0, stopped: false }
    }

    /// Whether a stop text is complete.
    fn push(&mut self, id: u32, on_text: &mut dyn FnMut(&str)) -> bool {
        if let Some(piece) = self.decoder.push(id) {
            self.text.push_str(&piece);
        }
        let found = self
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| self.text.find(stop.as_str()))
            .min();
        if let Some(at) = found {
            self.text.truncate(at);
            self.stopped = true;
        }
        let safe = if self.stopped { self.text.len() } else { self.text.len() - self.held_back() };
        self.send(safe, on_text);
        self.stopped
    }

    /// Bytes at the end that begin a stop text.
    fn held_back(&self) -> usize {
        let begins = |stop: &String| {
            let longest = stop.len().min(self.text.len());
            (1..=longest)
                .rev()
                .find(|&n| stop.is_char_boundary(n) && self.text.ends_with(&stop[..n]))
                .unwrap_or(0)
        };
        self.stop.iter().map(begins).max().unwrap_or(0)
    }

    fn send(&mut self, until: usize, on_text: &mut dyn FnMut(&str)) {
        if until > self.sent {
            on_text(&self.text[self.sent..until]);
            self.sent = until;
        }
    }

    fn finish(mut self, on_text: &mut dyn FnMut(&str)) -> String {
        if !self.stopped
            && let Some(rest) = self.decoder.finish()
        {
            self.text.push_str(&rest);
        }
        self.send(self.text.len(), on_text);
        self.text
    }
}
