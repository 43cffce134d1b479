//! The conversations that a template is taken apart with, and those that its parts are proven on.

use serde_json::Value;

use super::parts::message;

/// What the templates' own texts do not hold, with nothing at the ends that a template would cut off.
fn mark(name: &str) -> String {
    format!("zq{name}qz")
}

/// So many turns, the last one a user's; every message is a mark.
pub fn conversation(system: Option<&str>, turns: usize) -> Vec<Value> {
    let mut messages: Vec<Value> = system.map(|name| message("system", &mark(name))).into_iter().collect();
    for turn in 1..=turns {
        messages.push(message("user", &mark(&format!("user{turn}"))));
        if turn < turns {
            messages.push(message("assistant", &mark(&format!("assistant{turn}"))));
        }
    }
    messages
}

/// The texts before, between and after the marks, where each is there once and in this order.
pub fn split(text: &str, order: &[&str]) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    for name in order {
        let (before, after) = rest.split_once(&mark(name))?;
        parts.push(before.to_string());
        rest = after;
    }
    parts.push(rest.to_string());
    let holds_mark = |part: &String| part.contains("zq");
    (!parts.iter().any(holds_mark)).then_some(parts)
}

const TEXTS: [&str; 6] = [
    "Who keeps the keys?",
    "{{ .System }} {% if x %} \"quoted\" 'single' back\\slash `tick`",
    "Größe: 你好, Привет, مرحبا 🙂\nsecond line\n\n- item\n\tindented",
    "<|im_end|> [INST] </s> <start_of_turn> ### Instruction: system user assistant",
    "1",
    "<b>bold</b> &amp; C:\\new $HOME %s \"\"\" \r\n end",
];

/// Conversations unlike those that the parts were found with, each ending with a user's text.
pub fn proofs(with_system: bool) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    let systems: &[Option<&str>] =
        if with_system { &[None, Some("Answer in one word."), Some(TEXTS[2])] } else { &[None] };
    for (shift, system) in systems.iter().enumerate() {
        for turns in 1..=4 {
            for start in 0..TEXTS.len() {
                let mut messages: Vec<Value> =
                    system.map(|text| message("system", text)).into_iter().collect();
                for turn in 0..turns {
                    let text = |offset: usize| TEXTS[(start + shift + 2 * turn + offset) % TEXTS.len()];
                    messages.push(message("user", text(0)));
                    if turn + 1 < turns {
                        messages.push(message("assistant", text(1)));
                    }
                }
                all.push(messages);
            }
        }
    }
    all
}

/// Texts with white space at their ends.
pub fn with_white_space() -> Vec<Value> {
    vec![message("user", " one \n"), message("assistant", "  two "), message("user", "\nthree ")]
}

/// An earlier answer with thoughts in it.
pub fn with_thoughts() -> Vec<Value> {
    let answer = "<think>\nAn even number.\n</think>\n\nTwo.";
    vec![message("user", "One and one?"), message("assistant", answer), message("user", "And one?")]
}

/// What a server is asked to render, to compare it with the model's own template.
pub fn questions(with_system: bool) -> Vec<Vec<Value>> {
    let all = proofs(with_system);
    // Every length and system once, with other texts each.
    all.chunks(TEXTS.len()).enumerate().filter_map(|(n, chunk)| chunk.get(n % TEXTS.len())).cloned().collect()
}
