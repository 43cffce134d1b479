//! Rows to ids and labels, on all threads, with everything worth a warning counted.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::encoded_data::{DataWarning, EncodedData, EncodedRow, WarningKind};
use super::error::{DataError, Place};
use super::micro_batch::IGNORE;
use super::rows::{Row, RowReader};
use crate::tokenizer::loss_mask::tokens_in;
use crate::tokenizer::{ChatTemplate, Tokenizer, encode_conversation};

/// What is learned of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LossMask {
    /// Every answer of the assistant; of prompt/completion rows the completion; of texts everything.
    #[default]
    AssistantOnly,
    /// Everything, prompts included.
    AllTokens,
    /// As `AssistantOnly`, but of a conversation the last answer alone.
    CompletionOnly,
}

/// What happens to rows that are longer than the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongRows {
    /// Keep the beginning; leave the row out where nothing learned is left.
    #[default]
    Truncate,
    /// Make pieces of the maximum length, each with its labels; leave pieces out in which nothing is learned. A piece does
    /// not see the pieces before it, and its first token is not learned.
    Split,
    /// Leave the row out.
    Drop,
    /// Stop with an error.
    Error,
}

/// How rows are encoded.
#[derive(Clone, Debug)]
pub struct EncodeOptions {
    /// Longest row, in tokens.
    pub max_seq_len: usize,
    pub mask: LossMask,
    pub on_long: LongRows,
}

impl EncodeOptions {
    /// Assistant's answers only, long rows cut.
    pub fn new(max_seq_len: usize) -> Self {
        Self { max_seq_len, mask: LossMask::default(), on_long: LongRows::default() }
    }
}

/// Encodes rows that are in memory. Numbers beside the rows are line numbers, for messages.
pub fn encode_rows(
    rows: &[(u64, Row)],
    tokenizer: &Tokenizer,
    template: Option<&ChatTemplate>,
    options: &EncodeOptions,
) -> Result<EncodedData, DataError> {
    let encoder = RowEncoder { tokenizer, template, options };
    let mut collector = Collector::new(options, tokenizer);
    for batch in rows.chunks(4096) {
        let encoded: Vec<_> = batch
            .par_iter()
            .map(|(line, row)| encoder.encode(row, Place { file: None, line: *line }))
            .collect();
        for row in encoded {
            collector.take(row?)?;
        }
    }
    collector.finish()
}

/// Encodes a file of rows, some megabytes at a time. Only ids and labels of the whole stay in memory.
pub fn encode_file(
    path: &Path,
    tokenizer: &Tokenizer,
    template: Option<&ChatTemplate>,
    options: &EncodeOptions,
) -> Result<EncodedData, DataError> {
    let encoder = RowEncoder { tokenizer, template, options };
    let mut collector = Collector::new(options, tokenizer);
    let mut reader = RowReader::open(path)?;
    let mut rows = 0;
    while let Some(batch) = reader.next_batch()? {
        let encoded: Vec<_> = batch
            .into_par_iter()
            .map(|raw| {
                let place = Place { file: Some(path.into()), line: raw.line };
                encoder.encode(&raw.parse(path)?, place)
            })
            .collect();
        rows += encoded.len();
        for row in encoded {
            collector.take(row?)?;
        }
    }
    if rows == 0 {
        return Err(DataError::Empty { path: path.into() });
    }
    collector.finish()
}

/// Encodes one row, without a length limit: what `inspect mask` shows.
pub fn encode_row(
    row: &Row,
    tokenizer: &Tokenizer,
    template: Option<&ChatTemplate>,
    mask: LossMask,
    place: Place,
) -> Result<(EncodedRow, Vec<WarningKind>), DataError> {
    let options = EncodeOptions { mask, ..EncodeOptions::new(usize::MAX) };
    let encoder = RowEncoder { tokenizer, template, options: &options };
    encoder.encode(row, place).map(|encoded| (encoded.row, encoded.notes))
}

/// A row with what was seen on the way.
struct Encoded {
    row: EncodedRow,
    place: Place,
    notes: Vec<WarningKind>,
}

