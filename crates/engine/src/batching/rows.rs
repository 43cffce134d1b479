//! [`Row`]: one training example, and the files that hold them: JSON Lines, or one JSON array.
//!
//! Shapes: Hugging Face TRL's (<https://huggingface.co/docs/trl/dataset_formats>) `messages`, `prompt` with
//! `completion`, and `text`; and `input_ids` with `labels`, already tokenised.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::error::{DataError, Place};
use crate::tokenizer::loss_mask::is_assistant;

/// One training example, checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A conversation. Answers before message `learned_from` are given, not learned (prompt/completion as lists).
    Messages { messages: Vec<Json>, tools: Option<Json>, learned_from: usize },
    /// Plain text to go on from, and how it goes on.
    PromptCompletion { prompt: String, completion: String },
    /// Plain text, all of it learned.
    Text(String),
    /// Token ids and unshifted labels of the same length, -100 where nothing is learned.
    Tokens { input_ids: Vec<u32>, labels: Vec<i32> },
}

/// What is wrong in a row, before it is known where the row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) field: String,
    pub(super) problem: String,
}

impl Problem {
    fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    pub(super) fn at(self, place: Place) -> DataError {
        DataError::Row { place, field: self.field, problem: self.problem }
    }
}

impl Row {
    /// Reads one row from JSON. Fields that mean nothing here are ignored.
    pub fn from_json(value: Json, place: Place) -> Result<Self, DataError> {
        row(value).map_err(|problem| problem.at(place))
    }
}

/// All rows of a file, with their line numbers (items of an array: their numbers).
pub fn read_rows(path: &Path) -> Result<Vec<(u64, Row)>, DataError> {
    let mut reader = RowReader::open(path)?;
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        for raw in batch {
            let line = raw.line;
            rows.push((line, raw.parse(path)?));
        }
    }
    if rows.is_empty() {
        return Err(DataError::Empty { path: path.into() });
    }
    Ok(rows)
}

/// At most `count` rows spread over a file of any length, with their line numbers; the same ones each time. No more than
/// twice as many are kept on the way.
pub fn sample_rows(path: &Path, count: usize) -> Result<Vec<(u64, Row)>, DataError> {
    let mut reader = RowReader::open(path)?;
    let (mut kept, mut step, mut seen) = (Vec::new(), 1, 0);
    while let Some(batch) = reader.next_batch()? {
        for raw in batch {
            if seen % step == 0 {
                kept.push(raw);
            }
            seen += 1;
            if kept.len() > 2 * count {
                let mut even = false;
                kept.retain(|_| {
                    even = !even;
                    even
                });
                step *= 2;
            }
        }
    }
    if seen == 0 {
        return Err(DataError::Empty { path: path.into() });
    }
    let (all, chosen) = (kept.len(), count.min(kept.len()));
    let mut wanted = (0..chosen).map(|i| i * all / chosen).peekable();
    let rows = kept.into_iter().enumerate().filter(move |(place, _)| wanted.next_if_eq(place).is_some());
    rows.map(|(_, raw)| Ok((raw.line, raw.parse(path)?))).collect()
}

/// A row that is not parsed yet: parsing is left to whoever has threads.
pub(super) struct RawRow {
    pub(super) line: u64,
    content: RawContent,
}

enum RawContent {
    Bytes(Vec<u8>),
    Json(Json),
}

impl RawRow {
    pub(super) fn parse(self, path: &Path) -> Result<Row, DataError> {
        let place = Place { file: Some(path.into()), line: self.line };
        let value = match self.content {
            RawContent::Json(value) => value,
            RawContent::Bytes(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => value,
                Err(error) => return Err(DataError::NotJson { place, problem: error.to_string() }),
            },
        };
        row(value).map_err(|problem| problem.at(place))
    }
}

/// Reads a file in batches, so that a large one is never in memory at once (an array is).
pub(super) struct RowReader {
    path: PathBuf,
    file: BufReader<File>,
    line: u64,
    array: Option<std::vec::IntoIter<Json>>,
}

/// A batch ends at this many bytes or rows.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_ROWS: usize = 4096;

