//! Taking back a decision about many examples: each gets the status that it had before.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, LockIfAble, ROWS_PER_INSERT, now};
use crate::error::Result;
use crate::example_changes::{self, Change, ChangeKind, NewChange, entity as changes};
use crate::examples::{Batch, ExampleStatus, entity as examples};

/// Takes back the decision `batch_id` of [`crate::examples::set_status`], as a whole or not at all. Examples that are gone, or
/// were decided about again since, stay as they are. What is done is a decision itself, and can be taken back.
pub async fn undo(database: &Database, project_id: Uuid, batch_id: Uuid, actor: &str) -> Result<Batch> {
    let mut undone = Batch { id: Uuid::now_v7(), changed: 0 };
    let transaction = database.begin_write().await?;
    let mut after = Uuid::nil();
    loop {
        let part = changes::Entity::find()
            .filter(changes::Column::BatchId.eq(batch_id))
            .filter(changes::Column::ProjectId.eq(project_id))
            .filter(changes::Column::Kind.eq(ChangeKind::Decided))
            .filter(changes::Column::Id.gt(after))
            .order_by_asc(changes::Column::Id)
            .limit(ROWS_PER_INSERT as u64)
            .all(&transaction)
            .await?;
        let Some(last) = part.last() else { break };
        after = last.id;
        let former = former(database, &transaction, project_id, &part).await?;
        undone.changed += former.len() as u64;
        give_back(&transaction, &former).await?;
        let changes = former.into_iter().map(|(id, (old, new))| NewChange::decided(id, old, new, undone.id));
        example_changes::record_within(&transaction, project_id, actor, changes.collect()).await?;
    }
    transaction.commit().await?;
    Ok(undone)
}

/// The examples of these decisions that are as they were decided, by id: the status that each has and the one that it had.
async fn former(
    database: &Database,
    transaction: &DatabaseTransaction,
    project_id: Uuid,
    decisions: &[Change],
) -> Result<BTreeMap<Uuid, (ExampleStatus, ExampleStatus)>> {
    let ids = || decisions.iter().map(|change| change.example_id);
    let now: HashMap<Uuid, ExampleStatus> = examples::Entity::find()
        .select_only()
        .columns([examples::Column::Id, examples::Column::Status])
        .filter(examples::Column::ProjectId.eq(project_id))
        .filter(examples::Column::Id.is_in(ids()))
        .lock_exclusive_if_able(database)
        .into_tuple::<(Uuid, ExampleStatus)>()
        .all(transaction)
        .await?
        .into_iter()
        .collect();
    let later = later(transaction, project_id, decisions).await?;
    let status = |of: &Value| serde_json::from_value::<ExampleStatus>(of["status"].clone()).ok();
    let of_change = |change: &Change| {
        let (had, got) = (status(&change.before)?, status(&change.after)?);
        let has = *now.get(&change.example_id)?;
        (has == got && !later.contains(&change.example_id)).then_some((change.example_id, (has, had)))
    };
    Ok(decisions.iter().filter_map(of_change).collect())
}

/// The examples of these decisions whose status was changed again.
async fn later(
    transaction: &DatabaseTransaction,
    project_id: Uuid,
    decisions: &[Change],
) -> Result<HashSet<Uuid>> {
    let of: HashMap<Uuid, Uuid> = decisions.iter().map(|change| (change.example_id, change.id)).collect();
    let Some(first) = of.values().min() else { return Ok(HashSet::new()) };
    let since: Vec<(Uuid, Uuid, Value)> = changes::Entity::find()
        .select_only()
        .columns([changes::Column::Id, changes::Column::ExampleId, changes::Column::After])
        .filter(changes::Column::ProjectId.eq(project_id))
        .filter(changes::Column::ExampleId.is_in(of.keys().copied()))
        .filter(changes::Column::Id.gt(*first))
        .into_tuple()
        .all(transaction)
        .await?;
    let again = since.into_iter().filter(|(id, example_id, after)| {
        after.get("status").is_some() && of.get(example_id).is_some_and(|decision| id > decision)
    });
    Ok(again.map(|(_, example_id, _)| example_id).collect())
}

/// Sets the status that each had.
async fn give_back(
    transaction: &DatabaseTransaction,
    former: &BTreeMap<Uuid, (ExampleStatus, ExampleStatus)>,
) -> Result<()> {
    for status in ExampleStatus::ALL {
        let ids: Vec<Uuid> = former.iter().filter(|(_, (_, had))| had == status).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            continue;
        }
        let update = examples::Entity::update_many()
            .col_expr(examples::Column::Status, Expr::value(*status))
            .col_expr(examples::Column::UpdatedAt, Expr::value(now()))
            .filter(examples::Column::Id.is_in(ids));
        update.exec(transaction).await?;
    }
    Ok(())
}
