//! What models are asked: files in `prompts/`, each with a version, which a project may replace by words of its own.
//!
//! A prompt has three parts, apart by lines of `---`: a line `version: N`, the system message, and the user message, in
//! which `{{name}}` stands for a value.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::library::hexadecimal;

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Instructions with their responses.
    Instruction,
    /// Questions with their answers.
    QuestionAnswer,
    /// Requests for summaries with these.
    Summary,
    /// Conversations of several turns.
    Chat,
}

impl Task {
    /// Every task with its id and its name for people.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::QuestionAnswer, "question_answer", "Questions and answers"),
        (Self::Instruction, "instruction", "Instructions"),
        (Self::Summary, "summary", "Summaries"),
        (Self::Chat, "chat", "Conversations"),
    ];

    /// The stored name.
    pub fn id(self) -> &'static str {
        Self::ALL.iter().find(|(task, ..)| *task == self).map_or("", |(_, id, _)| id)
    }

    /// The whole file that the program brings along.
    pub fn file(self) -> &'static str {
        match self {
            Self::Instruction => include_str!("../../prompts/instruction.md"),
            Self::QuestionAnswer => include_str!("../../prompts/question_answer.md"),
            Self::Summary => include_str!("../../prompts/summary.md"),
            Self::Chat => include_str!("../../prompts/chat.md"),
        }
    }

    /// The shape of a reply, in words that a model understands.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Chat => {
                r#"{"examples": [{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}]}"#
            }
            _ => r#"{"examples": [{"user": "…", "assistant": "…"}]}"#,
        }
    }

    /// The shape of a reply as a JSON schema, for servers that keep replies to one.
    pub fn schema(self) -> Value {
        let text = json!({ "type": "string" });
        let item = match self {
            Self::Chat => json!({
                "type": "object",
                "properties": { "messages": { "type": "array", "items": {
                    "type": "object",
                    "properties": { "role": { "type": "string", "enum": ["user", "assistant"] }, "content": text },
                    "required": ["role", "content"],
                    "additionalProperties": false,
                } } },
                "required": ["messages"],
                "additionalProperties": false,
            }),
            _ => json!({
                "type": "object",
                "properties": { "user": text, "assistant": text },
                "required": ["user", "assistant"],
                "additionalProperties": false,
            }),
        };
        json!({
            "type": "object",
            "properties": { "examples": { "type": "array", "items": item } },
            "required": ["examples"],
            "additionalProperties": false,
        })
    }
}

/// A prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What examples of it are labelled with.
    pub version: String,
    system: String,
    user: String,
}

/// Why a project's own prompt is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A part is missing.
    #[error(
        "a prompt has three parts, apart by lines of ---: `version: …`, the system message, the user message; this one has {0}"
    )]
    Parts(usize),
    /// The text would not be sent.
    #[error("the user message must hold {{{{text}}}}: without it the model does not see the document")]
    NoText,
}

impl Prompt {
    /// The one that the program brings along for a task.
    pub fn of(task: Task) -> Self {
        Self::parse(task.file(), task.id()).expect("the program's own prompts are tested")
    }

    /// The one that asks for a usable form of an unusable reply.
    pub fn of_repair() -> Self {
        let [version, system, user] = parts(include_str!("../../prompts/repair.md")).expect("tested");
        Self { version: version_of(version, "repair"), system: system.into(), user: user.into() }
    }

    /// A person's own, for a task.
    ///
    /// # Errors
    /// [`PromptError`] says what is missing.
    pub fn parse(file: &str, name: &str) -> Result<Self, PromptError> {
        let [version, system, user] = parts(file)?;
        if !user.contains("{{text}}") {
            return Err(PromptError::NoText);
        }
        Ok(Self { version: version_of(version, name), system: system.into(), user: user.into() })
    }

    /// A person's own words; the version tells them apart by their content.
    ///
    /// # Errors
    /// As [`Prompt::parse`].
    pub fn own(file: &str, name: &str) -> Result<Self, PromptError> {
        let prompt = Self::parse(file, name)?;
        let digest = hexadecimal(&Sha256::digest(file.as_bytes()));
        Ok(Self { version: format!("{} (own, {})", prompt.version, &digest[..8]), ..prompt })
    }

    /// System and user message with these values. What stands in a value is never taken for a name.
    pub fn fill(&self, values: &[(&str, &str)]) -> [String; 2] {
        [fill(&self.system, values), fill(&self.user, values)]
    }
}

fn parts(file: &str) -> Result<[&str; 3], PromptError> {
    let found: Vec<&str> = file.split("\n---\n").map(str::trim).filter(|part| !part.is_empty()).collect();
    found.try_into().map_err(|found: Vec<&str>| PromptError::Parts(found.len()))
}

fn version_of(line: &str, name: &str) -> String {
    format!("{name} {}", line.strip_prefix("version:").unwrap_or(line).trim())
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let (mut text, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(open) = rest.find("{{") {
        text.push_str(&rest[..open]);
        rest = &rest[open + 2..];
        let value = rest.find("}}").and_then(|close| {
            let name = rest[..close].trim();
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (close + 2, *value))
        });
        match value {
            Some((end, value)) => {
                text.push_str(value);
                rest = &rest[end..];
            }
            None => text.push_str("{{"),
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_prompt_that_uses_all_values() {
        let values = [
            ("count", "3"),
            ("language", "French"),
            ("tone", "plain"),
            ("where", "Page 4"),
            ("text", "{{count}}"),
        ];
        for (task, id, _) in Task::ALL {
            let prompt = Prompt::of(*task);
            assert_eq!(prompt.version, format!("{id} 1"));
            let [system, user] = prompt.fill(&values);
            assert!(system.contains("JSON"));
            for (name, value) in values {
                assert!(user.contains(value), "{id}: {name}");
            }
            assert_eq!(user.matches("{{").count(), 1, "{id}: only the text's own");
        }
        assert_eq!(Prompt::of_repair().version, "repair 1");
    }

    #[test]
    fn own_prompts_are_told_apart_or_refused() {
        let own = |user: &str| Prompt::own(&format!("version: 7\n---\nBe good.\n---\n{user}"), "chat");
        let (one, two) = (own("A {{text}}").unwrap(), own("B {{text}}").unwrap());
        assert!(one.version.starts_with("chat 7 (own, ") && one.version != two.version);
        assert_eq!(own("no place for it"), Err(PromptError::NoText));
        assert_eq!(Prompt::own("{{text}}", "chat"), Err(PromptError::Parts(1)));
    }
}
