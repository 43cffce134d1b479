//! Jobs: one table, worked on under leases.
//!
//! Claiming is one statement and costs an attempt at once, so that a job which kills its worker runs out of attempts. A
//! worker renews its lease while it works; a lease that ran out makes the job claimable again while attempts are left.
//! [`lease`] is the worker's side, this file everybody else's.

mod lease;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::{Result, StoreError};
use crate::live::{LiveEvent, Topic};
use crate::page::{Page, Paged};

pub use entity::Model as Job;
pub use lease::{
    Claim, Failure, Lease, claim, complete, confirm_cancelled, fail, release, renew, report_progress,
};

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored job.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "jobs")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project, if it belongs to one.
        pub project_id: Option<Uuid>,
        /// Which workers may take it.
        #[sea_orm(column_type = "Text")]
        pub queue: String,
        /// What is to be done, in the application's words.
        #[sea_orm(column_type = "Text")]
        pub kind: String,
        /// Where it stands.
        pub status: super::JobStatus,
        /// The application's description of the work.
        #[sea_orm(column_type = "Json")]
        pub payload: Json,
        /// The last reported progress.
        #[sea_orm(column_type = "Json")]
        pub progress: Json,
        /// What came of it: the result once completed, what is known of the cause of the last error before.
        #[sea_orm(column_type = "Json", nullable)]
        pub result: Option<Json>,
        /// The last error, in words.
        #[sea_orm(column_type = "Text", nullable)]
        pub error: Option<String>,
        /// Times it was claimed.
        pub attempts: i64,
        /// Times it may be claimed.
        pub max_attempts: i64,
        /// Somebody asked for its end.
        pub cancel_requested: bool,
        /// Not before this time, milliseconds since 1970.
        pub run_at_ms: i64,
        /// The worker's claim ends here, milliseconds since 1970.
        pub lease_until_ms: Option<i64>,
        /// Who works on it, or did last.
        #[sea_orm(column_type = "Text", nullable)]
        pub worker: Option<String>,
        /// UTC.
        pub created_at: DateTimeUtc,
        /// UTC.
        pub updated_at: DateTimeUtc,
        /// UTC; set with every final status.
        pub finished_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// Where a job stands.
    pub enum JobStatus("job status") {
        /// Waits for a worker, or for its time.
        Queued = "queued",
        /// A worker holds a lease on it.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Ended with an error that another attempt would not help.
        Failed = "failed",
        /// Out of attempts.
        Dead = "dead",
        /// Ended because somebody asked for it.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// Nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A job to enqueue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The project, if it belongs to one.
    pub project_id: Option<Uuid>,
    /// Which workers may take it.
    pub queue: String,
    /// What is to be done.
    pub kind: String,
    /// The description of the work.
    pub payload: Value,
    /// Times it may be claimed, at least 1.
    pub max_attempts: u32,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only of this project.
    pub project_id: Option<Uuid>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only with one of these statuses; empty for all.
    pub statuses: Vec<JobStatus>,
}

/// Stores a job for the workers of its queue.
pub async fn enqueue(database: &Database, job: NewJob) -> Result<Job> {
    let time = now();
    let row = Job {
        id: Uuid::now_v7(),
        project_id: job.project_id,
        queue: job.queue,
        kind: job.kind,
        status: JobStatus::Queued,
        payload: job.payload,
        progress: json!({}),
        result: None,
        error: None,
        attempts: 0,
        max_attempts: i64::from(if job.max_attempts == 0 { 1 } else { job.max_attempts }),
        cancel_requested: false,
        run_at_ms: time.timestamp_millis(),
        lease_until_ms: None,
        worker: None,
        created_at: time,
        updated_at: time,
        finished_at: None,
    };
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(database.connection()).await?;
    announce(database, &row);
    Ok(row)
}

/// One job.
pub async fn get(database: &Database, id: Uuid) -> Result<Job> {
    let row = entity::Entity::find_by_id(id).one(database.connection()).await?;
    row.ok_or_else(|| StoreError::not_found("job", id))
}

/// A page of jobs, newest first.
pub async fn list(database: &Database, page: Page, filter: JobFilter) -> Result<Paged<Job>> {
    let mut query = entity::Entity::find();
    if let Some(project_id) = filter.project_id {
        query = query.filter(entity::Column::ProjectId.eq(project_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(entity::Column::Kind.eq(kind));
    }
    if !filter.statuses.is_empty() {
        query = query.filter(entity::Column::Status.is_in(filter.statuses));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_desc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// The newest job of a project among these kinds.
pub async fn latest(database: &Database, project_id: Uuid, kinds: &[&str]) -> Result<Option<Job>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::Kind.is_in(kinds.iter().copied()));
    Ok(query.order_by_desc(entity::Column::Id).one(database.connection()).await?)
}

/// Asks for a job's end. One that waits is cancelled at once; one that runs is told at its worker's next renewal. A
/// finished job stays as it is. Returns the job.
pub async fn request_cancel(database: &Database, id: Uuid) -> Result<Job> {
    let time = now();
    let waiting = entity::Entity::update_many()
        .col_expr(entity::Column::Status, Expr::value(JobStatus::Cancelled))
        .col_expr(entity::Column::CancelRequested, Expr::value(true))
        .col_expr(entity::Column::FinishedAt, Expr::value(time))
        .col_expr(entity::Column::UpdatedAt, Expr::value(time))
        .filter(entity::Column::Id.eq(id))
        .filter(entity::Column::Status.eq(JobStatus::Queued));
    if waiting.exec(database.connection()).await?.rows_affected == 0 {
        let running = entity::Entity::update_many()
            .col_expr(entity::Column::CancelRequested, Expr::value(true))
            .col_expr(entity::Column::UpdatedAt, Expr::value(time))
            .filter(entity::Column::Id.eq(id))
            .filter(entity::Column::Status.eq(JobStatus::Running));
        running.exec(database.connection()).await?;
    }
    let job = get(database, id).await?;
    announce(database, &job);
    Ok(job)
}

/// Puts every running job back into its queue, to be claimed at once if attempts are left. For start-up, when no worker
/// of this database can be alive. Returns how many.
pub async fn release_all(database: &Database) -> Result<u64> {
    let expired = entity::Entity::update_many()
        .col_expr(entity::Column::LeaseUntilMs, Expr::value(0i64))
        .col_expr(entity::Column::UpdatedAt, Expr::value(now()))
        .filter(entity::Column::Status.eq(JobStatus::Running));
    Ok(expired.exec(database.connection()).await?.rows_affected)
}

/// Tells those who watch the job, its project or all jobs.
pub(crate) fn announce(database: &Database, job: &Job) {
    let payload = json!({
        "job_id": job.id,
        "project_id": job.project_id,
        "queue": job.queue,
        "kind": job.kind,
        "status": job.status,
        "progress": job.progress,
        "error": job.error,
        "cancel_requested": job.cancel_requested,
    });
    let event = LiveEvent { sequence: None, kind: "job".to_owned(), payload };
    if let Some(project_id) = job.project_id {
        database.live().publish(Topic::Project(project_id), event.clone());
    }
    database.live().publish(Topic::Job(job.id), event.clone());
    database.live().publish(Topic::Jobs, event);
}
