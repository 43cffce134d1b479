//! `label_studio_sync`: verdicts and edited texts come back to the examples whose ids the tasks carry.
//!
//! Each annotation is dealt with once (see [`crate::label_studio::link`]); a sync that is repeated changes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::examples::ExampleStatus;
use store::label_studio_tasks::{self as tasks, Link, NewTask};
use uuid::Uuid;

use super::label_studio_push::client;
use super::{JobError, JobKind, Queue, Work};
use crate::label_studio::client::User;
use crate::label_studio::export::{ExportedTask, for_each_task};
use crate::label_studio::link::{Details, Outcome, settle};
use crate::label_studio::review::Review;
use crate::label_studio::task::sent;
use crate::words::{Activity, Cause};

/// Annotations between two reports of progress.
const PART: usize = 100;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LabelStudioSync {
    /// The project.
    pub project_id: Uuid,
    /// Which project there; `None`: all that are linked.
    pub remote_project: Option<i64>,
}

/// What a sync did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    /// Tasks of this project's examples.
    tasks: u64,
    /// Of those, the ones that somebody said something about.
    reviewed: u64,
    /// Annotations that left a task out, and were dropped.
    left_out: u64,
    /// Tasks with several annotations, of which the latest counts.
    several: u64,
    /// Examples that were changed.
    changed: u64,
    /// Annotations that said what was so already.
    agreed: u64,
    /// Annotations that were dealt with before.
    known: u64,
    /// Conflicts that were found.
    conflicts: u64,
}

/// The latest annotation about an example.
struct Reviewed {
    task_id: i64,
    data: Value,
    status: ExampleStatus,
    hash: String,
    review: Review,
}

impl JobKind for LabelStudioSync {
    const KIND: &'static str = "label_studio_sync";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let client = client(&work).await?;
        let user = work.unless_interrupted(client.whoami()).await??;
        let datasets = tasks::datasets(work.database(), self.project_id).await?;
        let is_meant = |link: &Link| {
            link.address == client.address()
                && self.remote_project.is_none_or(|project| project == link.remote_project)
        };
        let meant: Vec<_> = datasets.into_iter().filter(|dataset| is_meant(&dataset.link)).collect();
        if meant.is_empty() {
            return Err(JobError::Failed(
                Cause::NothingPushed {}.error("nothing was pushed there yet: push examples first"),
            ));
        }
        let mut counts = Counts::default();
        for dataset in &meant {
            let link = &dataset.link;
            work.progress(0, 0, Activity::ReadingLabelStudio { number: link.remote_project }).await?;
            let file = work.unless_interrupted(client.export(link.remote_project)).await??;
            let (project_id, user) = (self.project_id, user.clone());
            let (reviewed, read) =
                work.blocking(move || read(project_id, &user, |visit| for_each_task(file, visit))).await?;
            counts.tasks += read.tasks;
            counts.reviewed += read.reviewed;
            counts.left_out += read.left_out;
            counts.several += read.several;
            let title = dataset.latest.details["title"].as_str().unwrap_or_default();
            settle_all(&work, link, title, reviewed, &mut counts).await?;
            tasks::synced(work.database(), link).await?;
        }
        Ok(json!({ "projects": meant.len(), "examples": counts }))
    }
}

/// The latest annotation about each example of the project.
fn read(
    project_id: Uuid,
    user: &User,
    each: impl FnOnce(&mut dyn FnMut(ExportedTask) -> anyhow::Result<()>) -> anyhow::Result<()>,
) -> anyhow::Result<(BTreeMap<Uuid, Reviewed>, Counts)> {
    let (mut found, mut counts) = (BTreeMap::<Uuid, Reviewed>::new(), Counts::default());
    each(&mut |task| {
        let Some((example, status, hash)) = sent(&task.data, project_id) else { return Ok(()) };
        counts.tasks += 1;
        counts.left_out +=
            task.annotations.iter().filter(|annotation| annotation.was_cancelled).count() as u64;
        let Some(mut review) = Review::latest(&task, user) else { return Ok(()) };
        // Somebody may have made a copy of the task: then all of them together are one.
        let other = found.get_mut(&example);
        let others = other.as_ref().map_or(0, |other| other.review.of);
        counts.several += u64::from(others < 2 && others + review.of > 1);
        review.of += others;
        if let Some(other) = other
            && other.review.is_later_than(&review)
        {
            other.review.of = review.of;
            return Ok(());
        }
        found.insert(example, Reviewed { task_id: task.id, data: task.data, status, hash, review });
        Ok(())
    })?;
    counts.reviewed = found.len() as u64;
    Ok((found, counts))
}

