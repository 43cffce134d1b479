//! [`Tokenizer`]: a model's own tokenizer, with its special tokens known by role.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokenizers::{AddedToken, Encoding, PostProcessorWrapper};

use super::model_files::{self, Companions};
use super::stream::StreamDecoder;
use super::{TokenizerError, gguf};
use crate::weights::gguf::is_gguf;

pub(super) type Library = tokenizers::Tokenizer;

/// A model's tokenizer. Cheap to clone, usable from many threads.
#[derive(Clone)]
pub struct Tokenizer {
    shared: Arc<Shared>,
}

struct Shared {
    /// Recognises the strings of added tokens. Has no post-processor: those add tokens and trim offsets.
    library: Library,
    /// The same without recognising special tokens; made when first asked for.
    plain: OnceLock<Library>,
    roles: Roles,
    vocab_size: usize,
    base_vocab_size: usize,
    /// Content and id of the added tokens that are special or have a role.
    special: HashMap<String, u32>,
}

/// Ids by role, as the model's files say.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) pad: Option<u32>,
    pub(super) stop: Vec<u32>,
    pub(super) adds_bos: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a model folder, and the roles of its special tokens from `tokenizer_config.json`,
    /// `special_tokens_map.json`, `config.json` and `generation_config.json`, in this order, where they exist.
    /// A GGUF file carries its own.
    pub fn open(model_dir: &Path) -> Result<Self, TokenizerError> {
        if is_gguf(model_dir) {
            let (library, roles) = gguf::read(model_dir)?;
            let damaged = |problem| TokenizerError::Damaged { path: model_dir.into(), problem };
            return Self::from_library(library, roles).map_err(damaged);
        }
        let path = model_dir.join("tokenizer.json");
        let bytes = model_files::read_optional(&path)?.ok_or_else(|| missing(model_dir))?;
        let damaged = |problem: String| TokenizerError::Damaged { path: path.clone(), problem };
        let mut library = Library::from_bytes(bytes).map_err(|error| damaged(error.to_string()))?;
        let companions = Companions::read(model_dir)?;
        add_missing_tokens(&mut library, &companions).map_err(damaged)?;

        let lookup = |token: &str| library.token_to_id(token);
        let known = |id: &u32| library.id_to_token(*id).is_some();
        let mut roles = Roles {
            bos: companions.special_id("bos", lookup).filter(known),
            eos: companions.special_id("eos", lookup).filter(known),
            pad: companions.special_id("pad", lookup).filter(known),
            ..Roles::default()
        };
        roles.stop = roles.eos.into_iter().chain(companions.end_ids()).filter(known).collect();
        roles.stop.sort_unstable();
        roles.stop.dedup();
        roles.adds_bos = roles.bos.is_some()
            && companions.add_bos_token().unwrap_or_else(|| begins_with(&library, roles.bos));
        Self::from_library(library, roles).map_err(damaged)
    }

    /// Takes a tokenizer of the library as it is and turns off what encoding must not do.
    pub(super) fn from_library(mut library: Library, roles: Roles) -> Result<Self, String> {
        library.with_truncation(None).map_err(|error| error.to_string())?;
        library.with_padding(None);
        library.with_post_processor(None::<PostProcessorWrapper>);
        // A character that no vocabulary holds: where even the unknown token is missing, say so now.
        library.encode_fast("\u{10FFFD}", false).map_err(|error| error.to_string())?;
        let base_vocab_size = library.get_vocab(false).values().max().map_or(0, |id| *id as usize + 1);
        let added = library.get_added_tokens_decoder().into_keys().max().map_or(0, |id| id as usize + 1);
        let vocab_size = base_vocab_size.max(added);
        let role_ids = [roles.bos, roles.eos, roles.pad];
        let special = library
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(id, token)| token.special || role_ids.contains(&Some(*id)) || roles.stop.contains(id))
            .map(|(id, token)| (token.content, id))
            .collect();
        let plain = OnceLock::new();
        let shared = Shared { library, plain, roles, vocab_size, base_vocab_size, special };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Ids of a text. The strings of special tokens inside it become their ids (a rendered template needs that);
    /// nothing is added around it.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        encode_ids(&self.shared.library, text)
    }

    /// As [`encode`](Self::encode), with the byte range of `text` that each id came from. Ids that share a character
    /// share its range; a range may be empty for what a normaliser put in.
    pub fn encode_with_offsets(&self, text: &str) -> (Vec<u32>, Vec<Range<usize>>) {
        encode_offsets(&self.shared.library, text)
    }

    /// Ids of a text that nobody vouches for: the string `<|im_end|>` in it becomes the ids of its letters, never the
    /// special token.
    pub fn encode_plain(&self, text: &str) -> Vec<u32> {
        encode_ids(self.shared.plain(), text)
    }

    /// As [`encode_plain`](Self::encode_plain), with byte ranges as in
    /// [`encode_with_offsets`](Self::encode_with_offsets).
    pub fn encode_plain_with_offsets(&self, text: &str) -> (Vec<u32>, Vec<Range<usize>>) {
        encode_offsets(self.shared.plain(), text)
    }

    /// What a model is given for a raw prompt: BOS, where this tokenizer has one and begins texts with it, and the ids
    /// of the text. An empty prompt is BOS alone. A text that already begins with BOS gets no second one.
    pub fn encode_raw_prompt(&self, text: &str) -> Vec<u32> {
        let ids = if text.is_empty() { Vec::new() } else { self.encode(text) };
        match self.bos_id() {
            Some(bos) if ids.first() != Some(&bos) && (ids.is_empty() || self.adds_bos()) => {
                std::iter::once(bos).chain(ids).collect()
            }
            _ => ids,
        }
    }

    /// Text of ids. Bytes that are no UTF-8 become U+FFFD; ids outside the vocabulary are left out.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        self.shared.library.decode(ids, skip_special).unwrap_or_default()
    }

    /// A decoder for ids that come one by one; special tokens are left out.
    pub fn stream_decoder(&self) -> StreamDecoder {
        StreamDecoder::new(self.clone())
    }

    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.shared.library.token_to_id(token)
    }

    pub fn id_token(&self, id: u32) -> Option<String> {
        self.shared.library.id_to_token(id)
    }

    /// The largest id plus one: what the embedding needs at least (ids may have gaps).
    pub fn vocab_size(&self) -> usize {
        self.shared.vocab_size
    }

    /// As [`vocab_size`](Self::vocab_size), without tokens that were added to the vocabulary. A model must have all of these;
    /// of added tokens some models lack what they never meet.
    pub fn base_vocab_size(&self) -> usize {
        self.shared.base_vocab_size
    }

    pub fn bos_id(&self) -> Option<u32> {
        self.shared.roles.bos
    }

    pub fn eos_id(&self) -> Option<u32> {
        self.shared.roles.eos
    }

    pub fn pad_id(&self) -> Option<u32> {
        self.shared.roles.pad
    }

    /// Every id that ends an answer: EOS, and what `generation_config.json` lists beside it. Ascending.
    pub fn stop_ids(&self) -> &[u32] {
        &self.shared.roles.stop
    }

    /// Whether this tokenizer puts BOS before raw text (`add_bos_token`, or its own post-processor).
    pub fn adds_bos(&self) -> bool {
        self.shared.roles.adds_bos
    }

    /// Text of BOS, as chat templates want it; empty where there is none.
    pub fn bos_token(&self) -> String {
        self.bos_id().and_then(|id| self.id_token(id)).unwrap_or_default()
    }

    /// Text of EOS, as chat templates want it; empty where there is none.
    pub fn eos_token(&self) -> String {
        self.eos_id().and_then(|id| self.id_token(id)).unwrap_or_default()
    }

    /// The strings that [`encode`](Self::encode) turns into one special id.
    pub fn special_tokens(&self) -> impl Iterator<Item = (&str, u32)> {
        self.shared.special.iter().map(|(content, id)| (content.as_str(), *id))
    }

    /// Whether a text holds the string of a special token.
    pub fn contains_special(&self, text: &str) -> bool {
        self.shared.special.keys().any(|token| text.contains(token.as_str()))
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("roles", &self.shared.roles)
            .finish()
    }
}

