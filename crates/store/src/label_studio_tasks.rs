//! Which example is which task in Label Studio: what was sent, what came back, and where both sides changed.
//!
//! A row outlives its example, so that what was written there about a deleted one is not lost.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, ROWS_PER_INSERT, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};

pub use entity::Model as Task;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// An example as a task in Label Studio.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "label_studio_tasks")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Our project.
        pub project_id: Uuid,
        /// The example, which may be gone.
        pub example_id: Uuid,
        /// The Label Studio.
        #[sea_orm(column_type = "Text")]
        pub address: String,
        /// Its project.
        pub remote_project: i64,
        /// Its task.
        pub task_id: i64,
        /// Content hash of the example when both sides had the same.
        #[sea_orm(column_type = "Text")]
        pub pushed_hash: String,
        /// What came back.
        pub status: super::TaskStatus,
        /// The application's: title there, annotation, conflict, …
        #[sea_orm(column_type = "Json")]
        pub details: Json,
        /// UTC.
        pub pushed_at: DateTimeUtc,
        /// When its project there was last read to the end.
        pub synced_at: Option<DateTimeUtc>,
        /// UTC.
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// What came back about an example.
    pub enum TaskStatus("label studio task status") {
        /// No decision.
        Undecided = "undecided",
        /// It is good.
        Approved = "approved",
        /// It is not.
        Rejected = "rejected",
        /// Both sides changed it differently; somebody has to choose.
        Conflict = "conflict",
        /// It is deleted here, and stays so.
        Gone = "gone",
    }
}

/// A project there, and ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Our project.
    pub project_id: Uuid,
    /// The Label Studio.
    pub address: String,
    /// Its project.
    pub remote_project: i64,
}

impl Link {
    fn condition(&self) -> Condition {
        Condition::all()
            .add(entity::Column::ProjectId.eq(self.project_id))
            .add(entity::Column::Address.eq(&self.address))
            .add(entity::Column::RemoteProject.eq(self.remote_project))
    }
}

/// An example that has become a task.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The example.
    pub example_id: Uuid,
    /// The task.
    pub task_id: i64,
    /// The example's content hash as it was sent.
    pub pushed_hash: String,
    /// The application's.
    pub details: Value,
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct TaskChange {
    /// What came back.
    pub status: Option<TaskStatus>,
    /// The content hash that both sides have now.
    pub pushed_hash: Option<String>,
    /// The application's, as a whole.
    pub details: Option<Value>,
}

/// A project there and how far its review is.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Which.
    pub link: Link,
    /// Tasks by what came back.
    pub counts: BTreeMap<TaskStatus, u64>,
    /// The last push.
    pub pushed_at: DateTime<Utc>,
    /// The last sync.
    pub synced_at: Option<DateTime<Utc>>,
    /// The task that was pushed last.
    pub latest: Task,
}

