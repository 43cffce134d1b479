//! A conversation as token ids, for training and for prompts.
//!
//! The rendered text is tokenised once. What other people wrote in it stays text: where a user's message holds the
//! string of a special token, it is encoded as letters, so that no message can end its turn or open another's.

use std::ops::Range;

use serde_json::Value as Json;

use super::Tokenizer;
use super::chat_template::{ChatTemplate, RenderInput, Rendered, TemplateError};
use super::generation_blocks::choose_mark;
use super::loss_mask::{self, Answer, MaskError};

/// A conversation, rendered and tokenised.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub text: String,
    pub ids: Vec<u32>,
    /// The bytes of `text` that each id came from.
    pub offsets: Vec<Range<usize>>,
    /// What the assistant wrote.
    pub answers: Vec<Answer>,
    /// Whether a message held the string of a special token, which was encoded as text.
    pub held_special_tokens: bool,
}

/// Renders and tokenises a whole conversation, and finds the assistant's answers in it.
pub fn encode_conversation(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Json],
    tools: Option<&Json>,
) -> Result<Conversation, MaskError> {
    let (bos, eos) = (tokenizer.bos_token(), tokenizer.eos_token());
    let guard = Guard::new(tokenizer, messages);
    let messages = guard.as_ref().map_or(messages, |guard| &guard.messages);
    let input =
        RenderInput { messages, add_generation_prompt: false, bos_token: &bos, eos_token: &eos, tools };
    let rendered = template.render(&input)?;
    let specials: Vec<&str> = tokenizer.special_tokens().map(|(token, _)| token).collect();
    let mut answers = loss_mask::find_answers(template, &input, &rendered, &specials)?;
    let Some(guard) = guard else {
        let (ids, offsets) = tokenizer.encode_with_offsets(&rendered.text);
        return Ok(Conversation { text: rendered.text, ids, offsets, answers, held_special_tokens: false });
    };
    let unguarded = guard.lift(&rendered);
    for answer in &mut answers {
        answer.range = unguarded.place(answer.range.start)..unguarded.place(answer.range.end);
    }
    let (ids, offsets) = unguarded.encode(tokenizer);
    Ok(Conversation { text: unguarded.text, ids, offsets, answers, held_special_tokens: true })
}

/// What a model is given to answer a conversation.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The conversation through the chat template, with the generation prompt.
    pub text: String,
    pub ids: Vec<u32>,
}

/// The ids of [`render_prompt`].
pub fn encode_prompt(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Json],
    tools: Option<&Json>,
) -> Result<Vec<u32>, TemplateError> {
    render_prompt(tokenizer, template, messages, tools).map(|prompt| prompt.ids)
}

/// Renders and tokenises a conversation with the generation prompt.
pub fn render_prompt(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Json],
    tools: Option<&Json>,
) -> Result<Prompt, TemplateError> {
    let (bos, eos) = (tokenizer.bos_token(), tokenizer.eos_token());
    let guard = Guard::new(tokenizer, messages);
    let messages = guard.as_ref().map_or(messages, |guard| &guard.messages);
    let input =
        RenderInput { messages, add_generation_prompt: true, bos_token: &bos, eos_token: &eos, tools };
    let rendered = template.render(&input)?;
    let Some(guard) = guard else {
        return Ok(Prompt { ids: tokenizer.encode(&rendered.text), text: rendered.text });
    };
    let unguarded = guard.lift(&rendered);
    Ok(Prompt { ids: unguarded.encode(tokenizer).0, text: unguarded.text })
}

/// Messages in which the strings of special tokens are broken by a mark after their first character.
struct Guard {
    messages: Vec<Json>,
    mark: char,
}

