//! What both models are asked: questions of the frozen examples, spread over the documents, the same ones each time.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::library;

/// Questions that are chosen of the examples.
pub const CHOSEN: usize = 8;
/// Questions of the person's own, at most.
pub const OWN: usize = 10;
/// Characters of such a question, at most.
pub const OWN_CHARACTERS: usize = 4000;
/// Examples of a set that [`CHOSEN`] is chosen from: enough to meet many documents.
const LOOKED_AT: usize = 200;

/// Where a question is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionSet {
    /// An example that was held back, of a section that is trained on.
    Recall,
    /// An example of a section of which nothing is trained on.
    HeldOut,
    /// A trained example: none were held back.
    Training,
    /// The person's own.
    Own,
}

impl QuestionSet {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::HeldOut => "held_out",
            Self::Training => "training",
            Self::Own => "own",
        }
    }
}

/// An example and its place in a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The example.
    pub example_id: Uuid,
    /// The passage that it was made from, while that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_id: Option<Uuid>,
    /// The document, if it is one of the project's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<Uuid>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_start: Option<u32>,
    /// The last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_end: Option<u32>,
}

/// A question as the `evaluate` command reads it, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Where it is from.
    pub set: QuestionSet,
    /// All turns up to the one that is asked for; the last one is the person's.
    pub messages: Vec<Value>,
    /// The tools of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// The right answer, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Its example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Question {
    /// A person's own.
    pub fn own(text: &str) -> Self {
        Self {
            set: QuestionSet::Own,
            messages: vec![serde_json::json!({ "role": "user", "content": text })],
            tools: None,
            expected: None,
            place: None,
        }
    }

    /// The person's last words.
    pub fn text(&self) -> &str {
        self.messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default()
    }
}

/// A question that may be chosen, and the identity of its example in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// See [`library::content_hash`].
    pub content_hash: String,
    /// Without a place.
    pub question: Question,
}

/// Candidates of a file of frozen rows, in an order that depends on their content alone; the same rows give the same ones.
///
/// # Errors
/// What reading reports. Rows without a person's question and an answer of text are passed over.
pub fn candidates(rows: impl BufRead, set: QuestionSet) -> std::io::Result<Vec<Candidate>> {
    let mut ranked = BTreeMap::new();
    for line in rows.lines() {
        let line = line?;
        let rank: [u8; 32] = Sha256::digest(line.as_bytes()).into();
        if ranked.len() < LOOKED_AT || ranked.last_key_value().is_some_and(|(last, _)| rank < *last) {
            let Some(candidate) = candidate(&line, set) else { continue };
            ranked.insert(rank, candidate);
            if ranked.len() > LOOKED_AT {
                ranked.pop_last();
            }
        }
    }
    Ok(ranked.into_values().collect())
}

fn candidate(line: &str, set: QuestionSet) -> Option<Candidate> {
    let row: Value = serde_json::from_str(line).ok()?;
    let content_hash = library::content_hash(&row);
    let mut messages = row.get("messages")?.as_array()?.clone();
    let answer = messages.iter().rposition(|message| message["role"] == "assistant")?;
    let expected = messages[answer]["content"].as_str()?.trim().to_owned();
    messages.truncate(answer);
    let asked = messages.last().filter(|message| message["role"] == "user")?;
    if expected.is_empty() || asked["content"].as_str()?.trim().is_empty() {
        return None;
    }
    let tools = row.get("tools").filter(|tools| !tools.is_null()).cloned();
    let question = Question { set, messages, tools, expected: Some(expected), place: None };
    Some(Candidate { content_hash, question })
}

