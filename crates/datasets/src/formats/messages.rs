//! TRL's `messages` (<https://huggingface.co/docs/trl/dataset_formats>), which OpenAI's chat fine-tuning files are too.

use serde_json::{Map, Value};

use super::{Export, ExportFile, Format, json_lines, list, message, tools};
use crate::error::RowError;
use crate::example::Example;
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"messages": [{"role", "content"}, …], "tools"?}`.
pub static FORMAT: Format = Format {
    id: "messages",
    name: "Messages (TRL, OpenAI chat)",
    description: "one JSON object a line: {\"messages\": [{\"role\": \"user\", \"content\": …}, …]}",
    detect: |fields| fields.contains_key("messages"),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    let values = list(row, "messages")?;
    // LLaMA-Factory also keeps ShareGPT's keys under "messages".
    let sharegpt = values.first().is_some_and(|first| first.get("from").is_some());
    let (role_key, content_key) = if sharegpt { ("from", "value") } else { ("role", "content") };
    let messages = values
        .iter()
        .enumerate()
        .map(|(index, value)| message(row, &format!("messages[{index}]"), value, role_key, content_key))
        .collect::<Result<_, _>>()?;
    let mut example = Example::new(messages);
    example.tools = tools(row)?;
    Ok(example)
}

fn write(examples: &[&Example], name: &str) -> Export {
    let rows: Vec<Value> = examples
        .iter()
        .map(|example| {
            let mut row = Map::new();
            row.insert("messages".into(), serde_json::json!(example.messages));
            if let Some(tools) = &example.tools {
                row.insert("tools".into(), tools.clone());
            }
            Value::Object(row)
        })
        .collect();
    Export {
        files: vec![ExportFile { name: format!("{name}.jsonl"), bytes: json_lines(&rows) }],
        skipped: Vec::new(),
    }
}