impl Shared {
    fn plain(&self) -> &Library {
        self.plain.get_or_init(|| {
            let mut plain = self.library.clone();
            // Tokens with a role count as special even where the file does not mark them so.
            let marked = self.special.values().filter_map(|id| {
                let token = self.library.get_added_tokens_decoder().remove(id)?;
                (!token.special).then_some(AddedToken { special: true, ..token })
            });
            // An error here would leave those few tokens recognised, nothing worse.
            let _ = plain.add_special_tokens(marked.collect::<Vec<_>>());
            plain.set_encode_special_tokens(true);
            plain
        })
    }
}

fn encode_ids(library: &Library, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    let encode = |text: &str| library.encode_fast(text, false).ok();
    for_each_piece(&encode, text, 0, &mut |encoding, _| ids.extend_from_slice(encoding.get_ids()));
    ids
}

fn encode_offsets(library: &Library, text: &str) -> (Vec<u32>, Vec<Range<usize>>) {
    let (mut ids, mut offsets) = (Vec::new(), Vec::new());
    let encode = |text: &str| library.encode(text, false).ok();
    for_each_piece(&encode, text, 0, &mut |encoding, base| {
        ids.extend_from_slice(encoding.get_ids());
        offsets.extend(encoding.get_offsets().iter().map(|(start, end)| base + start..base + end));
    });
    (ids, offsets)
}