/// Up to `count` of them: one of each document, then a second one of each, … Those of no known document come last.
pub fn spread(found: Vec<Question>, count: usize) -> Vec<Question> {
    let mut documents: Vec<(Option<String>, std::collections::VecDeque<Question>)> = Vec::new();
    for question in found {
        let name = question.place.as_ref().and_then(|place| place.document.clone());
        match documents.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push_back(question),
            None => documents.push((name, [question].into())),
        }
    }
    documents.sort_by_key(|(name, _)| name.is_none());
    let mut chosen = Vec::new();
    while chosen.len() < count && documents.iter().any(|(_, members)| !members.is_empty()) {
        let round = documents.iter_mut().filter_map(|(_, members)| members.pop_front());
        chosen.extend(round.take(count - chosen.len()).collect::<Vec<_>>());
    }
    chosen
}

/// Of two sets half each, more of the one where the other has too few.
pub fn shares(recall: usize, held_out: usize) -> [usize; 2] {
    let of_held_out = held_out.min((CHOSEN / 2).max(CHOSEN.saturating_sub(recall)));
    [recall.min(CHOSEN - of_held_out), of_held_out]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(question: &str, answer: &str) -> String {
        let messages =
            json!([{"role": "user", "content": question}, {"role": "assistant", "content": answer}]);
        json!({ "messages": messages }).to_string()
    }

    #[test]
    fn the_same_rows_give_the_same_candidates_in_any_order() {
        let mut rows: Vec<String> = (0..500).map(|n| row(&format!("q{n}?"), &format!("a{n}"))).collect();
        let read = |rows: &[String]| {
            candidates(rows.join("\n").as_bytes(), QuestionSet::Recall).expect("reads from memory")
        };
        let one = read(&rows);
        rows.reverse();
        assert_eq!(read(&rows), one);
        assert_eq!(one.len(), LOOKED_AT);
        let first = &one[0].question;
        assert_eq!(first.text().replace('q', "a"), format!("{}?", first.expected.as_deref().expect("one")));
    }

    #[test]
    fn rows_without_question_and_answer_are_passed_over() {
        let conversation = json!({ "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "A?"},
            {"role": "assistant", "content": "a"}, {"role": "user", "content": "B?"}, {"role": "assistant", "content": "b"},
        ], "tools": [{"type": "function"}] });
        let rows = [
            conversation.to_string(),
            json!({ "text": "plain" }).to_string(),
            row("C?", " "),
            row("", "d"),
            "not JSON".to_owned(),
            json!({ "messages": [{"role": "assistant", "content": "e"}] }).to_string(),
        ];
        let found = candidates(rows.join("\n").as_bytes(), QuestionSet::HeldOut).expect("reads from memory");
        assert_eq!(found.len(), 1);
        let Candidate { content_hash, question } = &found[0];
        assert_eq!(
            (question.text(), question.expected.as_deref(), question.messages.len()),
            ("B?", Some("b"), 4)
        );
        assert!(question.tools.is_some());
        assert_eq!(*content_hash, library::content_hash(&conversation));
    }

    #[test]
    fn each_document_has_its_turn() {
        let of = |document: Option<&str>, text: &str| Question {
            place: Some(Place { document: document.map(str::to_owned), ..Place::default() }),
            ..Question::own(text)
        };
        let found = vec![
            of(None, "n1"),
            of(Some("a"), "a1"),
            of(Some("a"), "a2"),
            of(Some("a"), "a3"),
            of(Some("b"), "b1"),
        ];
        let texts = |count| {
            let chosen = spread(found.clone(), count);
            chosen.iter().map(|question| question.text().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(texts(4), ["a1", "b1", "n1", "a2"]);
        assert_eq!(texts(9), ["a1", "b1", "n1", "a2", "a3"]);
        assert_eq!(texts(0), [""; 0]);
    }

    #[test]
    fn both_sets_have_half_unless_one_is_short() {
        for ((recall, held_out), expected) in
            [((50, 50), [4, 4]), ((50, 1), [7, 1]), ((2, 50), [2, 6]), ((50, 0), [8, 0]), ((1, 2), [1, 2])]
        {
            assert_eq!(shares(recall, held_out), expected, "{recall} and {held_out}");
        }
    }
}
