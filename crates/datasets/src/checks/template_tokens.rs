//! Marks of chat templates and prompt templates that were copied into a text. Trained on, the model would write them.

use super::{Check, Finding, FindingKind, Subject, distinct, each};

/// Looks at every message.
pub static CHECK: Check = Check {
    id: "template_tokens",
    description: "no marks of a chat or prompt template stand in a text",
    run: |subjects, _| each(subjects, look),
};

/// Marks besides `<|…|>` and `{{ … }}`.
const MARKS: &[&str] = &[
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<think>",
    "</think>",
    "### Instruction:",
    "### Response:",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
];

fn look(subject: &Subject) -> Vec<Finding> {
    let found = subject.example.messages.iter().flat_map(|message| marks(&message.content));
    let items = distinct(found, 10);
    if items.is_empty() {
        return Vec::new();
    }
    let reason = format!(
        "marks of a template stand in the text: {}; remove them, or edit the answer",
        items.join(" ")
    );
    vec![Finding::new(FindingKind::TemplateTokens, 0.2, reason, items)]
}

fn marks(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        MARKS.iter().filter(|mark| text.contains(*mark)).map(|mark| (*mark).to_string()).collect();
    let special = |inner: &str| {
        inner.len() <= 40
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && inner.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    found.extend(enclosed(text, "<|", "|>", special));
    let placeholder = |inner: &str| {
        let inner = inner.trim();
        inner.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && inner.len() <= 80
            && !inner.contains(['\n', '{', '"'])
    };
    found.extend(enclosed(text, "{{", "}}", placeholder));
    found.extend(enclosed(text, "{%", "%}", placeholder));
    found
}

/// Pieces between two marks whose inside is as wanted, the marks included.
fn enclosed(text: &str, open: &str, close: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices(open) {
        let inside = &text[start + open.len()..];
        if let Some(end) = inside.find(close)
            && wanted(&inside[..end])
        {
            found.push(text[start..start + open.len() + end + close.len()].to_string());
        }
    }
    found
}
