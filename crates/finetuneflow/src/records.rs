//! Examples as the database keeps them, and as the `datasets` library knows them.

use datasets::checks::{self, CheckOptions, Checked, Subject};
use datasets::{Example, SourceChunk};
use serde_json::{Map, Value, json};
use store::Database;
use store::chunks::Chunk;
use store::examples::Example as Row;

/// What is stored of an example's content. PostgreSQL has no place for the character 0 in a text.
pub fn payload(example: &Example) -> Value {
    let mut messages = example.messages.clone();
    for message in &mut messages {
        message.content = message.content.replace('\0', " ");
    }
    let mut payload = json!({ "messages": messages });
    if let Some(tools) = &example.tools {
        payload["tools"] = tools.clone();
    }
    payload
}

/// A stored example with its content, status and provenance.
///
/// # Errors
/// Where the stored content is no conversation.
pub fn example(row: &Row) -> anyhow::Result<Example> {
    let messages = row.payload.get("messages").cloned().unwrap_or_default();
    let messages = serde_json::from_value(messages)
        .map_err(|error| anyhow::anyhow!("the stored example {} cannot be read: {error}", row.id))?;
    let mut example = Example::new(messages);
    example.tools = row.payload.get("tools").filter(|tools| !tools.is_null()).cloned();
    example.provenance = serde_json::from_value(named(&row.provenance)).unwrap_or_default();
    example.provenance.chunk_id = row.chunk_id.map(|id| id.to_string());
    example.status = match row.status {
        store::examples::ExampleStatus::Pending => datasets::Status::Pending,
        store::examples::ExampleStatus::Approved => datasets::Status::Approved,
        store::examples::ExampleStatus::Rejected => datasets::Status::Rejected,
    };
    Ok(example)
}

/// A stored chunk as the source of examples.
pub fn source(chunk: &Chunk, file_name: &str) -> SourceChunk {
    let mut provenance: datasets::Provenance =
        serde_json::from_value(named(&chunk.source)).unwrap_or_default();
    provenance.chunk_id = Some(chunk.id.to_string());
    provenance.file_name = Some(file_name.to_owned());
    SourceChunk {
        text: chunk.text.clone(),
        tokens: usize::try_from(chunk.token_count).unwrap_or_default(),
        provenance,
    }
}

/// What is stored of a check: score, names of findings, their words, language; `tokens` where they were counted.
pub fn quality(example: &Example, checked: &Checked, tokens: Option<u64>) -> Map<String, Value> {
    let reasons: Vec<&str> = checked.findings.iter().map(|finding| finding.reason.as_str()).collect();
    let mut stored = Map::new();
    stored.insert("score".to_owned(), json!(checked.score));
    stored.insert("issues".to_owned(), json!(checked.quality().issues));
    stored.insert("reasons".to_owned(), json!(reasons));
    stored.insert("language".to_owned(), json!(datasets::language(example)));
    if let Some(tokens) = tokens {
        stored.insert("tokens".to_owned(), json!(tokens));
    }
    stored
}

/// What reviewers found stands among the findings with this before its name.
pub const REVIEW_FINDING: &str = "review:";

/// What is stored of an example's quality once it was checked again: what people said of it stays.
pub fn checked_again(before: &Value, checked: Map<String, Value>) -> Value {
    let mut kept = before.as_object().cloned().unwrap_or_default();
    let found = before.get("issues").and_then(Value::as_array).into_iter().flatten();
    let is_said = |issue: &&Value| issue.as_str().is_some_and(|issue| issue.starts_with(REVIEW_FINDING));
    let said: Vec<Value> = found.filter(is_said).cloned().collect();
    kept.extend(checked);
    if let Some(issues) = kept.get_mut("issues").and_then(Value::as_array_mut) {
        issues.extend(said);
    }
    kept.into()
}

/// What the checks of a single example say of one whose text has changed; the number of its tokens is not known any more.
///
/// # Errors
/// Where the stored content is no conversation.
pub async fn checked_alone(database: &Database, row: &Row) -> anyhow::Result<Value> {
    let example = example(row)?;
    let source = match row.chunk_id {
        Some(id) => store::chunks::get(database, row.project_id, id).await.ok(),
        None => None,
    };
    let subject =
        Subject { source: source.as_ref().map(|chunk| chunk.text.as_str()), ..Subject::new(&example) };
    let mut before = row.quality.clone();
    if let Some(before) = before.as_object_mut() {
        before.remove("tokens");
    }
    let checked = checks::check(&[subject], &CheckOptions::default()).pop();
    Ok(match checked {
        Some(checked) => checked_again(&before, quality(&example, &checked, None)),
        None => before,
    })
}

/// The fields that have a value, under the names that the library has for them.
fn named(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let name = |name: &str| if name == "headings" { "heading_path".to_owned() } else { name.to_owned() };
    Value::Object(fields.map(|(key, value)| (name(key), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_said_outlives_another_check() {
        let before =
            json!({ "issues": ["refusal", "review:wrong"], "score": 0.2, "review": { "rating": 2 } });
        let checked = Map::from_iter([("score".into(), json!(1.0)), ("issues".into(), json!(["short"]))]);
        let expected =
            json!({ "issues": ["short", "review:wrong"], "score": 1.0, "review": { "rating": 2 } });
        assert_eq!(checked_again(&before, checked), expected);
    }
}