impl RowReader {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Read { path: path.into(), source };
        if path.is_dir() {
            return Err(unreadable(std::io::Error::other("is a folder; a JSON Lines file is expected")));
        }
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
        let start = file.fill_buf().map_err(unreadable)?;
        if start.starts_with(b"version https://git-lfs") {
            return Err(DataError::LfsPointer { path: path.into() });
        }
        if start.starts_with(b"\xEF\xBB\xBF") {
            file.consume(3);
        }
        let mut reader = Self { path: path.into(), file, line: 0, array: None };
        let start = reader.file.fill_buf().map_err(unreadable)?;
        if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let items: Vec<Json> =
                serde_json::from_reader(&mut reader.file).map_err(|error| DataError::NotJson {
                    place: Place { file: Some(path.into()), line: error.line() as u64 },
                    problem: error.to_string(),
                })?;
            reader.array = Some(items.into_iter());
        }
        Ok(reader)
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_batch(&mut self) -> Result<Option<Vec<RawRow>>, DataError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.next_row()? else { break };
            bytes += match &row.content {
                RawContent::Bytes(content) => content.len(),
                RawContent::Json(_) => 0,
            };
            batch.push(row);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn next_row(&mut self) -> Result<Option<RawRow>, DataError> {
        if let Some(items) = &mut self.array {
            self.line += 1;
            return Ok(items
                .next()
                .map(|value| RawRow { line: self.line, content: RawContent::Json(value) }));
        }
        loop {
            let mut bytes = Vec::new();
            let read = self.file.read_until(b'\n', &mut bytes);
            if read.map_err(|source| DataError::Read { path: self.path.clone(), source })? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(RawRow { line: self.line, content: RawContent::Bytes(bytes) }));
            }
        }
    }
}

fn row(value: Json) -> Result<Row, Problem> {
    let Json::Object(mut fields) = value else {
        return Err(Problem::new("row", "must be a JSON object such as {\"messages\": […]}"));
    };
    if fields.contains_key("input_ids") {
        return tokens(&fields);
    }
    if fields.contains_key("chosen") || fields.contains_key("rejected") {
        return Err(Problem::new(
            "chosen/rejected",
            "preference data cannot be used for supervised fine-tuning; keep the chosen answer as `messages`",
        ));
    }
    let tools = tools(fields.remove("tools"))?;
    if let Some(messages) = fields.remove("messages") {
        let messages = message_list("messages", messages)?;
        return conversation("messages", messages, tools, 0);
    }
    match (fields.remove("prompt"), fields.remove("completion")) {
        (Some(prompt), Some(completion)) => return prompt_completion(prompt, completion, tools),
        (Some(_), None) => return Err(Problem::new("completion", "is missing beside `prompt`")),
        (None, Some(_)) => return Err(Problem::new("prompt", "is missing beside `completion`")),
        (None, None) => {}
    }
    match fields.remove("text") {
        Some(Json::String(text)) if !text.is_empty() => Ok(Row::Text(text)),
        Some(Json::String(_)) => Err(Problem::new("text", "is empty; remove the row")),
        Some(other) => Err(Problem::new("text", format!("must be a string, not {}", kind(&other)))),
        None => Err(unknown_shape(&fields)),
    }
}

fn unknown_shape(fields: &Map<String, Json>) -> Problem {
    let found: Vec<&str> = fields.keys().take(8).map(String::as_str).collect();
    let hint = if fields.contains_key("conversations") || fields.contains_key("instruction") {
        "; import it as a dataset first, which converts ShareGPT and Alpaca rows"
    } else {
        ""
    };
    Problem::new(
        "row",
        format!(
            "has none of `messages`, `prompt` with `completion`, `text`, `input_ids` (found: {}){hint}",
            found.join(", ")
        ),
    )
}

fn tools(tools: Option<Json>) -> Result<Option<Json>, Problem> {
    match tools {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(list)) if list.is_empty() => Ok(None),
        Some(list @ Json::Array(_)) => Ok(Some(list)),
        // Columns of one type make people store the list as text.
        Some(Json::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Json::String(text)) => match serde_json::from_str(&text) {
            Ok(list @ Json::Array(_)) => Ok(Some(list)),
            _ => Err(Problem::new("tools", "is a string that holds no JSON array")),
        },
        Some(other) => Err(Problem::new("tools", format!("must be an array, not {}", kind(&other)))),
    }
}

