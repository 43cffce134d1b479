//! Tables with a column for the question and one for the answer: CSV, TSV, and JSON rows with other names.

use serde_json::{Map, Value};

use super::{Export, ExportFile, Format, needed_text, optional_text, turns, with_system};
use crate::error::{RowError, Rule};
use crate::example::{Example, Message, Role};
use crate::import::ColumnMapping;
use crate::rows::Row;

/// Columns by the names that people give them.
pub static FORMAT: Format = Format {
    id: "csv",
    name: "Table (CSV, TSV)",
    description: "a header line and columns such as question and answer; separators , ; | or tab",
    detect: |fields| mapping_of(fields).is_some(),
    read,
    write,
};

const PROMPTS: &[&str] = &[
    "prompt",
    "question",
    "instruction",
    "query",
    "user",
    "input",
    "request",
    "frage",
    "human",
    "problem",
    "ask",
];
const COMPLETIONS: &[&str] = &[
    "completion",
    "answer",
    "response",
    "output",
    "assistant",
    "reply",
    "réponse",
    "reponse",
    "antwort",
    "solution",
    "gpt",
    "target",
    "result",
];
const SYSTEMS: &[&str] = &["system", "system_prompt", "system prompt", "système", "systeme"];
const CONTEXTS: &[&str] = &["context", "input", "passage", "contexte", "background"];

/// Guesses the columns of a row by their names; `None` without a question and an answer.
fn mapping_of(fields: &Map<String, Value>) -> Option<ColumnMapping> {
    let find = |names: &[&str], taken: &[&Option<String>]| {
        names.iter().find_map(|name| {
            let column = fields.keys().find(|column| column.trim().to_lowercase() == *name)?;
            (!taken.iter().any(|other| other.as_ref() == Some(column))).then(|| column.clone())
        })
    };
    let prompt = find(PROMPTS, &[]);
    let completion = find(COMPLETIONS, &[&prompt]);
    let system = find(SYSTEMS, &[]);
    let context = find(CONTEXTS, &[&prompt, &completion]);
    (prompt.is_some() && completion.is_some()).then_some(ColumnMapping {
        prompt,
        completion,
        system,
        context,
    })
}

/// The columns of the first row that has a question and an answer.
pub fn detected_mapping(rows: &[Row]) -> Option<ColumnMapping> {
    rows.iter().take(100).find_map(|row| mapping_of(&row.fields))
}

fn read(row: &Row, mapping: &ColumnMapping) -> Result<Example, RowError> {
    let Some(completion) = &mapping.completion else {
        return Err(row.error("completion", Rule::MissingColumn, "no column holds the answer: choose one"));
    };
    let answer = needed_text(row, completion)?;
    let Some(prompt) = &mapping.prompt else { return Ok(Example::text(answer)) };
    let mut question = needed_text(row, prompt)?;
    if let Some(column) = &mapping.context
        && let Some(context) = optional_text(row, column)?
    {
        question = format!("{question}\n{context}");
    }
    let system = match &mapping.system {
        Some(column) => optional_text(row, column)?,
        None => None,
    };
    Ok(Example::new(with_system(
        system,
        vec![Message::new(Role::User, question), Message::new(Role::Assistant, answer)],
    )))
}

fn write(examples: &[&Example], name: &str) -> Export {
    let mut export = Export::default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail, and every record has as many fields as the header.
    let _ = writer.write_record(["system", "prompt", "completion", "source_file", "source_page"]);
    for (index, example) in examples.iter().enumerate() {
        match turns(example) {
            Ok(turns) if turns.pairs.len() == 1 => {
                let page = example.provenance.page_start.map(|page| page.to_string()).unwrap_or_default();
                let file = example.provenance.file_name.as_deref().unwrap_or("");
                let _ = writer.write_record([
                    turns.system.unwrap_or(""),
                    turns.pairs[0].0,
                    turns.pairs[0].1,
                    file,
                    &page,
                ]);
            }
            Ok(_) => {
                export.skipped.push((index, "a table row holds one question and one answer only".into()))
            }
            Err(reason) => export.skipped.push((index, reason)),
        }
    }
    export
        .files
        .push(ExportFile { name: format!("{name}.csv"), bytes: writer.into_inner().unwrap_or_default() });
    export
}
