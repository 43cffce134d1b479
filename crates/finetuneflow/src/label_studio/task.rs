//! An example as a task: what reviewers are shown, what they find filled in, and the ids by which it comes back.

use serde_json::{Map, Value, json};
use store::examples::{Example, ExampleStatus};
use uuid::Uuid;

use super::form::names;

/// Characters of a source's text that are shown.
const CONTEXT_CHARACTERS: usize = 8000;
/// Shown where there is nothing: a task must have every text that the form names.
const NOTHING: &str = "—";

/// Our ids in a task's data.
pub mod keys {
    /// The example.
    pub const EXAMPLE: &str = "ftf_id";
    /// Our project.
    pub const PROJECT: &str = "ftf_project";
    /// The example's content hash as it was sent.
    pub const HASH: &str = "ftf_hash";
    /// Its status as it was sent.
    pub const STATUS: &str = "ftf_status";
    /// The whole payload, where the two texts do not say it all.
    pub const PAYLOAD: &str = "ftf_payload";
    /// Where the example comes from, for people.
    pub const SOURCE: &str = "source_ref";
    /// The text that it was made of, for people.
    pub const CONTEXT: &str = "context";
    /// The question, or the conversation before the last answer.
    pub const INSTRUCTION: &str = "instruction";
    /// The answer.
    pub const RESPONSE: &str = "response";
}

/// Which texts of a conversation a reviewer can edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editable {
    /// One question, one answer.
    Both,
    /// The last answer of a longer conversation, or a text without a question.
    Answer,
    /// Nothing: the last turn is no plain answer.
    Nothing,
}

/// A conversation as two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// What a reviewer can edit of it.
    pub editable: Editable,
    /// The question, or the conversation before the last answer.
    pub instruction: String,
    /// The answer.
    pub response: String,
    /// What the model is told beforehand.
    pub system: Option<String>,
}

impl Texts {
    /// Of an example's payload.
    pub fn of(payload: &Value) -> Self {
        let messages = messages(payload);
        let (system, turns) = match messages.split_first() {
            Some((first, rest)) if first["role"] == "system" => (plain(first), rest),
            _ => (None, messages),
        };
        let (last, before) = match turns.split_last() {
            Some((last, before)) if last["role"] == "assistant" => (Some(last), before),
            _ => (None, turns),
        };
        let response = last.and_then(plain);
        let editable = match (&response, before) {
            (None, _) => Editable::Nothing,
            (Some(_), [only]) if only["role"] == "user" && plain(only).is_some() => Editable::Both,
            (Some(_), _) => Editable::Answer,
        };
        let instruction = match (editable, before) {
            (Editable::Both, [only]) => plain(only).unwrap_or_default(),
            _ => before.iter().map(as_text).collect::<Vec<_>>().join("\n\n"),
        };
        let response = response.or_else(|| last.map(as_text)).unwrap_or_default();
        Self { editable, instruction, response, system }
    }

    /// The payload with the texts that a reviewer wrote; everything else of it stays. Texts that differ in white space at
    /// their ends or in their line ends alone are the same, and an empty one is none.
    pub fn applied(&self, payload: &Value, instruction: Option<&str>, response: Option<&str>) -> Value {
        let mut payload = payload.clone();
        let Some(messages) = payload.get_mut("messages").and_then(Value::as_array_mut) else {
            return payload;
        };
        let count = messages.len();
        let changed =
            |new: Option<&str>, old: &str| new.map(tidy).filter(|new| !new.is_empty() && *new != tidy(old));
        if self.editable != Editable::Nothing
            && let Some(response) = changed(response, &self.response)
        {
            messages[count - 1]["content"] = response.into();
        }
        if self.editable == Editable::Both
            && let Some(instruction) = changed(instruction, &self.instruction)
        {
            messages[count - 2]["content"] = instruction.into();
        }
        payload
    }
}

