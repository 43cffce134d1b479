//! Freezing: the approved examples of a project become a dataset version, two JSONL files that never change.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::dataset_versions::{self, DatasetVersion, NewDatasetVersion};
use store::examples::{self, ExampleFilter, ExampleStatus};
use store::{BlobKey, Blobs, Database};
use uuid::Uuid;

use super::JobError;
use crate::library;

/// Examples that are read at a time.
const PART: u64 = 1000;

/// Freezes the approved examples. About `eval_fraction` of them are held back for evaluation: which ones depends on their
/// content and the seed alone, so that an example stays on its side when others come. The same content answers the same
/// version.
pub async fn freeze(
    database: &Database,
    blobs: &Blobs,
    project_id: Uuid,
    eval_fraction: f64,
    seed: u64,
) -> Result<DatasetVersion, JobError> {
    let mut split = Split::new(eval_fraction, seed);
    let approved = ExampleFilter { status: Some(ExampleStatus::Approved), ..ExampleFilter::default() };
    let mut after = None;
    loop {
        let part = examples::list_after(database, project_id, &approved, after, PART).await?;
        let Some(last) = part.last() else { break };
        after = Some(last.id);
        for example in &part {
            split.add(&example.content_hash, &training_row(&example.payload));
        }
    }
    if split.train.is_empty() {
        return Err(JobError::Failed(anyhow::anyhow!(
            "the project has no approved examples; approve some and start the training again"
        )));
    }
    let content_hash = split.content_hash();
    let key = |side: &str| BlobKey::new(project_id, "datasets", &format!("{content_hash}-{side}.jsonl"));
    let train_key = blobs.put(&key("train")?, split.train.into_bytes()).await?.key;
    let eval_key = match split.eval.is_empty() {
        true => None,
        false => Some(blobs.put(&key("eval")?, split.eval.into_bytes()).await?.key),
    };
    let version = NewDatasetVersion {
        project_id,
        content_hash,
        train_key: train_key.as_str().to_owned(),
        eval_key: eval_key.map(|key| key.as_str().to_owned()),
        train_count: split.train_count,
        eval_count: split.eval_count,
        details: json!({ "eval_fraction": eval_fraction, "seed": seed }),
    };
    Ok(dataset_versions::create(database, version).await?)
}

/// What the trainer reads of an example: its conversation and its tools, with keys in one order whatever the database
/// made of them.
fn training_row(payload: &Value) -> String {
    let Some(messages) = payload.get("messages").and_then(Value::as_array) else {
        return payload.to_string();
    };
    let kept = |from: &Value, keys: &[&str]| -> Map<String, Value> {
        let filled = |key: &&&str| from.get(**key).is_some_and(|value| !value.is_null());
        keys.iter().filter(filled).map(|key| ((*key).to_owned(), from[*key].clone())).collect()
    };
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| kept(message, &["role", "content", "name", "tool_calls", "tool_call_id"]).into())
        .collect();
    let mut row = Map::from_iter([("messages".to_owned(), Value::from(messages))]);
    row.extend(kept(payload, &["tools"]));
    Value::from(row).to_string()
}

struct Split {
    eval_fraction: f64,
    seed: u64,
    train: String,
    eval: String,
    train_count: u64,
    eval_count: u64,
}

impl Split {
    fn new(eval_fraction: f64, seed: u64) -> Self {
        let eval_fraction = if eval_fraction.is_finite() { eval_fraction.clamp(0.0, 0.9) } else { 0.0 };
        Self { eval_fraction, seed, train: String::new(), eval: String::new(), train_count: 0, eval_count: 0 }
    }

    fn add(&mut self, content_hash: &str, row: &str) {
        let mut digest = Sha256::new();
        digest.update(self.seed.to_le_bytes());
        digest.update(content_hash.as_bytes());
        let digest = digest.finalize();
        let place = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        // The first example is always trained on, so that there is something to train on.
        let is_eval = self.train_count > 0 && f64::from(place) / f64::from(u32::MAX) < self.eval_fraction;
        let (text, count) = match is_eval {
            true => (&mut self.eval, &mut self.eval_count),
            false => (&mut self.train, &mut self.train_count),
        };
        text.push_str(row);
        text.push('\n');
        *count += 1;
    }

    fn content_hash(&self) -> String {
        let mut digest = Sha256::new();
        for side in [&self.train, &self.eval] {
            digest.update((side.len() as u64).to_le_bytes());
            digest.update(side.as_bytes());
        }
        library::hexadecimal(&digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(hashes: impl Iterator<Item = u32>, fraction: f64) -> Split {
        let mut split = Split::new(fraction, 7);
        for hash in hashes {
            split.add(&hash.to_string(), &format!("{{\"row\":{hash}}}"));
        }
        split
    }

    #[test]
    fn an_example_stays_on_its_side() {
        let few = split(1..500, 0.2);
        let more = split(1..900, 0.2);
        assert!(few.eval.lines().all(|row| more.eval.contains(row)));
        assert!(few.train.lines().all(|row| more.train.contains(row)));
        assert!((120..240).contains(&more.eval_count), "{} of 899", more.eval_count);
    }

    #[test]
    fn a_row_keeps_tools_and_calls_in_one_order() {
        let payload = json!({
            "tools": [{"type": "function"}],
            "note": "not for the trainer",
            "messages": [
                {"content": "Hello", "role": "user", "name": null},
                {"tool_calls": [{"id": "1"}], "role": "assistant"},
                {"tool_call_id": "1", "content": "42", "role": "tool"},
            ],
        });
        assert_eq!(
            training_row(&payload),
            r#"{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","tool_calls":[{"id":"1"}]},{"role":"tool","content":"42","tool_call_id":"1"}],"tools":[{"type":"function"}]}"#
        );
    }

    #[test]
    fn there_is_always_something_to_train_on() {
        for fraction in [0.0, 0.9, 1.0, f64::NAN] {
            let only = split(1..2, fraction);
            assert_eq!((only.train_count, only.eval_count), (1, 0), "{fraction}");
        }
        assert_eq!(split(1..100, 0.0).eval_count, 0);
    }

    #[test]
    fn rows_do_not_depend_on_the_order_of_keys() {
        let one = json!({"messages": [{"role": "user", "content": "a"}], "extra": 1});
        let other = json!({"messages": [{"content": "a", "role": "user"}]});
        assert_eq!(training_row(&one), training_row(&other));
    }
}
