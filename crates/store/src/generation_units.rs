//! Units of generation: one chunk of one job each, done or set aside with a reason.
//!
//! A unit's examples are stored with its end, so that a killed process leaves either both or neither.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{Database, ROWS_PER_INSERT, now};
use crate::error::{Result, StoreError};
use crate::examples::{self, NewExample};
use crate::page::{Page, Paged};

pub use entity::Model as Unit;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A chunk's part of a job.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "generation_units")]
    pub struct Model {
        /// Version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The job that it belongs to.
        pub job_id: Uuid,
        /// The chunk, while that exists.
        pub chunk_id: Option<Uuid>,
        /// Place in the job, from 0.
        pub ordinal: i64,
        /// How far it is.
        pub status: super::UnitStatus,
        /// Examples that it stored.
        pub examples: i64,
        /// Why it was set aside.
        #[sea_orm(column_type = "Text", nullable)]
        pub reason: Option<String>,
        /// UTC.
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// How far a unit is.
    pub enum UnitStatus("generation unit status") {
        /// To be done.
        Pending = "pending",
        /// Its examples are stored.
        Done = "done",
        /// Nothing usable came; the reason is kept.
        Quarantined = "quarantined",
    }
}

/// How many units of a job are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCounts {
    /// To be done.
    pub pending: u64,
    /// Their examples are stored.
    pub done: u64,
    /// Nothing usable came.
    pub quarantined: u64,
}

impl UnitCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.pending + self.done + self.quarantined
    }
}

/// The end of a unit.
#[derive(Clone, Debug)]
pub enum UnitOutcome {
    /// With these examples; and why others of the reply are not among them, if there were any.
    Done(Vec<NewExample>, Option<String>),
    /// For this reason.
    Quarantined(String),
}

/// Stores a job's units in this order; those that it has already stay as they are.
pub async fn plan(database: &Database, project_id: Uuid, job_id: Uuid, chunk_ids: &[Uuid]) -> Result<()> {
    let time = now();
    let rows: Vec<_> = chunk_ids
        .iter()
        .zip(0i64..)
        .map(|(chunk_id, ordinal)| Unit {
            id: Uuid::now_v7(),
            project_id,
            job_id,
            chunk_id: Some(*chunk_id),
            ordinal,
            status: UnitStatus::Pending,
            examples: 0,
            reason: None,
            updated_at: time,
        })
        .collect();
    let transaction = database.begin_write().await?;
    for part in rows.chunks(ROWS_PER_INSERT) {
        let same = [entity::Column::JobId, entity::Column::Ordinal];
        let insert = entity::Entity::insert_many(part.iter().map(|row| row.clone().into_active_model()))
            .on_conflict(OnConflict::columns(same).do_nothing().to_owned());
        insert.exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Up to `limit` units of a job that are to be done, in their order, from `ordinal` on.
pub async fn pending(database: &Database, job_id: Uuid, ordinal: i64, limit: u64) -> Result<Vec<Unit>> {
    let query = entity::Entity::find()
        .filter(entity::Column::JobId.eq(job_id))
        .filter(entity::Column::Status.eq(UnitStatus::Pending))
        .filter(entity::Column::Ordinal.gte(ordinal));
    Ok(query.order_by_asc(entity::Column::Ordinal).limit(limit).all(database.connection()).await?)
}

/// A page of a job's units, in their order.
pub async fn list(
    database: &Database,
    job_id: Uuid,
    page: Page,
    status: Option<UnitStatus>,
) -> Result<Paged<Unit>> {
    let mut query = entity::Entity::find().filter(entity::Column::JobId.eq(job_id));
    if let Some(status) = status {
        query = query.filter(entity::Column::Status.eq(status));
    }
    let total = query.clone().count(database.connection()).await?;
    let query =
        query.order_by_asc(entity::Column::Ordinal).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// How many of a job's units are how far.
pub async fn counts(database: &Database, job_id: Uuid) -> Result<UnitCounts> {
    let rows: Vec<(UnitStatus, i64)> = entity::Entity::find()
        .select_only()
        .column(entity::Column::Status)
        .column_as(entity::Column::Id.count(), "count")
        .filter(entity::Column::JobId.eq(job_id))
        .group_by(entity::Column::Status)
        .into_tuple()
        .all(database.connection())
        .await?;
    let counts: BTreeMap<_, _> =
        rows.into_iter().map(|(status, count)| (status, count.unsigned_abs())).collect();
    let of = |status| counts.get(&status).copied().unwrap_or(0);
    Ok(UnitCounts {
        pending: of(UnitStatus::Pending),
        done: of(UnitStatus::Done),
        quarantined: of(UnitStatus::Quarantined),
    })
}

/// Ends a unit, once: its examples and its status are stored together, or, where it has ended before, not at all.
pub async fn finish(database: &Database, unit_id: Uuid, outcome: UnitOutcome) -> Result<Unit> {
    let transaction = database.begin_write().await?;
    let found = entity::Entity::find_by_id(unit_id).one(&transaction).await?;
    let unit = found.ok_or_else(|| StoreError::not_found("generation unit", unit_id))?;
    if unit.status != UnitStatus::Pending {
        return Ok(unit);
    }
    let project_id = unit.project_id;
    let mut row = unit.into_active_model();
    match outcome {
        UnitOutcome::Done(examples, left_out) => {
            let stored = examples::insert_within(&transaction, project_id, examples).await?;
            row.status = Set(UnitStatus::Done);
            row.examples = Set(i64::try_from(stored).unwrap_or(i64::MAX));
            row.reason = Set(left_out);
        }
        UnitOutcome::Quarantined(reason) => {
            row.status = Set(UnitStatus::Quarantined);
            row.reason = Set(Some(reason));
        }
    }
    row.updated_at = Set(now());
    let unit = row.update(&transaction).await?;
    transaction.commit().await?;
    Ok(unit)
}
