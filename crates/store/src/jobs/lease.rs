//! The worker's side of a job: claim, renew, report, end.

use std::time::Duration;

use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockBehavior, LockType, Query, UpdateStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::{Job, JobStatus, announce};
use crate::database::{Database, now};
use crate::error::{Result, StoreError};

/// The longest pause before another attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Who wants a job, and which.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Only from this queue.
    pub queue: &'a str,
    /// A name that no other worker has at the same time.
    pub worker: &'a str,
    /// The worker must renew before this time is over.
    pub lease: Duration,
}

/// The right to work on a job: valid for one worker and one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: Uuid,
    /// Who holds it.
    pub worker: String,
    /// The attempt that was claimed.
    pub attempt: i64,
}

impl Lease {
    /// The lease of a job that has just been claimed.
    pub fn of(job: &Job) -> Self {
        Self { job_id: job.id, worker: job.worker.clone().unwrap_or_default(), attempt: job.attempts }
    }

    fn held(&self) -> Condition {
        Condition::all()
            .add(Column::Id.eq(self.job_id))
            .add(Column::Status.eq(JobStatus::Running))
            .add(Column::Worker.eq(self.worker.as_str()))
            .add(Column::Attempts.eq(self.attempt))
    }

    fn lost(&self) -> StoreError {
        StoreError::LeaseLost { job_id: self.job_id, worker: self.worker.clone() }
    }
}

/// How a job failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words for people.
    pub error: String,
    /// What the application knows of its cause: kept as the job's result until another one comes.
    pub cause: Value,
    /// Another attempt may help. The pause before it doubles with every attempt, starting from this; `None`: it ends here.
    pub retry_after: Option<Duration>,
}

/// Takes the oldest job of a queue whose time has come, or whose worker's lease ran out, if there is one. First ends those
/// that nobody may take any more: out of attempts, or cancelled while their worker was gone.
pub async fn claim(database: &Database, claim: &Claim<'_>) -> Result<Option<Job>> {
    end_abandoned(database, claim.queue).await?;
    let time = now();
    let time_ms = time.timestamp_millis();
    let due = Condition::any()
        .add(Condition::all().add(Column::Status.eq(JobStatus::Queued)).add(Column::RunAtMs.lte(time_ms)))
        .add(
            // A lease may run out after the line above looked: what was cancelled waits for the next look.
            Condition::all()
                .add(Column::Status.eq(JobStatus::Running))
                .add(Column::LeaseUntilMs.lt(time_ms))
                .add(Column::CancelRequested.eq(false)),
        );
    let mut next = Query::select();
    next.column(Column::Id)
        .from(Entity)
        .and_where(Column::Queue.eq(claim.queue))
        .and_where(Expr::col(Column::Attempts).lt(Expr::col(Column::MaxAttempts)))
        .cond_where(due)
        .order_by(Column::RunAtMs, sea_orm::Order::Asc)
        .order_by(Column::Id, sea_orm::Order::Asc)
        .limit(1);
    if database.backend() == DbBackend::Postgres {
        next.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, JobStatus::Running)
        .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .value(Column::Worker, claim.worker)
        .value(Column::LeaseUntilMs, time_ms + milliseconds(claim.lease))
        .value(Column::UpdatedAt, time)
        .and_where(Column::Id.in_subquery(next));
    write(database, update).await
}

/// Extends the lease from now on. Returns whether somebody asked for the job's end.
pub async fn renew(database: &Database, lease: &Lease, extend: Duration) -> Result<bool> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::LeaseUntilMs, now().timestamp_millis() + milliseconds(extend))
        .cond_where(lease.held())
        .returning_col(Column::CancelRequested);
    let row = database.connection().query_one(&update).await?.ok_or_else(|| lease.lost())?;
    Ok(row.try_get("", "cancel_requested")?)
}

/// Stores how far the job is.
pub async fn report_progress(database: &Database, lease: &Lease, progress: Value) -> Result<()> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Progress, progress)
        .value(Column::UpdatedAt, now())
        .cond_where(lease.held());
    write(database, update).await?.map(drop).ok_or_else(|| lease.lost())
}