async fn settle_all(
    work: &Work,
    link: &Link,
    title: &str,
    reviewed: BTreeMap<Uuid, Reviewed>,
    counts: &mut Counts,
) -> Result<(), JobError> {
    let reviewed: Vec<_> = reviewed.into_iter().collect();
    let total = reviewed.len() as u64;
    for (number, part) in (0u64..).zip(reviewed.chunks(PART)) {
        work.progress(number * PART as u64, total, Activity::TakingOver {}).await?;
        let ids: Vec<Uuid> = part.iter().map(|(example, _)| *example).collect();
        let mut known = tasks::of_examples(work.database(), link, &ids).await?;
        // A push that was killed may have left tasks without a row here.
        let unknown = part.iter().filter(|(example, _)| !known.contains_key(example));
        let unknown: Vec<_> = unknown
            .map(|(example, reviewed)| {
                let details = Details::sent(title, reviewed.status).stored()?;
                let pushed_hash = reviewed.hash.clone();
                Ok(NewTask { example_id: *example, task_id: reviewed.task_id, pushed_hash, details })
            })
            .collect::<anyhow::Result<_>>()?;
        if !unknown.is_empty() {
            tasks::put_many(work.database(), link, unknown).await?;
            known = tasks::of_examples(work.database(), link, &ids).await?;
        }
        for (example, Reviewed { data, review, .. }) in part {
            work.check()?;
            let Some(task) = known.get(example) else { continue };
            match settle(work.database(), task, data, review).await? {
                Outcome::Known => counts.known += 1,
                Outcome::Changed => counts.changed += 1,
                Outcome::Agreed => counts.agreed += 1,
                Outcome::Conflict => counts.conflicts += 1,
            }
        }
    }
    work.progress(total, total, Activity::Done {}).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_task_are_one_and_foreign_tasks_are_none() {
        let (project, example) = (Uuid::now_v7(), Uuid::now_v7());
        let task = |id: i64, project: Uuid, annotation: Value| {
            let data = json!({ "ftf_id": example, "ftf_project": project, "ftf_hash": "h", "ftf_status": "pending" });
            let annotations = if annotation.is_null() { json!([]) } else { json!([annotation]) };
            serde_json::from_value(json!({ "id": id, "data": data, "annotations": annotations })).unwrap()
        };
        let at = |id: i64, time: &str| json!({ "id": id, "updated_at": time, "completed_by": 3 });
        let left_out = json!({ "id": 8, "updated_at": "2026-02-01T00:00:00Z", "was_cancelled": true });
        let all: Vec<ExportedTask> = vec![
            task(1, project, at(1, "2026-01-02T00:00:00Z")),
            task(2, project, at(2, "2026-01-01T00:00:00Z")),
            task(3, project, left_out),
            task(4, project, Value::Null),
            task(6, project, at(6, "2025-01-01T00:00:00Z")),
            task(5, Uuid::now_v7(), at(5, "2026-01-03T00:00:00Z")),
        ];
        let user = User { id: 1, email: None };
        let (found, counts) = read(project, &user, |visit| all.into_iter().try_for_each(visit)).unwrap();
        let review = &found[&example].review;
        assert_eq!((review.annotation, review.of), (1, 3), "the latest of three");
        let expected = Counts { tasks: 5, reviewed: 1, left_out: 1, several: 1, ..Counts::default() };
        assert_eq!(counts, expected);
    }
}
