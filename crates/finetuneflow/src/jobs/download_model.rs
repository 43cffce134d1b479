//! `download_model`: brings a model of the hub into the cache. Run again, it goes on behind what is there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::jobs::{JobFilter, JobStatus};
use store::{Database, Page};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::{JobError, JobKind, Queue, Work};
use crate::hub::download::{Plan, download};
use crate::hub::{self, RepoId};
use crate::words::Activity;

/// Between two reports of progress.
const REPORT: Duration = Duration::from_millis(500);
/// More of them do not wait at the same time.
const MOST_ACTIVE: u64 = 500;

/// The payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadModel {
    /// `org/name`.
    pub model: String,
    /// The branch, tag or commit that was asked for.
    pub revision: String,
    /// The commit that it was at: what is downloaded, wherever the revision has moved since.
    pub commit: String,
}

impl DownloadModel {
    fn activity(&self) -> Activity {
        Activity::Downloading { name: self.model.clone() }
    }

    /// The waiting or running job that does the same, if there is one.
    pub async fn active(&self, database: &Database) -> store::Result<Option<store::jobs::Job>> {
        let statuses = vec![JobStatus::Queued, JobStatus::Running];
        let filter = JobFilter { project_id: None, kind: Some(Self::KIND.to_owned()), statuses };
        let jobs = store::jobs::list(database, Page::new(1, MOST_ACTIVE), filter).await?;
        let is_same = |payload: &Value| {
            Self::deserialize(payload).is_ok_and(|other: Self| {
                (other.model, other.commit) == (self.model.clone(), self.commit.clone())
            })
        };
        Ok(jobs.items.into_iter().find(|job| !job.cancel_requested && is_same(&job.payload)))
    }
}

impl JobKind for DownloadModel {
    const KIND: &'static str = "download_model";
    const QUEUE: Queue = Queue::Default;
    /// What was written before a worker died is not lost, so there may be many.
    const MAX_ATTEMPTS: u32 = 20;

    fn project_id(&self) -> Option<Uuid> {
        None
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let models = &work.services.models;
        let repo = RepoId::parse(&self.model)
            .ok_or_else(|| anyhow::anyhow!("{:?} is no name of a model", self.model))?;
        let client = hub::open(work.database(), models.hub()).await?;
        let listed = work.unless_interrupted(client.repository(&repo, &self.commit)).await??;
        let plan = Plan::of(&client, &listed, &self.revision)?;
        let (total, done) = (plan.total_bytes(), AtomicU64::new(0));
        let cache = models.cache();
        let mut running = std::pin::pin!(download(&client, cache, &plan, &done));
        let mut look = tokio::time::interval(REPORT);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut reported = None;
        let folder = loop {
            let next = async {
                tokio::select! {
                    outcome = &mut running => Some(outcome),
                    _ = look.tick() => None,
                }
            };
            if let Some(outcome) = work.unless_interrupted(next).await? {
                break outcome?;
            }
            let present = done.load(Ordering::Relaxed);
            if reported != Some(present) {
                work.progress(present, total, self.activity()).await?;
                reported = Some(present);
            }
        };
        work.progress(total, total, self.activity()).await?;
        Ok(json!({ "model": self.model, "commit": self.commit, "path": folder, "size_bytes": total }))
    }
}