struct RowEncoder<'a> {
    tokenizer: &'a Tokenizer,
    template: Option<&'a ChatTemplate>,
    options: &'a EncodeOptions,
}

impl RowEncoder<'_> {
    fn encode(&self, row: &Row, place: Place) -> Result<Encoded, DataError> {
        let mut notes = Vec::new();
        let row = match row {
            Row::Messages { messages, tools, learned_from } => {
                self.conversation(messages, tools.as_ref(), *learned_from, &place, &mut notes)?
            }
            Row::PromptCompletion { prompt, completion } => self.continuation(prompt, completion, &mut notes),
            Row::Text(text) => self.text(text, &mut notes),
            Row::Tokens { input_ids, labels } => {
                EncodedRow { ids: input_ids.clone(), labels: labels.clone() }
            }
        };
        Ok(Encoded { row, place, notes })
    }

    fn conversation(
        &self,
        messages: &[serde_json::Value],
        tools: Option<&serde_json::Value>,
        learned_from: usize,
        place: &Place,
        notes: &mut Vec<WarningKind>,
    ) -> Result<EncodedRow, DataError> {
        let template = self.template.ok_or_else(|| DataError::NoTemplate { place: place.clone() })?;
        let conversation = encode_conversation(self.tokenizer, template, messages, tools)
            .map_err(|source| DataError::Mask { place: place.clone(), source })?;
        if conversation.held_special_tokens {
            notes.push(WarningKind::SpecialTokenInText);
        }
        if system_message_is_lost(messages, &conversation.text) {
            notes.push(WarningKind::SystemMessageDropped);
        }
        if self.tokenizer.adds_bos() && conversation.ids.first().copied() != self.tokenizer.bos_id() {
            notes.push(WarningKind::TemplateWithoutBos);
        }
        let mut answers = conversation.answers;
        answers.retain(|answer| answer.message >= learned_from);
        if self.options.mask == LossMask::CompletionOnly
            && learned_from == 0
            && let Some(last) = answers.last().map(|answer| answer.message)
        {
            answers.retain(|answer| answer.message == last);
        }
        let ranges: Vec<_> = answers.into_iter().map(|answer| answer.range).collect();
        let learned = match self.options.mask {
            LossMask::AllTokens => vec![true; conversation.ids.len()],
            LossMask::AssistantOnly | LossMask::CompletionOnly => tokens_in(&conversation.offsets, &ranges),
        };
        Ok(labelled(conversation.ids, |i| learned[i]))
    }

    /// The two texts joined, as TRL joins them. Where a token would span the boundary, each is tokenised by itself:
    /// at the prompt's end the model will never see that token.
    fn continuation(&self, prompt: &str, completion: &str, notes: &mut Vec<WarningKind>) -> EncodedRow {
        let joined = format!("{prompt}{completion}");
        let (ids, offsets) = self.tokenizer.encode_with_offsets(&joined);
        let inside = |range: &std::ops::Range<usize>| range.start < prompt.len() && range.end > prompt.len();
        let (mut ids, mut given) = if offsets.iter().any(inside) {
            notes.push(WarningKind::BoundaryInsideToken);
            let mut ids = self.tokenizer.encode(prompt);
            let given = ids.len();
            ids.extend(self.tokenizer.encode(completion));
            (ids, given)
        } else {
            let given = offsets.partition_point(|range| range.end <= prompt.len());
            (ids, if prompt.is_empty() { 0 } else { given })
        };
        given += usize::from(self.begin(&mut ids, notes));
        self.end(&mut ids);
        let all = self.options.mask == LossMask::AllTokens;
        labelled(ids, |i| all || i >= given)
    }

    fn text(&self, text: &str, notes: &mut Vec<WarningKind>) -> EncodedRow {
        let mut ids = self.tokenizer.encode(text);
        self.begin(&mut ids, notes);
        self.end(&mut ids);
        labelled(ids, |_| true)
    }

    /// BOS before plain text, where the tokenizer puts it, and never twice. Whether it was put.
    fn begin(&self, ids: &mut Vec<u32>, notes: &mut Vec<WarningKind>) -> bool {
        let Some(bos) = self.tokenizer.bos_id().filter(|_| self.tokenizer.adds_bos()) else { return false };
        if ids.first() == Some(&bos) {
            notes.push(WarningKind::BosTwice);
            return false;
        }
        ids.insert(0, bos);
        true
    }

    /// EOS after plain text: a document's end is learned too.
    fn end(&self, ids: &mut Vec<u32>) {
        if let Some(eos) = self.tokenizer.eos_id()
            && ids.last() != Some(&eos)
        {
            ids.push(eos);
        }
    }
}

