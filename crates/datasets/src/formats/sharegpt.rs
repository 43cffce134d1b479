//! ShareGPT as LLaMA-Factory reads it: `from`/`value`, tool calls and observations, and its `dataset_info.json`.

use serde_json::{Map, Value, json};

use super::{Export, ExportFile, Format, json_array, list, message, optional_text, tools, with_system};
use crate::error::{RowError, Rule};
use crate::example::{Example, Message, Role};
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"conversations": [{"from", "value"}, …], "system"?, "tools"?}`.
pub static FORMAT: Format = Format {
    id: "sharegpt",
    name: "ShareGPT (LLaMA-Factory)",
    description: "a JSON array of {\"conversations\": [{\"from\": \"human\", \"value\": …}, …]}",
    detect: |fields| fields.contains_key("conversations") || fields.contains_key("conversation"),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    let column = if row.fields.contains_key("conversations") { "conversations" } else { "conversation" };
    let values = list(row, column)?;
    let chat_keys = values.first().is_some_and(|first| first.get("role").is_some());
    let (role_key, content_key) = if chat_keys { ("role", "content") } else { ("from", "value") };
    let mut messages = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let path = format!("{column}[{index}]");
        let mut turn = message(row, &path, value, role_key, content_key)?;
        if value.get(role_key).and_then(Value::as_str) == Some("function_call") {
            turn.tool_calls = Some(calls(&turn.content).ok_or_else(|| {
                row.error(
                    format!("{path}.{content_key}"),
                    Rule::WrongType,
                    "a function_call must be JSON with \"name\" and \"arguments\"",
                )
            })?);
            turn.content.clear();
        }
        messages.push(turn);
    }
    let mut example = Example::new(with_system(optional_text(row, "system")?, messages));
    example.tools = tools(row)?;
    Ok(example)
}

/// LLaMA-Factory's call, or list of calls, as OpenAI's `tool_calls`.
fn calls(text: &str) -> Option<Value> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let list = match parsed {
        Value::Array(list) => list,
        one => vec![one],
    };
    let calls: Option<Vec<Value>> = list
        .into_iter()
        .map(|call| call.get("name").is_some().then(|| json!({ "type": "function", "function": call })))
        .collect();
    calls.filter(|calls| !calls.is_empty()).map(Value::Array)
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut export = Export::default();
    let (mut rows, mut any_system, mut any_tools) = (Vec::new(), false, false);
    for (index, example) in examples.iter().enumerate() {
        match conversation(example) {
            Ok((system, conversations)) => {
                any_system |= system.is_some();
                any_tools |= example.tools.is_some();
                let tools = example.tools.as_ref().map(Value::to_string).unwrap_or_default();
                rows.push(json!({ "conversations": conversations, "system": system.unwrap_or_default(), "tools": tools }));
            }
            Err(reason) => export.skipped.push((index, reason)),
        }
    }
    let mut columns = Map::from_iter([("messages".to_string(), Value::from("conversations"))]);
    for (used, column) in [(any_system, "system"), (any_tools, "tools")] {
        if used {
            columns.insert(column.into(), column.into());
        } else {
            rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| {
                row.shift_remove(column);
            });
        }
    }
    let tags = json!({
        "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
        "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
    });
    let info = json!({ name: { "file_name": format!("{name}.json"), "formatting": "sharegpt", "columns": columns, "tags": tags } });
    export.files.push(ExportFile { name: format!("{name}.json"), bytes: json_array(rows) });
    export.files.push(ExportFile {
        name: "dataset_info.json".into(),
        bytes: serde_json::to_vec_pretty(&info).unwrap_or_default(),
    });
    export
}

/// The system message and the turns. Human and observation must stand at odd places, the model's at even ones.
fn conversation(example: &Example) -> Result<(Option<String>, Vec<Value>), String> {
    let mut messages = example.messages.as_slice();
    let mut system = None;
    if let [first, rest @ ..] = messages
        && first.role == Role::System
    {
        system = Some(first.content.clone());
        messages = rest;
    }
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let (from, value) = tagged(message)?;
        let asks = matches!(message.role, Role::User | Role::Tool);
        if asks != (index % 2 == 0) {
            return Err("the conversation does not alternate between user (or tool) and assistant".into());
        }
        turns.push(json!({ "from": from, "value": value }));
    }
    if turns.is_empty() || turns.len() % 2 == 1 {
        return Err("the conversation does not end with an answer".into());
    }
    Ok((system, turns))
}

fn tagged(message: &Message) -> Result<(&'static str, String), String> {
    match (message.role, message.tool_calls.as_ref().and_then(Value::as_array)) {
        (Role::User, _) => Ok(("human", message.content.clone())),
        (Role::Tool, _) => Ok(("observation", message.content.clone())),
        (Role::Assistant, None) => Ok(("gpt", message.content.clone())),
        (Role::Assistant, Some(_)) if !message.content.trim().is_empty() => {
            Err("a message with both text and tool calls cannot be written in this format".into())
        }
        (Role::Assistant, Some(calls)) => {
            let functions: Vec<&Value> =
                calls.iter().map(|call| call.get("function").unwrap_or(call)).collect();
            let value = match functions.as_slice() {
                [one] => one.to_string(),
                several => json!(several).to_string(),
            };
            Ok(("function_call", value))
        }
        (Role::System, _) => Err("a system message stands inside the conversation".into()),
    }
}
