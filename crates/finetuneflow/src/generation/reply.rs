//! From a model's reply to examples: JSON (mended where it must be), shape, rules of every training record.

use datasets::{Example, Message, Role, json_repair, validate};
use serde_json::Value;

/// Why nothing of a reply can be used; a text for people and for the model that is asked to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// What a reply holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// In their order; at least one.
    pub examples: Vec<Example>,
    /// Why others of the same reply are left out.
    pub left_out: Vec<String>,
}

/// Names under which models put the two halves of an example, whatever they were asked for.
const QUESTIONS: &[&str] = &["user", "question", "instruction", "prompt", "request", "input", "query"];
const ANSWERS: &[&str] = &["assistant", "answer", "output", "response", "completion", "summary"];
/// Names of the list, and of a list of turns.
const LISTS: &[&str] = &["examples", "data", "items", "questions", "results", "conversations"];
const TURNS: &[&str] = &["messages", "conversation", "turns"];

/// Reads a reply.
///
/// # Errors
/// [`Unusable`] where not one example is in it.
pub fn parse(text: &str) -> Result<Parsed, Unusable> {
    let value = json_repair::parse(text).map_err(|error| Unusable(error.to_string()))?;
    let mut parsed = Parsed { examples: Vec::new(), left_out: Vec::new() };
    for (index, item) in items(&value)?.into_iter().enumerate() {
        let outcome = example(item).and_then(|example| match validate(&example, index + 1, None) {
            Ok(()) => Ok(example),
            Err(error) => Err(format!("{}: {}", error.column, error.message)),
        });
        match outcome {
            Ok(example) => parsed.examples.push(example),
            Err(reason) => parsed.left_out.push(format!("example {}: {reason}", index + 1)),
        }
    }
    match parsed.left_out.first() {
        _ if !parsed.examples.is_empty() => Ok(parsed),
        Some(first) => Err(Unusable(format!("no example in the reply can be used: {first}"))),
        None => Err(Unusable("the list of examples is empty".into())),
    }
}

/// The items of the list, wherever the model put it.
fn items(value: &Value) -> Result<Vec<&Value>, Unusable> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Object(fields) => {
            let listed = LISTS.iter().find_map(|name| fields.get(*name)).and_then(Value::as_array);
            match listed {
                Some(items) => Ok(items.iter().collect()),
                // A lone example.
                None if example(value).is_ok() => Ok(vec![value]),
                None => Err(Unusable(r#"the JSON holds no list "examples""#.into())),
            }
        }
        // What mending makes of plain words.
        Value::String(_) => Err(Unusable("the reply holds no JSON".into())),
        _ => Err(Unusable("the reply is JSON, but neither an object nor a list of examples".into())),
    }
}

fn example(item: &Value) -> Result<Example, String> {
    let Value::Object(fields) = item else { return Err("it is no object".into()) };
    if let Some(turns) = TURNS.iter().find_map(|name| fields.get(*name)) {
        return conversation(turns);
    }
    let text = |names: &[&str]| {
        names.iter().find_map(|name| fields.get(*name)).and_then(Value::as_str).map(str::trim)
    };
    let question = text(QUESTIONS).ok_or("it holds no text \"user\"")?;
    let answer = text(ANSWERS).ok_or("it holds no text \"assistant\"")?;
    // Alpaca's input belongs to its instruction.
    let input = fields.get("input").and_then(Value::as_str).map(str::trim).filter(|input| !input.is_empty());
    let question = match (fields.contains_key("instruction"), input) {
        (true, Some(input)) => format!("{question}\n{input}"),
        _ => question.to_owned(),
    };
    Ok(Example::new(vec![Message::new(Role::User, question), Message::new(Role::Assistant, answer)]))
}

fn conversation(turns: &Value) -> Result<Example, String> {
    let turns = turns.as_array().ok_or("its messages are no list")?;
    let message = |turn: &Value| {
        let said = |names: [&str; 2]| names.iter().find_map(|name| turn.get(*name)).and_then(Value::as_str);
        let role = said(["role", "from"]).and_then(Role::parse).ok_or("a message has no known role")?;
        let content = said(["content", "value"]).ok_or("a message has no text")?;
        Ok::<_, String>(Message::new(role, content.trim()))
    };
    let messages = turns.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let speakers: Vec<Role> = messages.iter().map(|message| message.role).collect();
    let spoken = speakers.strip_prefix(&[Role::System]).unwrap_or(&speakers);
    let alternates = spoken.len() >= 2
        && spoken.len().is_multiple_of(2)
        && spoken.chunks(2).all(|pair| pair == [Role::User, Role::Assistant]);
    if !alternates {
        return Err("its turns do not alternate between user and assistant".into());
    }
    Ok(Example::new(messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contents of the messages of each example.
    fn contents(text: &str) -> Vec<Vec<String>> {
        let parsed = parse(text).unwrap();
        let of = |example: &Example| example.messages.iter().map(|message| message.content.clone()).collect();
        parsed.examples.iter().map(of).collect()
    }

    #[test]
    fn examples_are_found_in_what_models_write() {
        let want = vec![vec!["Q?".to_owned(), "A.".to_owned()]];
        for reply in [
            r#"{"examples": [{"user": "Q?", "assistant": "A."}]}"#,
            "Sure!\n```json\n{\"examples\": [{\"user\": \"Q?\", \"assistant\": \"A.\"}]}\n```\nAnything else?",
            r#"[{"question": "Q?", "answer": "A."}]"#,
            r#"{"data": [{"instruction": "Q?", "input": "", "output": "A."}]}"#,
            r#"{"question": "Q?", "answer": "A."}"#,
            r#"<think>{"examples": []}</think>{"examples": [{"user": " Q? ", "assistant": "A."}]}"#,
            r#"{"examples": [{"user": "Q?", "assistant": "A."},]"#,
            r#"{"examples": [{"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]}]}"#,
        ] {
            assert_eq!(contents(reply), want, "{reply}");
        }
    }

    #[test]
    fn good_examples_are_kept_beside_bad_ones() {
        let parsed = parse(r#"{"examples": [{"user": "Q?"}, {"user": "Q?", "assistant": "A."}, {"user": "", "assistant": "A."}]}"#).unwrap();
        assert_eq!((parsed.examples.len(), parsed.left_out.len()), (1, 2));
        assert!(
            parsed.left_out[0].contains("assistant") && parsed.left_out[1].contains("empty"),
            "{:?}",
            parsed.left_out
        );
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (reply, reason) in [
            ("", "empty"),
            ("I cannot help with that.", "no JSON"),
            (r#"{"examples": []}"#, "empty"),
            (r#"{"text": 1}"#, "examples"),
            ("42", "neither"),
            (r#"{"examples": [{"messages": [{"role": "user", "content": "Q?"}]}]}"#, "alternate"),
            (r#"{"examples": [{"messages": [{"role": "wizard", "content": "Q?"}]}]}"#, "role"),
        ] {
            let error = parse(reply).unwrap_err();
            assert!(error.0.contains(reason), "{reply}: {error}");
        }
    }
}