fn labelled(ids: Vec<u32>, learned: impl Fn(usize) -> bool) -> EncodedRow {
    let labels = ids.iter().enumerate().map(|(i, &id)| if learned(i) { id as i32 } else { IGNORE }).collect();
    EncodedRow { ids, labels }
}

fn system_message_is_lost(messages: &[serde_json::Value], text: &str) -> bool {
    messages
        .iter()
        .filter(|message| message["role"].as_str() == Some("system"))
        .filter_map(|message| message["content"].as_str())
        .any(|content| !text.contains(content.trim()))
}

/// Gathers encoded rows in order, applies the length limit, counts.
struct Collector<'a> {
    options: &'a EncodeOptions,
    tokenizer: &'a Tokenizer,
    data: EncodedData,
    seen: BTreeMap<WarningKind, (usize, Vec<u64>)>,
    stop_supervised: bool,
}

/// So many line numbers are kept for a warning.
const LINES_KEPT: usize = 5;

impl<'a> Collector<'a> {
    fn new(options: &'a EncodeOptions, tokenizer: &'a Tokenizer) -> Self {
        Self {
            options,
            tokenizer,
            data: EncodedData::default(),
            seen: BTreeMap::new(),
            stop_supervised: false,
        }
    }

    fn note(&mut self, kind: WarningKind, line: u64) {
        let (count, lines) = self.seen.entry(kind).or_default();
        *count += 1;
        if lines.len() < LINES_KEPT {
            lines.push(line);
        }
    }

    fn leave_out(&mut self, kind: WarningKind, line: u64) {
        self.data.dropped += 1;
        self.note(kind, line);
    }

    fn take(&mut self, encoded: Encoded) -> Result<(), DataError> {
        let Encoded { mut row, place, notes } = encoded;
        for kind in notes {
            self.note(kind, place.line);
        }
        if let Some(bos) = self.tokenizer.bos_id()
            && row.ids.starts_with(&[bos, bos])
        {
            self.note(WarningKind::BosDoubled, place.line);
        }
        let (tokens, max_seq_len) = (row.ids.len(), self.options.max_seq_len);
        let long = tokens > max_seq_len;
        match self.options.on_long {
            LongRows::Error if long => return Err(DataError::TooLong { place, tokens, max_seq_len }),
            LongRows::Drop if long => {
                self.leave_out(WarningKind::TooLong, place.line);
                return Ok(());
            }
            LongRows::Split if long => {
                self.split(&row, place.line);
                return Ok(());
            }
            LongRows::Truncate | LongRows::Split | LongRows::Drop | LongRows::Error => {
                row.ids.truncate(max_seq_len);
                row.labels.truncate(max_seq_len);
            }
        }
        if row.supervised_tokens() == 0 {
            self.leave_out(WarningKind::NothingSupervised, place.line);
            return Ok(());
        }
        if long {
            self.data.truncated += 1;
            self.note(WarningKind::Truncated, place.line);
        }
        self.keep(&row.ids, &row.labels);
        Ok(())
    }