/// Stores tasks; an example that has one in this project there gets this one instead, with nothing known about it.
pub async fn put_many(database: &Database, link: &Link, tasks: Vec<NewTask>) -> Result<()> {
    let time = now();
    let rows: Vec<_> = tasks
        .into_iter()
        .map(|task| Task {
            id: Uuid::now_v7(),
            project_id: link.project_id,
            example_id: task.example_id,
            address: link.address.clone(),
            remote_project: link.remote_project,
            task_id: task.task_id,
            pushed_hash: task.pushed_hash,
            status: TaskStatus::Undecided,
            details: task.details,
            pushed_at: time,
            synced_at: None,
            updated_at: time,
        })
        .collect();
    let transaction = database.begin_write().await?;
    for part in rows.chunks(ROWS_PER_INSERT) {
        let replace = OnConflict::columns([
            entity::Column::ProjectId,
            entity::Column::Address,
            entity::Column::RemoteProject,
            entity::Column::ExampleId,
        ])
        .update_columns([
            entity::Column::TaskId,
            entity::Column::PushedHash,
            entity::Column::Status,
            entity::Column::Details,
            entity::Column::PushedAt,
            entity::Column::UpdatedAt,
        ])
        .to_owned();
        let insert = entity::Entity::insert_many(part.iter().map(|row| row.clone().into_active_model()))
            .on_conflict(replace);
        insert.exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The tasks of these examples in one project there, by example.
pub async fn of_examples(
    database: &Database,
    link: &Link,
    example_ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Task>> {
    let query = entity::Entity::find()
        .filter(link.condition())
        .filter(entity::Column::ExampleId.is_in(example_ids.iter().copied()));
    let rows = query.all(database.connection()).await?;
    Ok(rows.into_iter().map(|row| (row.example_id, row)).collect())
}

/// Changes one task's row.
pub async fn update(database: &Database, id: Uuid, change: TaskChange) -> Result<Task> {
    let row = entity::Entity::find_by_id(id).one(database.connection()).await?;
    let mut row = row.ok_or_else(|| StoreError::not_found("Label Studio task", id))?.into_active_model();
    if let Some(status) = change.status {
        row.status = Set(status);
    }
    if let Some(hash) = change.pushed_hash {
        row.pushed_hash = Set(hash);
    }
    if let Some(details) = change.details {
        row.details = Set(details);
    }
    row.updated_at = Set(now());
    Ok(row.update(database.connection()).await?)
}

/// Notes that all of a project there was read.
pub async fn synced(database: &Database, link: &Link) -> Result<()> {
    let update = entity::Entity::update_many()
        .col_expr(entity::Column::SyncedAt, Expr::value(now()))
        .filter(link.condition());
    update.exec(database.connection()).await?;
    Ok(())
}

/// A page of a project's conflicts, in the order of their tasks' creation.
pub async fn conflicts(database: &Database, project_id: Uuid, page: Page) -> Result<Paged<Task>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::Status.eq(TaskStatus::Conflict));
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_asc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// The conflicts about one example: one for each project there that it is in.
pub async fn conflicts_of(database: &Database, project_id: Uuid, example_id: Uuid) -> Result<Vec<Task>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::ExampleId.eq(example_id))
        .filter(entity::Column::Status.eq(TaskStatus::Conflict));
    Ok(query.order_by_asc(entity::Column::Id).all(database.connection()).await?)
}

/// The projects there that a project of ours is linked with, the one that was pushed to last first.
pub async fn datasets(database: &Database, project_id: Uuid) -> Result<Vec<Dataset>> {
    let counted: Vec<(String, i64, TaskStatus, i64)> = entity::Entity::find()
        .select_only()
        .columns([entity::Column::Address, entity::Column::RemoteProject, entity::Column::Status])
        .column_as(entity::Column::Id.count(), "count")
        .filter(entity::Column::ProjectId.eq(project_id))
        .group_by(entity::Column::Address)
        .group_by(entity::Column::RemoteProject)
        .group_by(entity::Column::Status)
        .into_tuple()
        .all(database.connection())
        .await?;
    let mut by_link: BTreeMap<(String, i64), BTreeMap<TaskStatus, u64>> = BTreeMap::new();
    for (address, remote_project, status, count) in counted {
        by_link.entry((address, remote_project)).or_default().insert(status, count.unsigned_abs());
    }
    let mut found = Vec::new();
    for ((address, remote_project), counts) in by_link {
        let link = Link { project_id, address, remote_project };
        let all = entity::Entity::find().filter(link.condition());
        let latest = all.clone().order_by_desc(entity::Column::PushedAt).order_by_desc(entity::Column::Id);
        // The last one was deleted since it was counted.
        let Some(latest) = latest.one(database.connection()).await? else { continue };
        let read = all.filter(entity::Column::SyncedAt.is_not_null());
        let read = read.order_by_desc(entity::Column::SyncedAt).one(database.connection()).await?;
        let synced_at = read.and_then(|row| row.synced_at);
        found.push(Dataset { link, counts, pushed_at: latest.pushed_at, synced_at, latest });
    }
    found.sort_by_key(|dataset| std::cmp::Reverse((dataset.pushed_at, dataset.latest.id)));
    Ok(found)
}
