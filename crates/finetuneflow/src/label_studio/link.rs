//! What is kept about an example that is a task there, and who is right when both sides changed.
//!
//! Both sides had the same content and status once (the base: at the push, or at the last sync). Where only one side has
//! changed since, that side is right. Where both have, differently, nobody is: the example stays as it is here, what came
//! back is kept beside it, and a person chooses.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::examples::{self, Example, ExampleChange, ExampleStatus, NewExample};
use store::label_studio_tasks::{self as tasks, Task, TaskChange, TaskStatus};
use store::{Database, StoreError};

use super::review::{Review, Verdict};
use super::task::{Texts, payload_of};
use crate::library;
use crate::records::{self, REVIEW_FINDING};

/// The details of a stored task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Details {
    /// Of the project there.
    pub title: String,
    /// The status that both sides had with the content `pushed_hash`.
    pub base_status: ExampleStatus,
    /// The annotation that was dealt with last: its number and time.
    #[serde(default)]
    pub seen: Option<(i64, String)>,
    /// What came back and was not taken.
    #[serde(default)]
    pub conflict: Option<Conflict>,
}

impl Details {
    /// Of an example that is sent now.
    pub fn sent(title: &str, status: ExampleStatus) -> Self {
        Self { title: title.to_owned(), base_status: status, seen: None, conflict: None }
    }

    /// Of a stored task.
    pub fn of(task: &Task) -> anyhow::Result<Self> {
        serde_json::from_value(task.details.clone()).context("a stored Label Studio task is not readable")
    }

    /// As it is stored.
    pub fn stored(&self) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(self)?)
    }

    /// Whether this annotation was dealt with.
    pub fn has_seen(&self, review: &Review) -> bool {
        self.seen.as_ref().is_some_and(|(id, time)| *id == review.annotation && *time == review.updated_at)
    }

    fn see(&mut self, review: &Review) {
        self.seen = Some((review.annotation, review.updated_at.clone()));
    }
}

/// What came back and was not taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conflict {
    /// Why.
    pub why: Why,
    /// The annotation.
    pub review: Review,
    /// The example as it would be.
    pub payload: Value,
    /// The status that it would have.
    pub status: ExampleStatus,
}

/// Why something was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The example was changed here, and differently there.
    BothChanged,
    /// The example was deleted here.
    DeletedHere,
    /// Another example has the same content.
    SameAsAnother,
}

impl Why {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BothChanged => "both_changed",
            Self::DeletedHere => "deleted_here",
            Self::SameAsAnother => "same_as_another",
        }
    }
}

/// Content and status of an example, on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    hash: String,
    status: ExampleStatus,
}

/// What came back, as the example that it would make.
#[derive(Clone, Debug)]
pub struct Theirs {
    payload: Value,
    side: Side,
}

impl Theirs {
    /// Of a task's data and the annotation about it; `base_status` is kept where nobody decided.
    pub fn of(data: &Value, review: &Review, base_status: ExampleStatus) -> Self {
        let sent = payload_of(data);
        let texts = Texts::of(&sent);
        let payload = texts.applied(&sent, review.instruction.as_deref(), review.response.as_deref());
        let status = match review.verdict {
            Some(Verdict::Approve) => ExampleStatus::Approved,
            Some(Verdict::Fix) if payload != sent => ExampleStatus::Approved,
            // Somebody still has to.
            Some(Verdict::Fix) => ExampleStatus::Pending,
            Some(Verdict::Reject) => ExampleStatus::Rejected,
            None => base_status,
        };
        Self { side: Side { hash: library::content_hash(&payload), status }, payload }
    }
}

/// What became of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was dealt with before.
    Known,
    /// The example has changed.
    Changed,
    /// The example was like that already, or stays as it is here.
    Agreed,
    /// It is kept beside the example.
    Conflict,
}

fn decided(status: ExampleStatus) -> TaskStatus {
    match status {
        ExampleStatus::Pending => TaskStatus::Undecided,
        ExampleStatus::Approved => TaskStatus::Approved,
        ExampleStatus::Rejected => TaskStatus::Rejected,
    }
}

/// Deals with the annotation of a task: takes it, or keeps it as a conflict.
pub async fn settle(
    database: &Database,
    task: &Task,
    data: &Value,
    review: &Review,
) -> anyhow::Result<Outcome> {
    let mut details = Details::of(task)?;
    // What is gone for good is not asked about again.
    if details.has_seen(review) || task.status == TaskStatus::Gone {
        return Ok(Outcome::Known);
    }
    let theirs = Theirs::of(data, review, details.base_status);
    let example = match examples::get(database, task.project_id, task.example_id).await {
        Err(error) if error.is_not_found() => None,
        example => Some(example?),
    };
    details.see(review);
    let Some(example) = example else {
        return keep_conflict(database, task, details, Why::DeletedHere, review, theirs).await;
    };
    let base = Side { hash: task.pushed_hash.clone(), status: details.base_status };
    let ours = Side { hash: example.content_hash.clone(), status: example.status };
    let take = theirs.side != base && theirs.side != ours;
    if take && ours != base {
        return keep_conflict(database, task, details, Why::BothChanged, review, theirs).await;
    }
    if let Err(error) = write(database, task, &example, take.then_some(&theirs), review).await {
        if !matches!(error.downcast_ref(), Some(StoreError::Conflict { .. })) {
            return Err(error);
        }
        return keep_conflict(database, task, details, Why::SameAsAnother, review, theirs).await;
    }
    // Where they had not changed anything, the example here may have gone on alone: the base stays.
    let agreed = take || theirs.side == ours;
    settled(database, task, details, theirs.side.status, agreed.then_some(theirs.side)).await?;
    Ok(if take { Outcome::Changed } else { Outcome::Agreed })
}

