//! Training runs. A run's status follows from its stored events and from nothing else: the column repeats the last
//! event that decides it and is written in the same transaction, so that lists need not read events.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};
use crate::run_events;

pub use entity::Model as Run;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored run.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "runs")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The job that works on it (the last one, if it was resumed by hand).
        pub job_id: Option<Uuid>,
        /// What it is trained on.
        pub dataset_version_id: Option<Uuid>,
        /// The application's settings of this run.
        #[sea_orm(column_type = "Json")]
        pub config: Json,
        /// What the stored events say.
        pub status: super::RunStatus,
        /// The sequence number of the last event.
        pub last_sequence: i64,
        /// UTC.
        pub created_at: DateTimeUtc,
        /// UTC.
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// Where a run stands.
    pub enum RunStatus("run status") {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker trains it.
        Running = "running",
        /// Its worker went away; it can go on from its last checkpoint.
        Interrupted = "interrupted",
        /// It ended well.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl RunStatus {
    /// The status that an event of this kind brings, `None` if it does not decide one. Besides the names of the statuses,
    /// `started` and `resumed` mean running.
    pub fn from_event_kind(kind: &str) -> Option<Self> {
        match kind {
            "started" | "resumed" => Some(Self::Running),
            _ => kind.parse().ok(),
        }
    }

    /// No worker will go on with it by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A run to create.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The project.
    pub project_id: Uuid,
    /// If it is frozen already.
    pub dataset_version_id: Option<Uuid>,
    /// Free.
    pub config: Value,
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only of this project.
    pub project_id: Option<Uuid>,
    /// Only with this status.
    pub status: Option<RunStatus>,
    /// Only of this job.
    pub job_id: Option<Uuid>,
}

/// What to change; `None` leaves a field as it is. The status changes by events only.
#[derive(Clone, Debug, Default)]
pub struct RunChange {
    /// The job that works on it.
    pub job_id: Option<Uuid>,
    /// What it is trained on.
    pub dataset_version_id: Option<Uuid>,
    /// The settings, as a whole.
    pub config: Option<Value>,
}

/// Stores a run with its first event, `queued`.
pub async fn create(database: &Database, run: NewRun) -> Result<Run> {
    let time = now();
    let row = Run {
        id: Uuid::now_v7(),
        project_id: run.project_id,
        job_id: None,
        dataset_version_id: run.dataset_version_id,
        config: run.config,
        status: RunStatus::Queued,
        last_sequence: 0,
        created_at: time,
        updated_at: time,
    };
    let transaction = database.begin_write().await?;
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(&transaction).await?;
    let event = run_events::append_within(&transaction, row.id, None, "queued", json!({})).await?;
    transaction.commit().await?;
    run_events::announce(database, row.project_id, &event);
    get(database, row.id).await
}

/// One run.
pub async fn get(database: &Database, id: Uuid) -> Result<Run> {
    let row = entity::Entity::find_by_id(id).one(database.connection()).await?;
    row.ok_or_else(|| StoreError::not_found("run", id))
}

/// The newest run of a project.
pub async fn latest(database: &Database, project_id: Uuid) -> Result<Option<Run>> {
    let query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    Ok(query.order_by_desc(entity::Column::Id).one(database.connection()).await?)
}

/// The run that a job works on.
pub async fn of_job(database: &Database, job_id: Uuid) -> Result<Option<Run>> {
    let query = entity::Entity::find().filter(entity::Column::JobId.eq(job_id));
    Ok(query.order_by_desc(entity::Column::Id).one(database.connection()).await?)
}

/// A page of runs, newest first.
pub async fn list(database: &Database, page: Page, filter: RunFilter) -> Result<Paged<Run>> {
    let mut query = entity::Entity::find();
    if let Some(project_id) = filter.project_id {
        query = query.filter(entity::Column::ProjectId.eq(project_id));
    }
    if let Some(status) = filter.status {
        query = query.filter(entity::Column::Status.eq(status));
    }
    if let Some(job_id) = filter.job_id {
        query = query.filter(entity::Column::JobId.eq(job_id));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_desc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// Changes a run.
pub async fn update(database: &Database, id: Uuid, change: RunChange) -> Result<Run> {
    // Only the named columns are written: events change the others at the same time.
    let mut row = entity::ActiveModel { id: Set(id), updated_at: Set(now()), ..Default::default() };
    if let Some(job_id) = change.job_id {
        row.job_id = Set(Some(job_id));
    }
    if let Some(version) = change.dataset_version_id {
        row.dataset_version_id = Set(Some(version));
    }
    if let Some(config) = change.config {
        row.config = Set(config);
    }
    let update = entity::Entity::update_many().set(row).filter(entity::Column::Id.eq(id));
    if update.exec(database.connection()).await?.rows_affected == 0 {
        return Err(StoreError::not_found("run", id));
    }
    get(database, id).await
}

/// Marks every run that is stored as running as interrupted, by an event. For start-up, when no worker can be alive.
/// Returns the runs.
pub async fn interrupt_running(database: &Database, reason: &str) -> Result<Vec<Run>> {
    let query = entity::Entity::find().filter(entity::Column::Status.eq(RunStatus::Running));
    let running = query.order_by_asc(entity::Column::Id).all(database.connection()).await?;
    let mut interrupted = Vec::with_capacity(running.len());
    for run in running {
        run_events::append(database, run.id, "interrupted", json!({ "reason": reason })).await?;
        interrupted.push(get(database, run.id).await?);
    }
    Ok(interrupted)
}

/// Deletes a run and its events.
pub async fn delete(database: &Database, id: Uuid) -> Result<()> {
    match entity::Entity::delete_by_id(id).exec(database.connection()).await?.rows_affected {
        0 => Err(StoreError::not_found("run", id)),
        _ => Ok(()),
    }
}
