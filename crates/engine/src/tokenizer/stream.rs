//! [`StreamDecoder`]: text of ids that arrive one by one, in whole characters.

use super::Tokenizer;

/// Turns ids into text as they come. Text is held back while it may still change: bytes of an unfinished character.
///
/// The pieces joined, with [`finish`](Self::finish), are what [`Tokenizer::decode`] gives for all ids.
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    tokenizer: Tokenizer,
    /// Ids that the next piece of text depends on: `ids[..read]` was emitted and is only context.
    ids: Vec<u32>,
    read: usize,
    /// Text of `ids[..read]`.
    context: String,
}

/// Ids whose text still ends in U+FFFD after this many are given out as they are: they are no UTF-8.
const LONGEST_WAIT: usize = 8;

impl StreamDecoder {
    pub(super) fn new(tokenizer: Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), read: 0, context: String::new() }
    }

    /// Takes the next id; gives the text that is certain now, if there is any.
    pub fn push(&mut self, id: u32) -> Option<String> {
        self.ids.push(id);
        let text = self.tokenizer.decode(&self.ids, true);
        let waiting = self.ids.len() - self.read;
        if text.ends_with(char::REPLACEMENT_CHARACTER) && waiting < LONGEST_WAIT {
            return None;
        }
        self.emit(text)
    }

    /// What is still held back, at the end.
    pub fn finish(&mut self) -> Option<String> {
        let text = self.tokenizer.decode(&self.ids, true);
        self.emit(text)
    }

    fn emit(&mut self, text: String) -> Option<String> {
        // Where the earlier text changed after all, what is out is out: go on from the same length.
        let piece = text.get(self.context.len()..).unwrap_or_default().to_string();
        if piece.is_empty() {
            return None;
        }
        // The last pieces' ids stay as context: decoders treat the first id of a text differently.
        self.ids.drain(..self.read);
        self.read = self.ids.len();
        self.context = self.tokenizer.decode(&self.ids, true);
        Some(piece)
    }
}
