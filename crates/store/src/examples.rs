//! Dataset examples: a payload, where it comes from, how good it is, and whether a person approved it.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Func, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IdenStatic,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, LockIfAble, ROWS_PER_INSERT, now};
use crate::error::{Result, StoreError};
use crate::example_changes::{self, NewChange};
use crate::example_filter::{condition, filtered};
use crate::page::{Page, Paged};

pub use crate::example_filter::ExampleFilter;
pub use entity::Model as Example;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored example.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "dataset_examples")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The chunk that it was made from, while that exists.
        pub chunk_id: Option<Uuid>,
        /// Whether it may be trained on.
        pub status: super::ExampleStatus,
        /// The training record.
        #[sea_orm(column_type = "Json")]
        pub payload: Json,
        /// Source file, page, span, prompt version, model, reviewer, …
        #[sea_orm(column_type = "Json")]
        pub provenance: Json,
        /// Scores and warnings.
        #[sea_orm(column_type = "Json")]
        pub quality: Json,
        /// Of the payload; a project holds each content once.
        #[sea_orm(column_type = "Text")]
        pub content_hash: String,
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
    /// Whether an example may be trained on.
    pub enum ExampleStatus("example status") {
        /// Not looked at yet.
        Pending = "pending",
        /// Goes into the next dataset version.
        Approved = "approved",
        /// Stays out.
        Rejected = "rejected",
    }
}

/// An example to store.
#[derive(Clone, Debug)]
pub struct NewExample {
    /// The chunk that it was made from.
    pub chunk_id: Option<Uuid>,
    /// Its first status.
    pub status: ExampleStatus,
    /// The training record.
    pub payload: Value,
    /// Where it comes from.
    pub provenance: Value,
    /// Scores and warnings.
    pub quality: Value,
    /// Of the payload.
    pub content_hash: String,
}

impl NewExample {
    fn row(self, id: Uuid, project_id: Uuid, time: DateTime<Utc>) -> Example {
        Example {
            id,
            project_id,
            chunk_id: self.chunk_id,
            status: self.status,
            payload: self.payload,
            provenance: self.provenance,
            quality: self.quality,
            content_hash: self.content_hash,
            created_at: time,
            updated_at: time,
        }
    }
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ExampleChange {
    /// The status.
    pub status: Option<ExampleStatus>,
    /// The training record with its new content hash.
    pub payload: Option<(Value, String)>,
    /// The provenance, as a whole.
    pub provenance: Option<Value>,
    /// The quality, as a whole.
    pub quality: Option<Value>,
}

/// How many examples have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// Not looked at yet.
    pub pending: u64,
    /// Go into the next dataset version.
    pub approved: u64,
    /// Stay out.
    pub rejected: u64,
}

impl StatusCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.pending + self.approved + self.rejected
    }

    pub(crate) fn of_mut(&mut self, status: ExampleStatus) -> &mut u64 {
        match status {
            ExampleStatus::Pending => &mut self.pending,
            ExampleStatus::Approved => &mut self.approved,
            ExampleStatus::Rejected => &mut self.rejected,
        }
    }

    /// Those with a status.
    pub fn of(self, status: ExampleStatus) -> u64 {
        match status {
            ExampleStatus::Pending => self.pending,
            ExampleStatus::Approved => self.approved,
            ExampleStatus::Rejected => self.rejected,
        }
    }
}

/// Stores examples in their order; content that the project has already is left out. Returns how many were stored.
pub async fn insert_many(database: &Database, project_id: Uuid, examples: Vec<NewExample>) -> Result<u64> {
    let transaction = database.begin_write().await?;
    let stored = insert_within(&transaction, project_id, examples).await?;
    transaction.commit().await?;
    Ok(stored)
}

/// As [`insert_many`], as a part of a larger change.
pub(crate) async fn insert_within(
    transaction: &DatabaseTransaction,
    project_id: Uuid,
    examples: Vec<NewExample>,
) -> Result<u64> {
    let time = now();
    let rows: Vec<_> =
        examples.into_iter().map(|example| example.row(Uuid::now_v7(), project_id, time)).collect();
    let mut stored = 0;
    for part in rows.chunks(ROWS_PER_INSERT) {
        let same = [entity::Column::ProjectId, entity::Column::ContentHash];
        let insert = entity::Entity::insert_many(part.iter().map(|row| row.clone().into_active_model()))
            .on_conflict(OnConflict::columns(same).do_nothing().to_owned());
        stored += insert.exec_without_returning(transaction).await?.rows();
    }
    Ok(stored)
}

/// What an insert reports, with and without "on conflict do nothing".
trait Rows {
    fn rows(self) -> u64;
}

impl Rows for u64 {
    fn rows(self) -> u64 {
        self
    }
}

impl Rows for sea_orm::TryInsertResult<u64> {
    fn rows(self) -> u64 {
        match self {
            Self::Inserted(rows) => rows,
            Self::Empty | Self::Conflicted => 0,
        }
    }
}

