//! Alpaca, with LLaMA-Factory's `system` and `history` columns and its `dataset_info.json`.

use serde_json::{Map, Value, json};

use super::{
    Export, ExportFile, Format, as_text, json_array, list, needed_text, optional_text, turns, with_system,
};
use crate::error::{RowError, Rule};
use crate::example::{Example, Message, Role};
use crate::import::ColumnMapping;
use crate::rows::Row;

/// `{"instruction", "input"?, "output", "system"?, "history"?}`.
pub static FORMAT: Format = Format {
    id: "alpaca",
    name: "Alpaca (LLaMA-Factory)",
    description: "a JSON array of {\"instruction\": …, \"input\": …, \"output\": …}",
    detect: |fields| fields.contains_key("instruction") && fields.contains_key("output"),
    read,
    write,
};

fn read(row: &Row, _: &ColumnMapping) -> Result<Example, RowError> {
    let mut messages = Vec::new();
    if row.fields.get("history").is_some_and(|history| !history.is_null() && history.as_str() != Some("")) {
        for (index, pair) in list(row, "history")?.iter().enumerate() {
            let path = format!("history[{index}]");
            let Some([question, answer]) = pair.as_array().map(Vec::as_slice) else {
                return Err(row.error(path, Rule::WrongType, "must be a pair of question and answer"));
            };
            messages.push(Message::new(Role::User, as_text(row, &format!("{path}[0]"), question)?));
            messages.push(Message::new(Role::Assistant, as_text(row, &format!("{path}[1]"), answer)?));
        }
    }
    let instruction = needed_text(row, "instruction")?;
    let question = match optional_text(row, "input")? {
        Some(input) => format!("{instruction}\n{input}"),
        None => instruction,
    };
    messages.push(Message::new(Role::User, question));
    messages.push(Message::new(Role::Assistant, needed_text(row, "output")?));
    Ok(Example::new(with_system(optional_text(row, "system")?, messages)))
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut export = Export::default();
    let (mut rows, mut any_system, mut any_history) = (Vec::new(), false, false);
    for (index, example) in examples.iter().enumerate() {
        match turns(example) {
            Ok(turns) => {
                let Some((last, history)) = turns.pairs.split_last() else { continue };
                any_system |= turns.system.is_some();
                any_history |= !history.is_empty();
                rows.push(json!({ "instruction": last.0, "input": "", "output": last.1, "system": turns.system.unwrap_or(""), "history": history }));
            }
            Err(reason) => export.skipped.push((index, reason)),
        }
    }
    let mut columns = Map::from_iter(
        [("prompt", "instruction"), ("query", "input"), ("response", "output")]
            .map(|(key, column)| (key.to_string(), Value::from(column))),
    );
    // A column that is empty everywhere has no type for the loader: it is left out.
    for (used, column) in [(any_system, "system"), (any_history, "history")] {
        if used {
            columns.insert(column.into(), column.into());
        } else {
            rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| {
                row.shift_remove(column);
            });
        }
    }
    let info =
        json!({ name: { "file_name": format!("{name}.json"), "formatting": "alpaca", "columns": columns } });
    export.files.push(ExportFile { name: format!("{name}.json"), bytes: json_array(rows) });
    export.files.push(ExportFile {
        name: "dataset_info.json".into(),
        bytes: serde_json::to_vec_pretty(&info).unwrap_or_default(),
    });
    export
}