/// Encodes `text` whole. Should the library fail on it (a pattern's backtracking limit), its halves are tried, down
/// to single characters, so that one bad stretch costs no more than itself. `each` gets the byte offset of its piece.
fn for_each_piece(
    encode: &impl Fn(&str) -> Option<Encoding>,
    text: &str,
    base: usize,
    each: &mut impl FnMut(Encoding, usize),
) {
    if let Some(encoding) = encode(text) {
        return each(encoding, base);
    }
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    if middle == 0 {
        return;
    }
    let (left, right) = text.split_at(middle);
    for_each_piece(encode, left, base, each);
    for_each_piece(encode, right, base + middle, each);
}

/// Whether the tokenizer's own post-processor puts `bos` first.
fn begins_with(library: &Library, bos: Option<u32>) -> bool {
    bos.is_some() && library.encode("", true).is_ok_and(|encoding| encoding.get_ids().first().copied() == bos)
}

/// Adds what `added_tokens_decoder` lists and `tokenizer.json` lacks, as `transformers` does.
fn add_missing_tokens(library: &mut Library, companions: &Companions) -> Result<(), String> {
    for (id, token) in companions.added_tokens() {
        let Some(content) = model_files::token_content(token) else { continue };
        if content.is_empty() || library.token_to_id(content).is_some() {
            continue;
        }
        let flag = |name: &str| token.get(name).and_then(serde_json::Value::as_bool);
        let added = AddedToken::from(content, flag("special").unwrap_or(false))
            .lstrip(flag("lstrip").unwrap_or(false))
            .rstrip(flag("rstrip").unwrap_or(false))
            .single_word(flag("single_word").unwrap_or(false))
            .normalized(flag("normalized").unwrap_or(false));
        library.add_tokens([added]).map_err(|error| error.to_string())?;
        let given = library.token_to_id(content);
        if given != Some(id) {
            return Err(format!(
                "tokenizer_config.json gives the token {content:?} the id {id}, tokenizer.json would give it {given:?}: \
                 the two files do not belong together"
            ));
        }
    }
    Ok(())
}

fn missing(model_dir: &Path) -> TokenizerError {
    let problem = if !model_dir.exists() {
        "no such folder".to_string()
    } else if !model_dir.is_dir() {
        "is a file, not a folder".to_string()
    } else if model_dir.join("tokenizer.model").exists() {
        "has tokenizer.model but no tokenizer.json".to_string()
    } else {
        "has no tokenizer.json".to_string()
    };
    TokenizerError::Missing { path: model_dir.to_path_buf(), problem }
}