fn messages(payload: &Value) -> &[Value] {
    payload.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The words of a turn that is words and nothing else.
fn plain(message: &Value) -> Option<String> {
    let calls = message.get("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty());
    if calls { None } else { message["content"].as_str().map(str::to_owned) }
}

fn as_text(message: &Value) -> String {
    let role = message["role"].as_str().unwrap_or("?");
    let content = match &message["content"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match message.get("tool_calls").filter(|calls| !calls.is_null()) {
        Some(calls) => format!("{role}: {content}\n{calls}"),
        None => format!("{role}: {content}"),
    }
}

fn tidy(text: &str) -> String {
    // PostgreSQL has no place for the last one in a text.
    text.replace("\r\n", "\n").replace('\0', " ").trim().to_owned()
}

/// The task of an example; `chunk` is the text that it was made of.
pub fn task_of(example: &Example, chunk: Option<&str>) -> Value {
    let texts = Texts::of(&example.payload);
    let data = Map::from_iter([
        (keys::EXAMPLE.to_owned(), json!(example.id)),
        (keys::PROJECT.to_owned(), json!(example.project_id)),
        (keys::HASH.to_owned(), json!(example.content_hash)),
        (keys::STATUS.to_owned(), json!(example.status)),
        (keys::SOURCE.to_owned(), json!(shown(&source_of(&example.provenance)))),
        (keys::CONTEXT.to_owned(), json!(shown(&context_of(&texts, example, chunk)))),
        (keys::INSTRUCTION.to_owned(), json!(shown(&texts.instruction))),
        (keys::RESPONSE.to_owned(), json!(texts.response)),
    ]);
    let mut data = Value::from(data);
    if payload_of(&data) != example.payload {
        data[keys::PAYLOAD] = example.payload.clone();
    }
    let filled = |name: &str, text: &str| json!({ "from_name": name, "to_name": names::TEXT, "type": "textarea", "value": { "text": [text] } });
    let mut result = vec![filled(names::RESPONSE, &texts.response)];
    if texts.editable == Editable::Both {
        result.push(filled(names::INSTRUCTION, &texts.instruction));
    }
    let mut prediction = json!({ "model_version": version_of(&example.provenance), "result": result });
    if let Some(score) = example.quality.get("score").and_then(Value::as_f64) {
        prediction["score"] = json!(score);
    }
    json!({ "data": data, "predictions": [prediction] })
}

fn shown(text: &str) -> &str {
    if text.trim().is_empty() { NOTHING } else { text }
}

/// The example that a task was made of, and its status and content hash at that time; `None` for tasks of others.
pub fn sent(data: &Value, project_id: Uuid) -> Option<(Uuid, ExampleStatus, String)> {
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    if text(keys::PROJECT)?.parse() != Ok(project_id) {
        return None;
    }
    let status = text(keys::STATUS)?.parse().ok()?;
    Some((text(keys::EXAMPLE)?.parse().ok()?, status, text(keys::HASH)?.to_owned()))
}

/// The payload that a task was made of.
pub fn payload_of(data: &Value) -> Value {
    if let Some(payload) = data.get(keys::PAYLOAD).filter(|payload| payload["messages"].is_array()) {
        return payload.clone();
    }
    let turn =
        |role: &str, key: &str| json!({ "role": role, "content": data[key].as_str().unwrap_or_default() });
    json!({ "messages": [turn("user", keys::INSTRUCTION), turn("assistant", keys::RESPONSE)] })
}

/// File, page or row, and headings, on one line.
fn source_of(provenance: &Value) -> String {
    let text = |key: &str| provenance.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| provenance.get(key).and_then(Value::as_u64);
    let page = number("page_start").map(|first| match number("page_end") {
        Some(last) if last > first => format!("p. {first}–{last}"),
        _ => format!("p. {first}"),
    });
    let headings = provenance.get("headings").and_then(Value::as_array);
    let headings: Vec<_> = headings.into_iter().flatten().filter_map(Value::as_str).collect();
    let headings = (!headings.is_empty()).then(|| headings.join(" › "));
    let row = number("row").map(|row| format!("row {row}"));
    let origin = text("file_name").or_else(|| text("source"));
    [origin, page, row, headings].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn context_of(texts: &Texts, example: &Example, chunk: Option<&str>) -> String {
    let sentence = example.provenance.get("sentence").and_then(Value::as_str);
    let source = chunk.or(sentence).map(|text| text.chars().take(CONTEXT_CHARACTERS).collect::<String>());
    let system = texts.system.as_ref().map(|system| format!("system: {system}"));
    [system, source].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// What wrote the example, as predictions name it.
fn version_of(provenance: &Value) -> String {
    let text = |key: &str| provenance.get(key).and_then(Value::as_str);
    let generator = text("generator").or_else(|| text("source")).unwrap_or("import");
    match text("model").filter(|model| !model.is_empty()) {
        Some(model) => format!("ftf:{generator} {model}"),
        None => format!("ftf:{generator}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: &str, content: &str) -> Value {
        json!({ "role": role, "content": content })
    }

    fn payload(messages: &[Value]) -> Value {
        json!({ "messages": messages, "tools": "kept" })
    }

    #[test]
    fn conversations_are_two_texts() {
        let (system, user, answer) = (turn("system", "s"), turn("user", "q"), turn("assistant", "a"));
        let call = json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "1" }] });
        for (messages, editable, instruction, response) in [
            (vec![&user, &answer], Editable::Both, "q", "a"),
            (vec![&system, &user, &answer], Editable::Both, "q", "a"),
            (vec![&answer], Editable::Answer, "", "a"),
            (
                vec![&user, &answer, &user, &answer],
                Editable::Answer,
                "user: q\n\nassistant: a\n\nuser: q",
                "a",
            ),
            (vec![&user, &call], Editable::Nothing, "user: q", "assistant: \n[{\"id\":\"1\"}]"),
            (vec![&user], Editable::Nothing, "user: q", ""),
            (vec![], Editable::Nothing, "", ""),
        ] {
            let messages: Vec<Value> = messages.into_iter().cloned().collect();
            let texts = Texts::of(&payload(&messages));
            assert_eq!(
                (texts.editable, texts.instruction.as_str(), texts.response.as_str()),
                (editable, instruction, response)
            );
            assert_eq!(texts.system.is_some(), messages.first() == Some(&system));
        }
    }

    #[test]
    fn edits_go_where_they_belong_and_nothing_else_changes() {
        let (system, user, answer) = (turn("system", "s"), turn("user", "q"), turn("assistant", "a"));
        let call = json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "1" }] });
        let (edited_user, edited) = (turn("user", "Q?"), turn("assistant", "A\nB"));
        for (messages, expected) in [
            ([&system, &user, &answer].as_slice(), [&system, &edited_user, &edited].as_slice()),
            (&[&user, &answer, &user, &answer], &[&user, &answer, &user, &edited]),
            (&[&answer], &[&edited]),
            (&[&user, &call], &[&user, &call]),
        ] {
            let all =
                |turns: &[&Value]| payload(&turns.iter().map(|turn| (*turn).clone()).collect::<Vec<_>>());
            let before = all(messages);
            let texts = Texts::of(&before);
            assert_eq!(texts.applied(&before, Some("Q?"), Some(" A\r\nB\n")), all(expected));
            assert_eq!(texts.applied(&before, None, None), before);
            assert_eq!(texts.applied(&before, Some("\n"), Some(" ")), before);
            let same = format!("{}\r\n ", texts.response);
            assert_eq!(texts.applied(&before, Some(&texts.instruction), Some(&same)), before);
        }
    }

    #[test]
    fn a_task_holds_texts_ids_and_what_is_filled_in() {
        let mut example = Example {
            id: Uuid::now_v7(),
            project_id: Uuid::now_v7(),
            chunk_id: None,
            status: ExampleStatus::Pending,
            payload: payload(&[turn("user", "q"), turn("assistant", "a")]),
            provenance: json!({ "file_name": "a.pdf", "page_start": 2, "page_end": 3, "headings": ["Fees", "Cards"],
                "generator": "ollama", "model": "m:1" }),
            quality: json!({ "score": 0.5 }),
            content_hash: "hash".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        let task = task_of(&example, Some("the text"));
        assert_eq!(task["data"]["source_ref"], "a.pdf · p. 2–3 · Fees › Cards");
        assert_eq!((&task["data"]["context"], &task["data"]["response"]), (&json!("the text"), &json!("a")));
        let prediction = &task["predictions"][0];
        assert_eq!(
            (&prediction["model_version"], &prediction["score"]),
            (&json!("ftf:ollama m:1"), &json!(0.5))
        );
        assert_eq!(prediction["result"].as_array().map(Vec::len), Some(2));
        let back = sent(&task["data"], example.project_id);
        assert_eq!(back, Some((example.id, ExampleStatus::Pending, "hash".to_owned())));
        assert_eq!(sent(&task["data"], Uuid::now_v7()), None, "another project's");
        assert_eq!(payload_of(&task["data"]), example.payload);

        // What the two texts do not hold goes along and comes back; nothing to edit is filled in twice.
        example.payload = payload(&[turn("system", "s"), turn("assistant", "text")]);
        let task = task_of(&example, None);
        assert_eq!(
            (&task["data"]["context"], &task["data"]["instruction"]),
            (&json!("system: s"), &json!(NOTHING))
        );
        assert_eq!(task["predictions"][0]["result"].as_array().map(Vec::len), Some(1));
        assert_eq!(payload_of(&task["data"]), example.payload);
    }
}