fn prompt_completion(prompt: Json, completion: Json, tools: Option<Json>) -> Result<Row, Problem> {
    match (prompt, completion) {
        (Json::String(_), Json::String(completion)) if completion.is_empty() => {
            Err(Problem::new("completion", "is empty; there is nothing to learn"))
        }
        (Json::String(prompt), Json::String(completion)) => Ok(Row::PromptCompletion { prompt, completion }),
        (prompt @ Json::Array(_), completion @ Json::Array(_)) => {
            let mut messages = message_list("prompt", prompt)?;
            let learned_from = messages.len();
            messages.extend(message_list("completion", completion)?);
            conversation("completion", messages, tools, learned_from)
        }
        (prompt, completion) => Err(Problem::new(
            "prompt/completion",
            format!(
                "must both be strings or both be message lists, not {} and {}",
                kind(&prompt),
                kind(&completion)
            ),
        )),
    }
}

fn conversation(
    field: &str,
    messages: Vec<Json>,
    tools: Option<Json>,
    learned_from: usize,
) -> Result<Row, Problem> {
    let answers = || messages.iter().skip(learned_from).filter(|message| is_assistant(message));
    if answers().next().is_none() {
        let hint = "has no message with the role \"assistant\": there is no answer to learn";
        return Err(Problem::new(field, hint));
    }
    let says_something = |message: &Json| {
        let text = message.get("content").and_then(Json::as_str).unwrap_or_default();
        let calls = message.get("tool_calls").and_then(Json::as_array).is_some_and(|calls| !calls.is_empty());
        calls || !text.trim().is_empty()
    };
    if !answers().any(says_something) {
        return Err(Problem::new(field, "the assistant's answer is empty: there is nothing to learn"));
    }
    Ok(Row::Messages { messages, tools, learned_from })
}

fn message_list(field: &str, value: Json) -> Result<Vec<Json>, Problem> {
    let Json::Array(list) = value else {
        return Err(Problem::new(field, format!("must be a list of messages, not {}", kind(&value))));
    };
    if list.is_empty() {
        return Err(Problem::new(field, "is an empty list"));
    }
    list.into_iter()
        .enumerate()
        .map(|(i, message)| check_message(&format!("{field}[{i}]"), message))
        .collect()
}

fn check_message(field: &str, mut message: Json) -> Result<Json, Problem> {
    let Json::Object(fields) = &mut message else {
        return Err(Problem::new(
            field,
            format!("must be an object with role and content, not {}", kind(&message)),
        ));
    };
    match fields.get("role") {
        Some(Json::String(role)) if !role.is_empty() => {}
        Some(_) => return Err(Problem::new(format!("{field}.role"), "must be a string such as \"user\"")),
        None => {
            return Err(Problem::new(
                format!("{field}.role"),
                "is missing (system, user, assistant or tool)",
            ));
        }
    }
    let calls_tools = fields.contains_key("tool_calls");
    let content = match fields.get("content") {
        Some(Json::String(_)) => return Ok(message),
        Some(Json::Array(parts)) => joined_text(field, parts)?,
        None | Some(Json::Null) if calls_tools => return Ok(message),
        None | Some(Json::Null) => return Err(Problem::new(format!("{field}.content"), "is missing")),
        Some(other) => {
            return Err(Problem::new(
                format!("{field}.content"),
                format!("must be a string, not {}", kind(other)),
            ));
        }
    };
    fields.insert("content".into(), Json::String(content));
    Ok(message)
}

/// Content in parts (`[{"type": "text", "text": …}]`) as one text; pictures and sound are refused.
fn joined_text(field: &str, parts: &[Json]) -> Result<String, Problem> {
    parts
        .iter()
        .map(|part| match part.get("text").and_then(Json::as_str).or_else(|| part.as_str()) {
            Some(text) => Ok(text),
            None => Err(Problem::new(
                format!("{field}.content"),
                format!(
                    "holds a part of the type {:?}; only text can be learned",
                    part.get("type").and_then(Json::as_str).unwrap_or("unknown")
                ),
            )),
        })
        .collect()
}

