//! What happened in a run, one row after the other: the truth about it. Sequence numbers of a run start at 1 and rise by
//! one, so that a reader continues after the last number it saw.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::{Result, StoreError};
use crate::live::{LiveEvent, Topic};
use crate::runs::{self, RunStatus};

pub use entity::Model as RunEvent;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored event.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "run_events")]
    pub struct Model {
        /// The run.
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: Uuid,
        /// From 1, without gaps.
        #[sea_orm(primary_key, auto_increment = false)]
        pub sequence: i64,
        /// What kind; some kinds decide the run's status.
        #[sea_orm(column_type = "Text")]
        pub kind: String,
        /// Its data.
        #[sea_orm(column_type = "Json")]
        pub payload: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only with a greater sequence number.
    pub after: i64,
    /// Only of these kinds; `None` for all.
    pub kinds: Option<Vec<String>>,
}

/// Appends an event with the next sequence number, moves the run's status if the kind decides one, and publishes it to
/// those who watch the run and its project.
pub async fn append(database: &Database, run_id: Uuid, kind: &str, payload: Value) -> Result<RunEvent> {
    let transaction = database.begin_write().await?;
    let event = append_within(&transaction, run_id, None, kind, payload).await?;
    let project_id = project_of(&transaction, run_id).await?;
    transaction.commit().await?;
    announce(database, project_id, &event);
    Ok(event)
}

/// Appends an event that the writer numbered itself. The same event again (same number, kind and payload) changes nothing
/// and answers the stored one; any other number than the next is a conflict.
pub async fn append_at(
    database: &Database,
    run_id: Uuid,
    sequence: i64,
    kind: &str,
    payload: Value,
) -> Result<RunEvent> {
    let transaction = database.begin_write().await?;
    let stored = entity::Entity::find_by_id((run_id, sequence)).one(&transaction).await?;
    if let Some(stored) = stored {
        if stored.kind == kind && stored.payload == payload {
            return Ok(stored);
        }
        let reason = format!("number {sequence} of run {run_id} is another event, of kind `{}`", stored.kind);
        return Err(StoreError::conflict("run event", reason));
    }
    let event = append_within(&transaction, run_id, Some(sequence), kind, payload).await?;
    let project_id = project_of(&transaction, run_id).await?;
    transaction.commit().await?;
    announce(database, project_id, &event);
    Ok(event)
}

/// Events of a run in their order, at most `limit`.
pub async fn list(
    database: &Database,
    run_id: Uuid,
    filter: &EventFilter,
    limit: u64,
) -> Result<Vec<RunEvent>> {
    let mut query = entity::Entity::find()
        .filter(entity::Column::RunId.eq(run_id))
        .filter(entity::Column::Sequence.gt(filter.after));
    if let Some(kinds) = &filter.kinds {
        query = query.filter(entity::Column::Kind.is_in(kinds));
    }
    Ok(query.order_by_asc(entity::Column::Sequence).limit(limit).all(database.connection()).await?)
}

/// All events after `sequence`.
pub async fn list_after(database: &Database, run_id: Uuid, sequence: i64) -> Result<Vec<RunEvent>> {
    let filter = EventFilter { after: sequence, kinds: None };
    list(database, run_id, &filter, i64::MAX as u64).await
}

/// The last event of one of these kinds.
pub async fn last_of(database: &Database, run_id: Uuid, kinds: &[&str]) -> Result<Option<RunEvent>> {
    let query = entity::Entity::find()
        .filter(entity::Column::RunId.eq(run_id))
        .filter(entity::Column::Kind.is_in(kinds.iter().copied()));
    Ok(query.order_by_desc(entity::Column::Sequence).one(database.connection()).await?)
}

/// What the stored events alone say about a run's status.
pub async fn status_from_events(database: &Database, run_id: Uuid) -> Result<Option<RunStatus>> {
    let kinds = entity::Entity::find()
        .select_only()
        .column(entity::Column::Kind)
        .filter(entity::Column::RunId.eq(run_id))
        .order_by_desc(entity::Column::Sequence)
        .into_tuple::<String>()
        .all(database.connection())
        .await?;
    Ok(kinds.iter().find_map(|kind| RunStatus::from_event_kind(kind)))
}

/// Takes the run's row first: that orders all writers of one run, on both databases.
pub(crate) async fn append_within(
    transaction: &DatabaseTransaction,
    run_id: Uuid,
    expected: Option<i64>,
    kind: &str,
    payload: Value,
) -> Result<RunEvent> {
    let time = now();
    let last = runs::entity::Column::LastSequence;
    let mut update = Query::update();
    update
        .table(runs::entity::Entity)
        .value(last, Expr::col(last).add(1))
        .value(runs::entity::Column::UpdatedAt, time)
        .and_where(runs::entity::Column::Id.eq(run_id))
        .returning_col(last);
    if let Some(status) = RunStatus::from_event_kind(kind) {
        update.value(runs::entity::Column::Status, status);
    }
    let row = transaction.query_one(&update).await?.ok_or_else(|| StoreError::not_found("run", run_id))?;
    let sequence: i64 = row.try_get("", "last_sequence").map_err(StoreError::from)?;
    if let Some(expected) = expected
        && expected != sequence
    {
        let reason = format!("number {expected} does not follow; the next of run {run_id} is {sequence}");
        return Err(StoreError::conflict("run event", reason));
    }
    let event = RunEvent { run_id, sequence, kind: kind.to_owned(), payload, created_at: time };
    let insert = entity::Entity::insert(event.clone().into_active_model());
    insert.exec_without_returning(transaction).await?;
    Ok(event)
}

/// Tells those who watch the run or its project.
pub(crate) fn announce(database: &Database, project_id: Uuid, event: &RunEvent) {
    let live = LiveEvent {
        sequence: Some(event.sequence),
        kind: event.kind.clone(),
        payload: event.payload.clone(),
    };
    database.live().publish(Topic::Run(event.run_id), live);
    if let Some(status) = RunStatus::from_event_kind(&event.kind) {
        let payload = serde_json::json!({ "run_id": event.run_id, "status": status });
        let live = LiveEvent { sequence: None, kind: "run".to_owned(), payload };
        database.live().publish(Topic::Project(project_id), live);
    }
}

async fn project_of(transaction: &DatabaseTransaction, run_id: Uuid) -> Result<Uuid> {
    let id = runs::entity::Entity::find_by_id(run_id)
        .select_only()
        .column(runs::entity::Column::ProjectId)
        .into_tuple::<Uuid>()
        .one(transaction)
        .await?;
    id.ok_or_else(|| DbErr::RecordNotFound(format!("run {run_id}")).into())
}
