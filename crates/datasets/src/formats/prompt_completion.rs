//! TRL's prompt and completion, as texts or as message lists.

use serde_json::{Value, json};

use super::{
    Export, ExportFile, Format, json_lines, list, message, needed_text, optional_text, tools, with_system,
};
use crate::error::{RowError, Rule};
use crate::example::{Example, Message, Role};
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"prompt", "completion"}`.
pub static FORMAT: Format = Format {
    id: "prompt_completion",
    name: "Prompt and completion (TRL)",
    description: "{\"prompt\": …, \"completion\": …}, both texts or both lists of messages",
    detect: |fields| fields.contains_key("prompt") && fields.contains_key("completion"),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    let is_list = |column: &str| row.fields.get(column).is_some_and(Value::is_array);
    let mut example = match (is_list("prompt"), is_list("completion")) {
        (true, true) => {
            let mut messages = Vec::new();
            for column in ["prompt", "completion"] {
                for (index, value) in list(row, column)?.iter().enumerate() {
                    messages.push(message(row, &format!("{column}[{index}]"), value, "role", "content")?);
                }
            }
            Example::new(messages)
        }
        (false, false) => {
            let answer = needed_text(row, "completion")?;
            match optional_text(row, "prompt")? {
                Some(prompt) => Example::question(prompt, answer.trim_start()),
                None => Example::text(answer),
            }
        }
        _ => {
            return Err(row.error(
                "prompt",
                Rule::WrongType,
                "prompt and completion must both be texts or both lists of messages",
            ));
        }
    };
    example.messages = with_system(optional_text(row, "system")?, example.messages);
    example.tools = tools(row)?;
    Ok(example)
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut export = Export::default();
    let mut rows = Vec::new();
    for (index, example) in examples.iter().enumerate() {
        if let Some(text) = example.as_text() {
            rows.push(json!({ "prompt": "", "completion": text }));
            continue;
        }
        match example.messages.split_last() {
            Some((Message { role: Role::Assistant, .. }, _)) => {
                let at = example.messages.len() - 1;
                let mut row =
                    json!({ "prompt": example.messages[..at], "completion": example.messages[at..] });
                if let Some(tools) = &example.tools {
                    row["tools"] = tools.clone();
                }
                rows.push(row);
            }
            _ => export.skipped.push((index, "the conversation does not end with an answer".into())),
        }
    }
    export.files.push(ExportFile { name: format!("{name}.jsonl"), bytes: json_lines(&rows) });
    export
}