fn tokens(fields: &Map<String, Json>) -> Result<Row, Problem> {
    let list = |field: &str| match fields.get(field) {
        Some(Json::Array(list)) => Ok(Some(list)),
        None | Some(Json::Null) => Ok(None),
        Some(other) => Err(Problem::new(field, format!("must be a list of integers, not {}", kind(other)))),
    };
    let ids = list("input_ids")?.ok_or_else(|| Problem::new("input_ids", "is null"))?;
    if ids.is_empty() {
        return Err(Problem::new("input_ids", "is empty; remove the row"));
    }
    let input_ids: Vec<u32> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| {
            let id = id.as_u64().and_then(|id| i32::try_from(id).ok()).map(|id| id as u32);
            id.ok_or_else(|| Problem::new(format!("input_ids[{i}]"), "is not a token id"))
        })
        .collect::<Result<_, _>>()?;
    let Some(labels) = list("labels")? else {
        let labels = input_ids.iter().map(|&id| id as i32).collect();
        return Ok(Row::Tokens { input_ids, labels });
    };
    if labels.len() != input_ids.len() {
        let problem =
            format!("has {} entries, input_ids has {}; they must be as many", labels.len(), input_ids.len());
        return Err(Problem::new("labels", problem));
    }
    let labels = labels
        .iter()
        .enumerate()
        .map(|(i, label)| {
            let label = label.as_i64().and_then(|label| i32::try_from(label).ok());
            label
                .filter(|&label| label >= 0 || label == super::IGNORE)
                .ok_or_else(|| Problem::new(format!("labels[{i}]"), "is neither a token id nor -100"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Row::Tokens { input_ids, labels })
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_every_shape_are_read() {
        let user = json!({"role": "user", "content": "a"});
        let answer = json!({"role": "assistant", "content": "b"});
        let parts = json!({"role": "assistant", "content": [{"type": "text", "text": "b"}]});
        for (value, expected) in [
            (json!({"text": "a"}), Row::Text("a".into())),
            (
                json!({"prompt": "a", "completion": "b", "id": 7}),
                Row::PromptCompletion { prompt: "a".into(), completion: "b".into() },
            ),
            (
                json!({"prompt": [user], "completion": [parts], "tools": "[]"}),
                Row::Messages {
                    messages: vec![user.clone(), answer.clone()],
                    tools: Some(json!([])),
                    learned_from: 1,
                },
            ),
            (
                json!({"messages": [user, answer], "tools": null}),
                Row::Messages { messages: vec![user.clone(), answer.clone()], tools: None, learned_from: 0 },
            ),
            (json!({"input_ids": [1, 2]}), Row::Tokens { input_ids: vec![1, 2], labels: vec![1, 2] }),
            (
                json!({"input_ids": [1, 2], "labels": [-100, 5], "messages": 3}),
                Row::Tokens { input_ids: vec![1, 2], labels: vec![-100, 5] },
            ),
        ] {
            assert_eq!(row(value.clone()), Ok(expected), "{value}");
        }
    }

    #[test]
    fn samples_are_spread_over_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("rows.jsonl");
        for (length, count, expected) in
            [(3, 5, vec![1, 2, 3]), (8, 4, vec![1, 3, 5, 7]), (100, 4, vec![1, 17, 49, 81]), (5, 1, vec![1])]
        {
            let rows = (0..length).map(|i| format!("{{\"text\":\"{i}\"}}\n"));
            std::fs::write(&path, rows.collect::<String>()).expect("written");
            let lines: Vec<u64> =
                sample_rows(&path, count).expect("rows").iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, expected, "{count} of {length}");
        }
        std::fs::write(&path, "\n\n").expect("written");
        assert!(matches!(sample_rows(&path, 4), Err(DataError::Empty { .. })));
    }

    #[test]
    fn problems_name_their_field() {
        for (value, field) in [
            (json!([1]), "row"),
            (json!({"question": "a"}), "row"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": [{"role": "user", "content": "a"}]}), "messages"),
            (json!({"messages": [{"role": "assistant", "content": " "}]}), "messages"),
            (json!({"messages": [{"content": "a"}]}), "messages[0].role"),
            (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
                "messages[0].content",
            ),
            (json!({"prompt": "a"}), "completion"),
            (json!({"prompt": "a", "completion": []}), "prompt/completion"),
            (json!({"prompt": "a", "chosen": "b", "rejected": "c"}), "chosen/rejected"),
            (json!({"input_ids": []}), "input_ids"),
            (json!({"input_ids": [1, -1]}), "input_ids[1]"),
            (json!({"input_ids": [1], "labels": [1, 2]}), "labels"),
            (json!({"input_ids": [1], "labels": [-5]}), "labels[0]"),
        ] {
            let problem = row(value.clone()).expect_err("is wrong");
            assert_eq!(problem.field, field, "{value}");
        }
    }
}
