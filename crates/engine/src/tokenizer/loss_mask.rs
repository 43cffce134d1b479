//! Which bytes of a rendered conversation the assistant wrote: the ones that are learned.
//!
//! A template with `{% generation %}` blocks says it itself. For all others, message by message:
//!
//! 1. *Prefixes.* The conversation up to the answer, with the generation prompt, is what the model will be given; the
//!    conversation up to and with the answer is what it should make of it. Where the first is a prefix of the second,
//!    and the second of the whole, the difference is the answer, with the token that ends the turn.
//! 2. *A marker.* Where earlier answers are rendered otherwise than the last one (reasoning removed), the answer's text
//!    is replaced by a marker; what stands before and after the marker encloses the answer in the whole text. The
//!    special token that follows directly belongs to it.
//! 3. Otherwise there is an error: guessing would teach the model to write the user's part.

use std::ops::Range;

use serde_json::Value as Json;

use super::chat_template::{ChatTemplate, RenderInput, Rendered, TemplateError};

/// One answer of the assistant in a rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Index of the message.
    pub message: usize,
    /// Bytes of the rendered text, the end-of-turn token included.
    pub range: Range<usize>,
}

/// Why the answers of a conversation were not found.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(
        "the chat template renders the answer in message {} so that its place cannot be told from its surroundings; \
         learn all tokens, or use a template with {{% generation %}} blocks", .message + 1
    )]
    AnswerNotFound { message: usize },
}

/// Whether the assistant wrote a message.
pub fn is_assistant(message: &Json) -> bool {
    matches!(message.get("role").and_then(Json::as_str), Some("assistant" | "model"))
}

/// The answers in `rendered`, which is `input` rendered without a generation prompt. `special_tokens` are the strings
/// that may end a turn.
pub fn find_answers(
    template: &ChatTemplate,
    input: &RenderInput<'_>,
    rendered: &Rendered,
    special_tokens: &[&str],
) -> Result<Vec<Answer>, MaskError> {
    let messages: Vec<usize> =
        (0..input.messages.len()).filter(|&i| is_assistant(&input.messages[i])).collect();
    if template.has_generation_blocks() {
        return Ok(blocks_by_message(template, input, rendered, &messages));
    }
    messages
        .into_iter()
        .map(|message| {
            let range = by_prefixes(template, input, &rendered.text, message)
                .or_else(|| by_marker(template, input, &rendered.text, message, special_tokens))
                .ok_or(MaskError::AnswerNotFound { message })?;
            Ok(Answer { message, range })
        })
        .collect()
}

/// One block a message is the rule; otherwise each block belongs to the last answer that begins before its end.
fn blocks_by_message(
    template: &ChatTemplate,
    input: &RenderInput<'_>,
    rendered: &Rendered,
    messages: &[usize],
) -> Vec<Answer> {
    let blocks = rendered.assistant.iter().cloned();
    if blocks.len() == messages.len() {
        return messages.iter().zip(blocks).map(|(&message, range)| Answer { message, range }).collect();
    }
    let begins: Vec<usize> = messages
        .iter()
        .map(|&message| {
            let before =
                RenderInput { messages: &input.messages[..message], add_generation_prompt: false, ..*input };
            template.render(&before).map_or(0, |before| before.text.len())
        })
        .collect();
    blocks
        .filter_map(|range| {
            let owner = begins.iter().rposition(|&begin| begin < range.end).unwrap_or(0);
            Some(Answer { message: *messages.get(owner)?, range })
        })
        .collect()
}

fn by_prefixes(
    template: &ChatTemplate,
    input: &RenderInput<'_>,
    whole: &str,
    message: usize,
) -> Option<Range<usize>> {
    let given = RenderInput { messages: &input.messages[..message], add_generation_prompt: true, ..*input };
    let given = template.render(&given).ok()?.text;
    if message + 1 == input.messages.len() {
        return whole.starts_with(&given).then_some(given.len()..whole.len());
    }
    let answered =
        RenderInput { messages: &input.messages[..=message], add_generation_prompt: false, ..*input };
    let answered = template.render(&answered).ok()?.text;
    (answered.starts_with(&given) && whole.starts_with(&answered)).then_some(given.len()..answered.len())
}

fn by_marker(
    template: &ChatTemplate,
    input: &RenderInput<'_>,
    whole: &str,
    message: usize,
    special_tokens: &[&str],
) -> Option<Range<usize>> {
    input.messages[message].get("content")?.as_str()?;
    let marker =
        (0..100).map(|i| format!("Answer{i}Marker")).find(|marker| !whole.contains(marker.as_str()))?;
    let mut messages = input.messages.to_vec();
    messages[message]["content"] = Json::String(marker.clone());
    let marked = template.render(&RenderInput { messages: &messages, ..*input }).ok()?.text;
    let (before, after) = marked.split_once(&marker)?;
    if after.contains(&marker) || !whole.starts_with(before) || !whole.ends_with(after) {
        return None;
    }
    let end = whole.len() - after.len();
    let range = before.len()..end;
    (range.start <= range.end).then(|| range.start..end + end_of_turn(after, special_tokens))
}

/// Bytes of the special token that `text` begins with, whitespace before it included; 0 without one.
fn end_of_turn(text: &str, special_tokens: &[&str]) -> usize {
    let token = text.trim_start();
    let length = special_tokens.iter().filter(|special| token.starts_with(**special)).map(|s| s.len()).max();
    length.map_or(0, |length| text.len() - token.len() + length)
}

/// For each token, whether any of its bytes lies in one of the ranges. Tokens without bytes (put in by a normaliser)
/// count where they stand inside a range.
pub fn tokens_in(offsets: &[Range<usize>], ranges: &[Range<usize>]) -> Vec<bool> {
    let inside = |token: &Range<usize>| {
        let end = token.end.max(token.start + 1);
        ranges.iter().any(|range| token.start < range.end && end > range.start)
    };
    offsets.iter().map(inside).collect()
}