    /// A row longer than the maximum, in pieces.
    fn split(&mut self, row: &EncodedRow, line: u64) {
        let max_seq_len = self.options.max_seq_len.max(1);
        let mut kept = 0;
        for (ids, labels) in row.ids.chunks(max_seq_len).zip(row.labels.chunks(max_seq_len)) {
            if labels.iter().skip(1).any(|&label| label != IGNORE) {
                self.keep(ids, labels);
                kept += 1;
            }
        }
        if kept == 0 {
            return self.leave_out(WarningKind::NothingSupervised, line);
        }
        self.data.split += 1;
        self.data.pieces += kept;
        self.note(WarningKind::Split, line);
    }

    fn keep(&mut self, ids: &[u32], labels: &[i32]) {
        let stops = self.tokenizer.stop_ids();
        let is_stop = |label: &i32| u32::try_from(*label).is_ok_and(|id| stops.contains(&id));
        self.stop_supervised = self.stop_supervised || labels.iter().skip(1).any(is_stop);
        self.data.push(ids, labels);
    }

    fn finish(mut self) -> Result<EncodedData, DataError> {
        if !self.stop_supervised && !self.data.is_empty() {
            self.seen.insert(WarningKind::EosNeverSupervised, (self.data.len(), Vec::new()));
        }
        let warning = |(kind, (count, lines))| DataWarning {
            kind,
            count,
            lines,
            params: params(count, self.options, self.data.pieces),
            message: message(kind, count, self.options, self.data.pieces),
        };
        self.data.warnings = std::mem::take(&mut self.seen).into_iter().map(warning).collect();
        if self.data.is_empty() {
            let left_out = [WarningKind::NothingSupervised, WarningKind::TooLong];
            let reasons: Vec<String> = self
                .data
                .warnings
                .iter()
                .filter(|warning| left_out.contains(&warning.kind))
                .map(|warning| warning.message.clone())
                .collect();
            return Err(DataError::NothingLeft { dropped: self.data.dropped, reasons: reasons.join(" ") });
        }
        Ok(self.data)
    }
}

fn params(
    count: usize,
    options: &EncodeOptions,
    pieces: usize,
) -> serde_json::Map<String, serde_json::Value> {
    let values = [("count", count), ("max_seq_len", options.max_seq_len), ("pieces", pieces)];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn message(kind: WarningKind, count: usize, options: &EncodeOptions, pieces: usize) -> String {
    let rows = if count == 1 { "1 row".to_string() } else { format!("{count} rows") };
    let max = options.max_seq_len;
    match kind {
        WarningKind::EosNeverSupervised => {
            "No row teaches the model to stop: the end-of-text token is learned nowhere. Answers may run on; check that \
             the chat template ends an answer with the model's EOS token."
                .into()
        }
        WarningKind::BosTwice => {
            format!("{rows} began with BOS already, which the tokenizer adds too; one BOS was kept. Remove it from the text.")
        }
        WarningKind::BosDoubled => format!(
            "{rows} begin with BOS twice, and the model learns from them like that: the chat template or the text writes \
             a second one. Remove it there."
        ),
        WarningKind::TemplateWithoutBos => format!(
            "In {rows} the chat template did not write BOS, with which this tokenizer begins texts. The model is trained \
             without it; programs that add it give the model something else than it learned."
        ),
        WarningKind::SystemMessageDropped => {
            format!("In {rows} the chat template left the system message out. Put it into the first user message instead.")
        }
        WarningKind::Truncated => {
            format!("{rows} were longer than {max} tokens and were cut; the end of their answers is not learned.")
        }
        WarningKind::Split => format!(
            "{rows} were longer than {max} tokens and were split into {pieces} pieces, none of which sees the one before it."
        ),
        WarningKind::TooLong => format!("{rows} were longer than {max} tokens and were left out."),
        WarningKind::NothingSupervised => {
            format!("{rows} held nothing to learn within {max} tokens and were left out.")
        }
        WarningKind::SpecialTokenInText => {
            format!("In {rows} a message held the text of a special token; it was encoded as plain letters.")
        }
        WarningKind::BoundaryInsideToken => format!(
            "In {rows} prompt and completion would share a token; they were tokenised separately. Begin completions \
             with a space or a line break."
        ),
    }
}
