//! Dataset formats, in and out. One file a format, one line each in [`REGISTRY`].

use serde_json::{Map, Value};

use crate::error::{RowError, Rule};
use crate::example::{Example, Message, Role};
use crate::import::ColumnMapping;
use crate::rows::{Row, kind};

pub mod alpaca;
pub mod csv;
pub mod messages;
pub mod prompt_completion;
pub mod record;
pub mod sharegpt;
pub mod text;

/// A dataset format.
pub struct Format {
    /// Stable name for programs.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// What it looks like, in one line.
    pub description: &'static str,
    /// Whether a row looks like it.
    pub detect: fn(&Map<String, Value>) -> bool,
    /// One row to one example.
    pub read: fn(&Row, &ColumnMapping) -> Result<Example, RowError>,
    /// Examples to files; `name` is the dataset's, without extension.
    pub write: fn(&[&Example], name: &str) -> Export,
}

/// What a format wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// The files; the first one holds the data.
    pub files: Vec<ExportFile>,
    /// Examples that the format cannot hold: index and reason.
    pub skipped: Vec<(usize, String)>,
}

/// One written file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFile {
    /// Without folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// All formats; of two that fit a row equally the first one wins.
pub static REGISTRY: &[&Format] = &[
    &record::FORMAT,
    &messages::FORMAT,
    &sharegpt::FORMAT,
    &alpaca::FORMAT,
    &prompt_completion::FORMAT,
    &csv::FORMAT,
    &text::FORMAT,
];

/// A format by its id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    REGISTRY.iter().find(|format| format.id == id).copied()
}

/// A text column. `None` where it is missing, null or empty.
fn optional_text(row: &Row, column: &str) -> Result<Option<String>, RowError> {
    match row.fields.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(as_text(row, column, value)?).filter(|text| !text.trim().is_empty())),
    }
}

/// A text column that must be there.
fn needed_text(row: &Row, column: &str) -> Result<String, RowError> {
    if !row.fields.contains_key(column) {
        return Err(row.error(column, Rule::MissingColumn, format!("the column {column:?} is missing")));
    }
    optional_text(row, column)?.ok_or_else(|| {
        row.error(column, Rule::EmptyText, format!("{column:?} is empty: fill it or remove the row"))
    })
}

fn as_text(row: &Row, column: &str, value: &Value) -> Result<String, RowError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        other => Err(row.error(column, Rule::WrongType, format!("must be a text, not {}", kind(other)))),
    }
}

/// A list, also where it stands as JSON in a text (tables can hold nothing else).
fn list(row: &Row, column: &str) -> Result<Vec<Value>, RowError> {
    let wrong = |found: &str| row.error(column, Rule::WrongType, format!("must be a list, not {found}"));
    match row.fields.get(column) {
        None | Some(Value::Null) => {
            Err(row.error(column, Rule::MissingColumn, format!("the column {column:?} is missing")))
        }
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => Ok(items),
            _ => Err(wrong("a text that is no JSON list")),
        },
        Some(other) => Err(wrong(kind(other))),
    }
}

/// The `tools` column: a list, or a list as JSON text.
fn tools(row: &Row) -> Result<Option<Value>, RowError> {
    match row.fields.get("tools") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(_) => {
            let tools = list(row, "tools")?;
            Ok((!tools.is_empty()).then_some(Value::Array(tools)))
        }
    }
}

/// A message of role and content under the given keys.
fn message(
    row: &Row,
    path: &str,
    value: &Value,
    role_key: &str,
    content_key: &str,
) -> Result<Message, RowError> {
    let Value::Object(fields) = value else {
        return Err(row.error(
            path,
            Rule::WrongType,
            format!("a message must be an object with {role_key:?} and {content_key:?}, not {}", kind(value)),
        ));
    };
    let role_name = fields.get(role_key).and_then(Value::as_str).unwrap_or("");
    let role_path = format!("{path}.{role_key}");
    let role = Role::parse(role_name).ok_or_else(|| {
        row.error(
            role_path,
            Rule::UnknownRole,
            format!("{role_name:?} is no role: use system, user, assistant or tool"),
        )
    })?;
    let content_path = format!("{path}.{content_key}");
    let content = match fields.get(content_key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(parts)) => parts_text(row, &content_path, parts)?,
        Some(value) => as_text(row, &content_path, value)?,
    };
    if role == Role::Assistant
        && fields.get("weight").and_then(Value::as_f64).is_some_and(|weight| weight == 0.0)
    {
        return Err(row.error(
            format!("{path}.weight"),
            Rule::NotLearned,
            "an answer with weight 0 is not to be learned, but every answer is: remove the weight, or the row",
        ));
    }
    let mut message = Message::new(role, content);
    message.tool_calls = fields
        .get("tool_calls")
        .filter(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty()))
        .cloned();
    message.tool_call_id = fields.get("tool_call_id").and_then(Value::as_str).map(str::to_string);
    message.name = fields.get("name").and_then(Value::as_str).map(str::to_string);
    Ok(message)
}

/// OpenAI's content parts, text only.
fn parts_text(row: &Row, path: &str, parts: &[Value]) -> Result<String, RowError> {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let piece = ["text", "value", "content"]
            .iter()
            .find_map(|key| part.get(*key))
            .and_then(Value::as_str)
            .or_else(|| part.as_str());
        match piece {
            Some(piece) => text.push_str(piece),
            None => {
                return Err(row.error(format!("{path}[{index}]"), Rule::WrongType, "a part must be text"));
            }
        }
    }
    Ok(text)
}

/// A system message before the others, where there is one.
fn with_system(system: Option<String>, mut messages: Vec<Message>) -> Vec<Message> {
    if let Some(system) = system
        && messages.first().is_none_or(|first| first.role != Role::System)
    {
        messages.insert(0, Message::new(Role::System, system));
    }
    messages
}

/// System message and (question, answer) pairs of a plain alternating conversation.
struct Turns<'a> {
    system: Option<&'a str>,
    pairs: Vec<(&'a str, &'a str)>,
}

/// Takes a conversation apart.
///
/// # Errors
/// The reason, for people, where it is not alternating text.
fn turns(example: &Example) -> Result<Turns<'_>, String> {
    if example.tools.is_some()
        || example.messages.iter().any(|message| message.tool_calls.is_some() || message.role == Role::Tool)
    {
        return Err("tool calls cannot be written in this format".into());
    }
    let mut messages = example.messages.as_slice();
    let system = match messages {
        [first, rest @ ..] if first.role == Role::System => {
            messages = rest;
            Some(first.content.as_str())
        }
        _ => None,
    };
    let mut pairs = Vec::new();
    for pair in messages.chunks(2) {
        match pair {
            [question, answer] if question.role == Role::User && answer.role == Role::Assistant => {
                pairs.push((question.content.as_str(), answer.content.as_str()))
            }
            _ => return Err("the conversation does not alternate between user and assistant".into()),
        }
    }
    if pairs.is_empty() {
        Err("there is no question with an answer".into())
    } else {
        Ok(Turns { system, pairs })
    }
}

fn json_lines(rows: &[Value]) -> Vec<u8> {
    rows.iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
}

fn json_array(rows: Vec<Value>) -> Vec<u8> {
    // A value that came from memory can always be written.
    serde_json::to_vec_pretty(&Value::Array(rows)).unwrap_or_default()
}
