//! Whether an Ollama asks a model as it was trained, and answers as it does here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Said;

/// Characters around a difference that are shown.
const SHOWN: usize = 40;

/// Whether two sides say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everywhere.
    Equal,
    /// Not everywhere.
    Different,
    /// It could not be found out.
    Unknown,
}

/// Texts that were compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Of all of them.
    pub verdict: Verdict,
    /// Texts that were compared.
    pub compared: usize,
    /// Of those: equal ones.
    pub equal: usize,
    /// For people: the first few differences, or why nothing was compared.
    pub differences: Vec<String>,
    /// For people: what was left aside.
    pub note: Option<String>,
}

impl Comparison {
    /// Of so many texts, those that differ.
    pub fn of(compared: usize, differences: Vec<String>, note: Option<String>) -> Self {
        let equal = compared - differences.len();
        let verdict = match (compared, differences.is_empty()) {
            (0, _) => Verdict::Unknown,
            (_, true) => Verdict::Equal,
            (_, false) => Verdict::Different,
        };
        let differences = differences.into_iter().take(5).collect();
        Self { verdict, compared, equal, differences, note }
    }

    /// Nothing was compared.
    pub fn unknown(why: impl Into<String>) -> Self {
        let note = Some(why.into());
        Self { verdict: Verdict::Unknown, compared: 0, equal: 0, differences: Vec::new(), note }
    }
}

/// How a conversation that is rendered there differs from what was trained, in words.
pub fn rendered(messages: &[Value], trained: &str, there: &str) -> Option<String> {
    let difference = first_difference(trained, there)?;
    let last = messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default();
    let system =
        if messages.iter().any(|message| message["role"] == "system") { " with a system text" } else { "" };
    Some(format!(
        "A conversation of {} message(s){system} that ends with {:?}: {}",
        messages.len(),
        shortened(last),
        difference.said("the training has", "Ollama has")
    ))
}

/// How an answer there differs from ours, in words. Space at the ends is left aside, and so is a character that was cut off.
pub fn answered(question: &str, here: &str, there: &Said) -> Option<String> {
    let bare = |text: &str| text.trim().trim_end_matches('\u{fffd}').to_owned();
    let difference = first_difference(&bare(here), &bare(&there.text))?;
    Some(format!("{:?}: {}", shortened(question), difference.said("the answer here goes on", "Ollama's")))
}

struct Difference {
    before: String,
    left: String,
    right: String,
}

impl Difference {
    fn said(&self, left: &str, right: &str) -> String {
        let end = |text: &str| if text.is_empty() { "nothing more".to_owned() } else { format!("{text:?}") };
        let place = if self.before.is_empty() {
            "at the beginning".to_owned()
        } else {
            format!("after {:?}", self.before)
        };
        format!("{place} {left} {}, {right} {}", end(&self.left), end(&self.right))
    }
}

fn first_difference(left: &str, right: &str) -> Option<Difference> {
    if left == right {
        return None;
    }
    let place: usize =
        left.chars().zip(right.chars()).take_while(|(l, r)| l == r).map(|(l, _)| l.len_utf8()).sum();
    let mut before: Vec<char> = left[..place].chars().rev().take(SHOWN).collect();
    before.reverse();
    let after = |text: &str| text[place..].chars().take(SHOWN).collect();
    Some(Difference { before: before.into_iter().collect(), left: after(left), right: after(right) })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_said_in_words() {
        let messages = [json!({ "role": "user", "content": "Who?" })];
        assert_eq!(rendered(&messages, "same", "same"), None);
        assert_eq!(
            rendered(&messages, "<s>user\nWho?<end>\n", "<s>user\nWho?<end>").unwrap(),
            r#"A conversation of 1 message(s) that ends with "Who?": after "<s>user\nWho?<end>" the training has "\n", Ollama has nothing more"#
        );
        let said = Said { text: " Mira keeps the é\u{fffd}".into(), is_cut: true };
        assert_eq!(answered("Who?", "Mira keeps the é", &said), None);
        assert_eq!(
            answered("Who?", "Mira", &Said { text: "Tom".into(), is_cut: false }).unwrap(),
            r#""Who?": at the beginning the answer here goes on "Mira", Ollama's "Tom""#
        );
    }

    #[test]
    fn a_verdict_follows_from_the_differences() {
        assert_eq!(Comparison::of(3, vec![], None).verdict, Verdict::Equal);
        let different = Comparison::of(8, vec!["x".into(); 7], None);
        assert_eq!(
            (different.verdict, different.equal, different.differences.len()),
            (Verdict::Different, 1, 5)
        );
        assert_eq!(Comparison::of(0, vec![], None).verdict, Verdict::Unknown);
    }
}