impl Guard {
    /// `None` where no message but the assistant's holds a special token.
    fn new(tokenizer: &Tokenizer, messages: &[Json]) -> Option<Self> {
        let foreign = |message: &&Json| !loss_mask::is_assistant(message);
        let held = |message: &Json| content(message).is_some_and(|text| tokenizer.contains_special(text));
        if !messages.iter().filter(foreign).any(held) {
            return None;
        }
        let mark = choose_mark(|c| messages.iter().filter_map(content).any(|text| text.contains(c)))?;
        let mut specials: Vec<&str> = tokenizer.special_tokens().map(|(token, _)| token).collect();
        specials.sort_by_key(|token| std::cmp::Reverse(token.len()));
        let broken = messages
            .iter()
            .map(|message| match content(message).filter(|_| foreign(&message)) {
                Some(text) => {
                    let mut message = message.clone();
                    message["content"] = Json::String(break_specials(text, &specials, mark));
                    message
                }
                None => message.clone(),
            })
            .collect();
        Some(Self { messages: broken, mark })
    }

    fn lift(&self, rendered: &Rendered) -> Unguarded {
        let mut marks = Vec::new();
        let mut text = String::with_capacity(rendered.text.len());
        for (at, c) in rendered.text.char_indices() {
            if c == self.mark {
                marks.push(at);
            } else {
                text.push(c);
            }
        }
        Unguarded { text, marks, mark_len: self.mark.len_utf8() }
    }
}

fn content(message: &Json) -> Option<&str> {
    message.get("content")?.as_str()
}

fn break_specials(text: &str, specials: &[&str], mark: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        out.push(first);
        let step = match specials.iter().find(|special| rest.starts_with(**special)) {
            Some(special) => {
                out.push(mark);
                out.push_str(&special[first.len_utf8()..]);
                special.len()
            }
            None => first.len_utf8(),
        };
        rest = &rest[step..];
    }
    out
}

/// A rendered text with the marks taken out, and where they were.
struct Unguarded {
    text: String,
    /// Byte offsets of the marks in the marked text, ascending.
    marks: Vec<usize>,
    mark_len: usize,
}

impl Unguarded {
    /// Where a byte of the marked text is now.
    fn place(&self, at: usize) -> usize {
        at - self.marks.partition_point(|&mark| mark < at) * self.mark_len
    }

    /// Encodes each stretch between real special tokens that holds a broken one as plain text, all else as usual.
    fn encode(&self, tokenizer: &Tokenizer) -> (Vec<u32>, Vec<Range<usize>>) {
        // A mark stands one character into the text of its broken token.
        let broken: Vec<usize> = self.marks.iter().map(|&mark| self.place(mark)).collect();
        let real = self.real_specials(tokenizer, &broken);
        let (mut ids, mut offsets, mut done) = (Vec::new(), Vec::new(), 0);
        let mut append = |range: Range<usize>, plain: bool| {
            let piece = &self.text[range.clone()];
            if piece.is_empty() {
                return;
            }
            let (piece_ids, piece_offsets) = if plain {
                tokenizer.encode_plain_with_offsets(piece)
            } else {
                tokenizer.encode_with_offsets(piece)
            };
            ids.extend(piece_ids);
            offsets.extend(piece_offsets.into_iter().map(|o| range.start + o.start..range.start + o.end));
        };
        for &at in &broken {
            if at < done {
                continue;
            }
            let after = real.partition_point(|token| token.start < at);
            let start = if after == 0 { 0 } else { real[after - 1].end };
            // A special token may take the whitespace after it (`rstrip`): leave that on its side.
            let start = start + self.text[start..].len() - self.text[start..].trim_start().len();
            let end = real.get(after).map_or(self.text.len(), |token| token.start);
            append(done..start, false);
            append(start..end, true);
            done = end;
        }
        append(done..self.text.len(), false);
        (ids, offsets)
    }

    /// Where the template's own special tokens stand: all occurrences but the broken ones.
    fn real_specials(&self, tokenizer: &Tokenizer, broken: &[usize]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = tokenizer
            .special_tokens()
            .flat_map(|(token, _)| {
                self.text.match_indices(token).map(|(start, token)| start..start + token.len())
            })
            .filter(|token| !broken.iter().any(|&at| token.contains(&at)))
            .collect();
        found.sort_by_key(|token| (token.start, std::cmp::Reverse(token.end)));
        found
    }
}