/// One example of a project.
pub async fn get(database: &Database, project_id: Uuid, id: Uuid) -> Result<Example> {
    let query = entity::Entity::find_by_id(id).filter(entity::Column::ProjectId.eq(project_id));
    query.one(database.connection()).await?.ok_or_else(|| StoreError::not_found("example", id))
}

/// A page of a project's examples, in the order of their creation.
pub async fn list(
    database: &Database,
    project_id: Uuid,
    page: Page,
    filter: ExampleFilter,
) -> Result<Paged<Example>> {
    let query = filtered(database, project_id, &filter);
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_asc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// Up to `limit` matching examples that come after `after` in the order of creation: for reading all of them in parts,
/// none twice and none left out while others are added.
pub async fn list_after(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Example>> {
    let mut query = filtered(database, project_id, filter);
    if let Some(after) = after {
        query = query.filter(entity::Column::Id.gt(after));
    }
    Ok(query.order_by_asc(entity::Column::Id).limit(limit).all(database.connection()).await?)
}

/// An example as it stands in the database: its JSON unread, for going through very many.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ExampleText {
    /// Its id.
    pub id: Uuid,
    /// The chunk that it was made from, while that exists.
    pub chunk_id: Option<Uuid>,
    /// Whether it may be trained on.
    pub status: ExampleStatus,
    /// The training record, JSON.
    pub payload: String,
    /// Where it comes from, JSON.
    pub provenance: String,
    /// Scores and warnings, JSON.
    pub quality: String,
}

/// Up to `limit` examples of the project after `after`, as [`list_after`] without a filter.
pub async fn texts_after(
    database: &Database,
    project_id: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<ExampleText>> {
    let mut query = filtered(database, project_id, &ExampleFilter::default()).select_only().columns([
        entity::Column::Id,
        entity::Column::ChunkId,
        entity::Column::Status,
    ]);
    for column in [entity::Column::Payload, entity::Column::Provenance, entity::Column::Quality] {
        query = query.column_as(Expr::col((entity::Entity, column)).cast_as("text"), column.as_str());
    }
    if let Some(after) = after {
        query = query.filter(entity::Column::Id.gt(after));
    }
    let query = query.order_by_asc(entity::Column::Id).limit(limit);
    Ok(query.into_model::<ExampleText>().all(database.connection()).await?)
}

/// The project's examples with these contents; hashes that none has are passed over.
pub async fn with_content(database: &Database, project_id: Uuid, hashes: &[String]) -> Result<Vec<Example>> {
    let mut found = Vec::with_capacity(hashes.len());
    for part in hashes.chunks(ROWS_PER_INSERT) {
        let query = entity::Entity::find()
            .filter(entity::Column::ProjectId.eq(project_id))
            .filter(entity::Column::ContentHash.is_in(part));
        found.extend(query.all(database.connection()).await?);
    }
    Ok(found)
}

/// How many of the project's examples have which status.
pub async fn status_counts(database: &Database, project_id: Uuid) -> Result<StatusCounts> {
    status_counts_of(database, project_id, &ExampleFilter::default()).await
}

/// How many of the matching examples have which status; a status in the filter is passed over.
pub async fn status_counts_of(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
) -> Result<StatusCounts> {
    let any_status = ExampleFilter { status: None, ..filter.clone() };
    let mut query = filtered(database, project_id, &any_status).select_only();
    // Sums and no groups: those would have the index of the states read, and each row for the rest of the filter.
    for status in [ExampleStatus::Pending, ExampleStatus::Approved, ExampleStatus::Rejected] {
        let is_it = CaseStatement::new().case(entity::Column::Status.eq(status), 1).finally(0);
        query = query.expr(Func::sum(is_it));
    }
    let counts: Option<(Option<i64>, Option<i64>, Option<i64>)> =
        query.into_tuple().one(database.connection()).await?;
    let (pending, approved, rejected) = counts.unwrap_or_default();
    let count = |sum: Option<i64>| sum.unwrap_or(0).unsigned_abs();
    Ok(StatusCounts { pending: count(pending), approved: count(approved), rejected: count(rejected) })
}

/// Changes one example and records what changed. Content that another example has already is a conflict.
pub async fn update(
    database: &Database,
    project_id: Uuid,
    id: Uuid,
    change: ExampleChange,
    actor: &str,
) -> Result<Example> {
    let transaction = database.begin_write().await?;
    let query = entity::Entity::find_by_id(id).filter(entity::Column::ProjectId.eq(project_id));
    let old = query.lock_exclusive_if_able(database).one(&transaction).await?;
    let old = old.ok_or_else(|| StoreError::not_found("example", id))?;
    let mut row = old.clone().into_active_model();
    if let Some(status) = change.status {
        row.status = Set(status);
    }
    if let Some((payload, content_hash)) = change.payload {
        row.payload = Set(payload);
        row.content_hash = Set(content_hash);
    }
    if let Some(provenance) = change.provenance {
        row.provenance = Set(provenance);
    }
    if let Some(quality) = change.quality {
        row.quality = Set(quality);
    }
    row.updated_at = Set(now());
    let new = row.update(&transaction).await?;
    let changes = NewChange::between(&old, &new).into_iter().collect();
    example_changes::record_within(&transaction, project_id, actor, changes).await?;
    transaction.commit().await?;
    Ok(new)
}

/// Stores what the checks say of examples, as a whole; those that are gone are left out. No change of a person's: it is
/// not recorded, and the time of the last change stays.
pub async fn assess(database: &Database, project_id: Uuid, qualities: Vec<(Uuid, Value)>) -> Result<()> {
    for part in qualities.chunks(ROWS_PER_INSERT) {
        let transaction = database.begin_write().await?;
        for (id, quality) in part {
            let update = entity::Entity::update_many()
                .col_expr(entity::Column::Quality, Expr::value(quality.clone()))
                .filter(entity::Column::Id.eq(*id))
                .filter(entity::Column::ProjectId.eq(project_id));
            update.exec(&transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Stores an example again that was deleted, under the id that it had, and records it. Content that another example has
/// already is a conflict.
pub async fn restore(
    database: &Database,
    project_id: Uuid,
    id: Uuid,
    example: NewExample,
    actor: &str,
) -> Result<Example> {
    let row = example.row(id, project_id, now());
    let transaction = database.begin_write().await?;
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(&transaction).await?;
    let changes = vec![NewChange::restored(&row)];
    example_changes::record_within(&transaction, project_id, actor, changes).await?;
    transaction.commit().await?;
    Ok(row)
}

/// A decision about many examples, as it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What [`crate::example_undo::undo`] takes.
    pub id: Uuid,
    /// Examples whose status is another one than before.
    pub changed: u64,
}

/// Sets the status of all matching examples that have another one, and records it. In parts, each of which is whole: others
/// can write in between.
pub async fn set_status(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    status: ExampleStatus,
    actor: &str,
) -> Result<Batch> {
    let others = condition(database, project_id, filter).add(entity::Column::Status.ne(status));
    let (mut batch, mut after) = (Batch { id: Uuid::now_v7(), changed: 0 }, None);
    loop {
        let transaction = database.begin_write().await?;
        let part = part_after(database, &transaction, &others, after).await?;
        let Some((last, _)) = part.last() else { break };
        after = Some(*last);
        let update = entity::Entity::update_many()
            .col_expr(entity::Column::Status, Expr::value(status))
            .col_expr(entity::Column::UpdatedAt, Expr::value(now()))
            .filter(entity::Column::Id.is_in(part.iter().map(|(id, _)| *id)));
        batch.changed += update.exec(&transaction).await?.rows_affected;
        let decided = |(id, old)| NewChange::decided(id, old, status, batch.id);
        let changes = part.into_iter().map(decided).collect();
        example_changes::record_within(&transaction, project_id, actor, changes).await?;
        transaction.commit().await?;
    }
    Ok(batch)
}

/// Deletes one example.
pub async fn delete(database: &Database, project_id: Uuid, id: Uuid, actor: &str) -> Result<()> {
    let only = ExampleFilter { ids: Some(vec![id]), ..ExampleFilter::default() };
    match delete_many(database, project_id, &only, actor).await? {
        0 => Err(StoreError::not_found("example", id)),
        _ => Ok(()),
    }
}

/// Deletes all matching examples with their earlier changes, and records that they are gone; returns how many. In parts, as
/// [`set_status`].
pub async fn delete_many(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    actor: &str,
) -> Result<u64> {
    let all = condition(database, project_id, filter);
    let (batch_id, mut deleted, mut after) = (Uuid::now_v7(), 0, None);
    loop {
        let transaction = database.begin_write().await?;
        let part = part_after(database, &transaction, &all, after).await?;
        let Some((last, _)) = part.last() else { break };
        after = Some(*last);
        let ids: Vec<Uuid> = part.iter().map(|(id, _)| *id).collect();
        example_changes::forget_within(&transaction, project_id, &ids).await?;
        let delete = entity::Entity::delete_many().filter(entity::Column::Id.is_in(ids));
        deleted += delete.exec(&transaction).await?.rows_affected;
        let gone = |(id, old)| NewChange::deleted(id, old, batch_id);
        let changes = part.into_iter().map(gone).collect();
        example_changes::record_within(&transaction, project_id, actor, changes).await?;
        transaction.commit().await?;
    }
    Ok(deleted)
}

/// Some of the examples that meet a condition, for a change of them all in parts.
async fn part_after(
    database: &Database,
    transaction: &DatabaseTransaction,
    condition: &sea_orm::Condition,
    after: Option<Uuid>,
) -> Result<Vec<(Uuid, ExampleStatus)>> {
    let mut query = entity::Entity::find()
        .select_only()
        .columns([entity::Column::Id, entity::Column::Status])
        .filter(condition.clone());
    if let Some(after) = after {
        query = query.filter(entity::Column::Id.gt(after));
    }
    let query =
        query.order_by_asc(entity::Column::Id).limit(ROWS_PER_INSERT as u64).lock_exclusive_if_able(database);
    Ok(query.into_tuple().all(transaction).await?)
}
