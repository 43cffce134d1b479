//! The training record: what is learned, where it comes from, and whether a person agreed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions for the whole conversation.
    System,
    /// The person.
    User,
    /// The model: what is learned.
    Assistant,
    /// The result of a tool.
    Tool,
}

impl Role {
    /// Reads the names that the known formats use.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "system" | "developer" => Some(Self::System),
            "user" | "human" | "prompter" => Some(Self::User),
            "assistant" | "gpt" | "model" | "bot" | "chatgpt" | "function_call" => Some(Self::Assistant),
            "tool" | "function" | "observation" | "ipython" => Some(Self::Tool),
            _ => None,
        }
    }

    /// The name in `messages`.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty where only tools are called.
    pub content: String,
    /// OpenAI's `tool_calls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Value>,
    /// The call that a tool's result answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Name of the speaker or of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Message {
    /// A turn of text.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: None, tool_call_id: None, name: None }
    }

    /// True where neither text nor a tool call is in it.
    pub fn is_empty(&self) -> bool {
        self.content.trim().is_empty()
            && self.tool_calls.as_ref().is_none_or(|calls| calls.as_array().is_none_or(Vec::is_empty))
    }
}

/// Where an example comes from. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The document or the imported file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// First page, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_start: Option<u32>,
    /// Last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_end: Option<u32>,
    /// First character in the file's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// One past the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// Id of the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_id: Option<String>,
    /// The headings above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heading_path: Vec<String>,
    /// The sentence of the document that the answer is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// Row of an imported file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// What made it, such as "offline generator" or "import".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// Version of the prompt or the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<String>,
    /// The model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who approved or rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
}

/// What the checks found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// 0 to 1, where something measured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Names of the findings.
    pub issues: Vec<String>,
}

/// Whether an example may be trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has decided.
    #[default]
    Pending,
    /// It goes into the next version.
    Approved,
    /// It stays out.
    Rejected,
}

/// A training record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Version of this record's shape.
    #[serde(default = "record_version")]
    pub version: u32,
    /// The conversation. A lone message of the assistant is plain text to be continued.
    pub messages: Vec<Message>,
    /// Descriptions of the tools that the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// Where it comes from.
    #[serde(default)]
    pub provenance: Provenance,
    /// What the checks found.
    #[serde(default)]
    pub quality: Quality,
    /// Whether it may be trained on.
    #[serde(default)]
    pub status: Status,
}

fn record_version() -> u32 {
    Example::VERSION
}

impl Example {
    /// Version of the record's shape.
    pub const VERSION: u32 = 1;

    /// A pending example of unknown origin.
    pub fn new(messages: Vec<Message>) -> Self {
        Self {
            version: Self::VERSION,
            messages,
            tools: None,
            provenance: Provenance::default(),
            quality: Quality::default(),
            status: Status::Pending,
        }
    }

    /// One question, one answer.
    pub fn question(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(vec![Message::new(Role::User, question), Message::new(Role::Assistant, answer)])
    }

    /// Plain text: one message of the assistant.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(vec![Message::new(Role::Assistant, text)])
    }

    /// The text, where this is plain text and no conversation.
    pub fn as_text(&self) -> Option<&str> {
        match self.messages.as_slice() {
            [only] if only.role == Role::Assistant && only.tool_calls.is_none() => Some(&only.content),
            _ => None,
        }
    }

    /// The row that a trainer reads: TRL's `messages` with `tools`, or `text`.
    pub fn training_row(&self) -> Value {
        if let Some(text) = self.as_text() {
            return json!({ "text": text });
        }
        let mut row = json!({ "messages": self.messages });
        if let Some(tools) = &self.tools {
            row["tools"] = tools.clone();
        }
        row
    }

    /// SHA-256 of what is learned, in hexadecimal; provenance and status do not matter.
    pub fn content_hash(&self) -> String {
        hex(&Sha256::digest(self.training_row().to_string()))
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored records must still open: change this text only together with a reader for the old one.
    const STORED: &str = r#"{"version":1,"messages":[{"role":"user","content":"When?"},{"role":"assistant","content":"At 9:15."}],"provenance":{"file_name":"a.pdf","page_start":2,"page_end":2,"start":10,"end":20,"heading_path":["Hours"],"generator":"offline generator","prompt_version":"1"},"quality":{"issues":[]},"status":"approved"}"#;

    #[test]
    fn the_stored_record_keeps_its_shape() {
        let example: Example = serde_json::from_str(STORED).unwrap();
        assert_eq!(example.provenance.page_start, Some(2));
        assert_eq!(serde_json::to_string(&example).unwrap(), STORED);
    }

    #[test]
    fn the_hash_is_of_the_content_alone() {
        let mut example = Example::question("a", "b");
        let hash = example.content_hash();
        assert_eq!(hash.len(), 64);
        example.status = Status::Rejected;
        example.provenance.row = Some(4);
        assert_eq!(example.content_hash(), hash);
        assert_ne!(Example::question("a", "c").content_hash(), hash);
        assert_ne!(Example::text("a").content_hash(), hash);
    }
}