async fn keep_conflict(
    database: &Database,
    task: &Task,
    mut details: Details,
    why: Why,
    review: &Review,
    theirs: Theirs,
) -> anyhow::Result<Outcome> {
    let Theirs { payload, side } = theirs;
    details.conflict = Some(Conflict { why, review: review.clone(), payload, status: side.status });
    let change = TaskChange {
        status: Some(TaskStatus::Conflict),
        details: Some(details.stored()?),
        ..TaskChange::default()
    };
    tasks::update(database, task.id, change).await?;
    Ok(Outcome::Conflict)
}

/// Notes that a task has no open question; `base`: what both sides have now.
async fn settled(
    database: &Database,
    task: &Task,
    mut details: Details,
    verdict: ExampleStatus,
    base: Option<Side>,
) -> anyhow::Result<()> {
    details.conflict = None;
    if let Some(base) = &base {
        details.base_status = base.status;
    }
    let change = TaskChange {
        status: Some(decided(verdict)),
        pushed_hash: base.map(|base| base.hash),
        details: Some(details.stored()?),
    };
    tasks::update(database, task.id, change).await?;
    Ok(())
}

/// Writes what came back into the example: what reviewers said of its quality in any case, content and status where `take`
/// has them.
async fn write(
    database: &Database,
    task: &Task,
    example: &Example,
    take: Option<&Theirs>,
    review: &Review,
) -> anyhow::Result<()> {
    let mut change = ExampleChange::default();
    let mut quality = example.quality.clone();
    let mut provenance = provenance_with(&example.provenance, task, review);
    if let Some(theirs) = take {
        change.status = Some(theirs.side.status);
        if theirs.side.hash != example.content_hash {
            provenance["edited"] = true.into();
            change.payload = Some((theirs.payload.clone(), theirs.side.hash.clone()));
            let edited = Example { payload: theirs.payload.clone(), ..example.clone() };
            quality = records::checked_alone(database, &edited).await?;
        }
    }
    change.quality = Some(quality_with(&quality, review));
    change.provenance = Some(provenance);
    examples::update(database, example.project_id, example.id, change, &review.actor()).await?;
    Ok(())
}

fn quality_with(quality: &Value, review: &Review) -> Value {
    let mut quality = if quality.is_object() { quality.clone() } else { json!({}) };
    let found = quality["issues"].as_array().cloned().unwrap_or_default();
    let is_ours = |issue: &Value| !issue.as_str().is_some_and(|issue| issue.starts_with(REVIEW_FINDING));
    let named =
        review.issues.iter().map(|issue| format!("{REVIEW_FINDING}{}", issue.replace(' ', "_")).into());
    quality["issues"] = found.into_iter().filter(is_ours).chain(named).collect();
    quality["review"] =
        json!({ "verdict": review.verdict, "issues": review.issues, "rating": review.rating });
    quality
}

fn provenance_with(provenance: &Value, task: &Task, review: &Review) -> Value {
    let mut provenance = if provenance.is_object() { provenance.clone() } else { json!({}) };
    provenance["reviewer"] = review.actor().into();
    provenance["label_studio"] = json!({
        "address": task.address,
        "project": task.remote_project,
        "task": task.task_id,
        "annotation": review.annotation,
        "annotations": review.of,
    });
    provenance
}

/// Whose side a person takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The example stays as it is here.
    Ours,
    /// The example becomes what came back.
    Theirs,
}

/// Ends a conflict.
///
/// # Errors
/// [`StoreError::Conflict`] where another example has the content that is to be taken.
pub async fn resolve(database: &Database, task: &Task, take: Take) -> anyhow::Result<()> {
    let details = Details::of(task)?;
    let Some(conflict) = details.conflict.clone() else { return Ok(()) };
    let example = match examples::get(database, task.project_id, task.example_id).await {
        Err(error) if error.is_not_found() => None,
        example => Some(example?),
    };
    let side = Side { hash: library::content_hash(&conflict.payload), status: conflict.status };
    match (take, example) {
        (Take::Ours, Some(example)) => {
            let ours = Side { hash: example.content_hash, status: example.status };
            settled(database, task, details, ours.status, Some(ours)).await
        }
        (Take::Theirs, Some(example)) => {
            let theirs = Theirs { payload: conflict.payload, side };
            write(database, task, &example, Some(&theirs), &conflict.review).await?;
            settled(database, task, details, theirs.side.status, Some(theirs.side)).await
        }
        (Take::Ours, None) => {
            let details = Details { conflict: None, ..details };
            let change = TaskChange {
                status: Some(TaskStatus::Gone),
                details: Some(details.stored()?),
                ..TaskChange::default()
            };
            tasks::update(database, task.id, change).await?;
            Ok(())
        }
        (Take::Theirs, None) => bring_back(database, task, details, conflict, side).await,
    }
}

/// Makes an example that was deleted here anew, as it came back, under its id.
async fn bring_back(
    database: &Database,
    task: &Task,
    details: Details,
    conflict: Conflict,
    side: Side,
) -> anyhow::Result<()> {
    let example = NewExample {
        chunk_id: None,
        status: side.status,
        payload: conflict.payload,
        provenance: provenance_with(&json!({ "source": "label_studio" }), task, &conflict.review),
        quality: quality_with(&json!({}), &conflict.review),
        content_hash: side.hash.clone(),
    };
    let actor = conflict.review.actor();
    examples::restore(database, task.project_id, task.example_id, example, &actor).await?;
    settled(database, task, details, side.status, Some(side)).await
}
