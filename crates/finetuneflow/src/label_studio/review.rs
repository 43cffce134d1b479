//! What came back about a task: the latest annotation as a verdict with texts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::User;
use super::export::{ExportedAnnotation, ExportedTask};
use super::form::names;

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is good.
    Approve,
    /// It is good as it was edited.
    Fix,
    /// It is not.
    Reject,
}

/// An annotation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Its number.
    pub annotation: i64,
    /// When it was last changed, as Label Studio says it.
    pub updated_at: String,
    /// Whose it is: a mail address, or a number.
    pub by: String,
    /// How many the task has, those that left it out aside.
    pub of: u64,
    /// The decision.
    pub verdict: Option<Verdict>,
    /// The question, where it was filled in.
    pub instruction: Option<String>,
    /// The answer, where it was filled in.
    pub response: Option<String>,
    /// What is wrong.
    pub issues: Vec<String>,
    /// Stars, 1 to 5.
    pub rating: Option<f64>,
}

impl Review {
    /// The latest annotation of a task that was not left out. `user` is whoever's token it is: others are numbers there.
    pub fn latest(task: &ExportedTask, user: &User) -> Option<Self> {
        let kept: Vec<_> = task.annotations.iter().filter(|annotation| !annotation.was_cancelled).collect();
        let latest = kept.iter().max_by_key(|annotation| (time_of(annotation), annotation.id))?;
        let mut review = Self {
            annotation: latest.id,
            updated_at: latest.updated_at.clone().unwrap_or_default(),
            by: name_of(&latest.completed_by, user),
            of: kept.len() as u64,
            verdict: None,
            instruction: None,
            response: None,
            issues: Vec::new(),
            rating: None,
        };
        for part in &latest.result {
            review.take(part);
        }
        Some(review)
    }

    fn take(&mut self, part: &Value) {
        let value = &part["value"];
        let choices = || value["choices"].as_array().into_iter().flatten().filter_map(Value::as_str);
        match part["from_name"].as_str() {
            Some(names::VERDICT) => {
                self.verdict = choices().find_map(|choice| serde_json::from_value(Value::from(choice)).ok());
            }
            Some(names::INSTRUCTION) => self.instruction = text_of(value),
            Some(names::RESPONSE) => self.response = text_of(value),
            Some(names::ISSUES) => self.issues = choices().map(str::to_owned).collect(),
            Some(names::QUALITY) => self.rating = value["rating"].as_f64(),
            _ => {}
        }
    }

    /// Whether this one is newer than that of another task.
    pub fn is_later_than(&self, other: &Self) -> bool {
        let key = |review: &Self| (parsed(Some(&review.updated_at)), review.annotation);
        key(self) > key(other)
    }

    /// Who changed an example because of it, as the history names them.
    pub fn actor(&self) -> String {
        format!("label_studio:{}", self.by)
    }
}

/// The words of a text area: the last of them, where it was given several.
fn text_of(value: &Value) -> Option<String> {
    match &value["text"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(texts) => texts.iter().rev().find_map(Value::as_str).map(str::to_owned),
        _ => None,
    }
}

fn time_of(annotation: &ExportedAnnotation) -> Option<DateTime<Utc>> {
    parsed(annotation.updated_at.as_deref())
}

fn parsed(time: Option<&str>) -> Option<DateTime<Utc>> {
    time.and_then(|time| DateTime::parse_from_rfc3339(time).ok()).map(|time| time.to_utc())
}

fn name_of(completed_by: &Value, user: &User) -> String {
    let id = completed_by.as_i64().or_else(|| completed_by["id"].as_i64());
    match completed_by["email"].as_str().filter(|email| !email.trim().is_empty()) {
        Some(email) => email.to_owned(),
        None if id == Some(user.id) => user.name(),
        None => id.map_or_else(|| "unknown".to_owned(), |id| id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> User {
        User { id: 1, email: Some("me@example.org".into()) }
    }

    fn latest(annotations: Value) -> Option<Review> {
        let task = json!({ "id": 5, "data": {}, "annotations": annotations });
        Review::latest(&serde_json::from_value(task).unwrap(), &user())
    }

    #[test]
    fn the_latest_that_was_not_left_out_counts() {
        let at = |id: i64, time: &str, left_out: bool| json!({ "id": id, "updated_at": time, "was_cancelled": left_out, "completed_by": id });
        let annotations = json!([
            at(1, "2026-01-01T10:00:00.5Z", false),
            at(2, "2026-01-01T12:00:00+02:00", false),
            at(3, "2026-01-01T11:00:00Z", true),
        ]);
        let review = latest(annotations).unwrap();
        assert_eq!((review.annotation, review.of, review.by.as_str()), (1, 2, "me@example.org"));
        assert_eq!(review.actor(), "label_studio:me@example.org");
        assert_eq!(latest(json!([at(3, "2026-01-01T11:00:00Z", true)])), None);
        assert_eq!(latest(json!([])), None);
        let other = latest(json!([at(9, "2026-01-01T10:00:01Z", false)])).unwrap();
        assert!(other.is_later_than(&review) && !review.is_later_than(&other));
        assert_eq!(other.by, "9");
    }

    #[test]
    fn every_part_of_the_form_is_read_and_foreign_parts_are_not() {
        let result = json!([
            { "from_name": "verdict", "type": "choices", "value": { "choices": ["fix"] } },
            { "from_name": "instruction", "type": "textarea", "value": { "text": "q" } },
            { "from_name": "response", "type": "textarea", "value": { "text": ["first", "second"] } },
            { "from_name": "issues", "type": "choices", "value": { "choices": ["wrong", "unclear"] } },
            { "from_name": "quality", "type": "rating", "value": { "rating": 4 } },
            { "from_name": "label", "type": "labels", "value": { "labels": ["x"] } },
            {},
        ]);
        let by = json!({ "id": 2, "email": "b@example.org" });
        let review = latest(json!([{ "id": 1, "result": result, "completed_by": by }])).unwrap();
        assert_eq!(review.verdict, Some(Verdict::Fix));
        assert_eq!((review.instruction.as_deref(), review.response.as_deref()), (Some("q"), Some("second")));
        assert_eq!(
            (review.issues.as_slice(), review.rating),
            (["wrong".to_owned(), "unclear".to_owned()].as_slice(), Some(4.0))
        );
        assert_eq!(review.by, "b@example.org");
        let strange =
            json!([{ "id": 1, "result": [{ "from_name": "verdict", "value": { "choices": ["maybe"] } }] }]);
        assert_eq!(latest(strange).unwrap().verdict, None);
    }
}