/// Ends the job well.
pub async fn complete(database: &Database, lease: &Lease, result: Value) -> Result<Job> {
    let mut update = ending(JobStatus::Completed);
    update
        .value(Column::Result, result)
        .value(Column::Error, Option::<String>::None)
        .cond_where(lease.held());
    write(database, update).await?.ok_or_else(|| lease.lost())
}

/// Ends this attempt with an error: another one later if that may help and attempts are left, otherwise the job's end.
pub async fn fail(database: &Database, lease: &Lease, failure: Failure) -> Result<Job> {
    let job = super::get(database, lease.job_id).await?;
    let mut update = match failure.retry_after {
        Some(pause) if job.attempts < job.max_attempts => {
            let mut update = Query::update();
            let run_at = now().timestamp_millis() + milliseconds(back_off(pause, job.attempts, job.id));
            update
                .table(Entity)
                .value(Column::Status, JobStatus::Queued)
                .value(Column::RunAtMs, run_at)
                .value(Column::LeaseUntilMs, Option::<i64>::None)
                .value(Column::UpdatedAt, now());
            update
        }
        Some(_) => ending(JobStatus::Dead),
        None => ending(JobStatus::Failed),
    };
    update.value(Column::Error, failure.error).value(Column::Result, failure.cause).cond_where(lease.held());
    write(database, update).await?.ok_or_else(|| lease.lost())
}

/// Ends the job because somebody asked for it.
pub async fn confirm_cancelled(database: &Database, lease: &Lease) -> Result<Job> {
    let mut update = ending(JobStatus::Cancelled);
    update.cond_where(lease.held());
    write(database, update).await?.ok_or_else(|| lease.lost())
}

/// Gives the job back unfinished, and the attempt with it: the worker stops in good order.
pub async fn release(database: &Database, lease: &Lease) -> Result<Job> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, JobStatus::Queued)
        .value(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .value(Column::LeaseUntilMs, Option::<i64>::None)
        .value(Column::UpdatedAt, now())
        .cond_where(lease.held());
    write(database, update).await?.ok_or_else(|| lease.lost())
}

/// Ends jobs whose lease ran out and that nobody may claim.
async fn end_abandoned(database: &Database, queue: &str) -> Result<()> {
    let abandoned = || {
        Condition::all()
            .add(Column::Queue.eq(queue))
            .add(Column::Status.eq(JobStatus::Running))
            .add(Column::LeaseUntilMs.lt(now().timestamp_millis()))
    };
    let mut cancelled = ending(JobStatus::Cancelled);
    cancelled.cond_where(abandoned().add(Column::CancelRequested.eq(true))).returning_all();
    let mut dead = ending(JobStatus::Dead);
    let error =
        "its worker went away during the last attempt that it had (killed, out of memory, or switched off)";
    dead.value(Column::Error, error)
        .value(Column::Result, Option::<Value>::None)
        .cond_where(abandoned().add(Expr::col(Column::Attempts).gte(Expr::col(Column::MaxAttempts))))
        .returning_all();
    for update in [cancelled, dead] {
        for row in database.connection().query_all(&update).await? {
            announce(database, &Job::from_query_result(&row, "")?);
        }
    }
    Ok(())
}

fn ending(status: JobStatus) -> UpdateStatement {
    let time = now();
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, status)
        .value(Column::LeaseUntilMs, Option::<i64>::None)
        .value(Column::UpdatedAt, time)
        .value(Column::FinishedAt, time);
    update
}

/// Executes an update of at most one job, and tells those who watch it.
async fn write(database: &Database, mut update: UpdateStatement) -> Result<Option<Job>> {
    update.returning_all();
    let Some(row) = database.connection().query_one(&update).await? else { return Ok(None) };
    let job = Job::from_query_result(&row, "")?;
    announce(database, &job);
    Ok(Some(job))
}

/// `pause · 2^(attempt − 1)`, at most [`LONGEST_PAUSE`], plus up to a quarter more that differs from job to job.
fn back_off(pause: Duration, attempt: i64, job_id: Uuid) -> Duration {
    let doublings = u32::try_from((attempt - 1).clamp(0, 16)).unwrap_or(0);
    let pause = pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let spread = u32::from(*job_id.as_bytes().last().unwrap_or(&0));
    pause + pause / 4 * spread / 255
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
