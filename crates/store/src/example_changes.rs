//! Changes of examples: what a person, or a program for them, decided and wrote, one row a change.

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::database::{Database, ROWS_PER_INSERT, now};
use crate::error::Result;
use crate::examples::{Example, ExampleStatus};
use crate::page::{Page, Paged};

pub use entity::Model as Change;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored change. Never changed itself.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "example_changes")]
    pub struct Model {
        /// Version 7: ordered by time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The example, which may be gone.
        pub example_id: Uuid,
        /// The same for all changes of one decision about many.
        pub batch_id: Option<Uuid>,
        /// What happened.
        pub kind: super::ChangeKind,
        /// Who did it, in the application's words.
        #[sea_orm(column_type = "Text")]
        pub actor: String,
        /// The changed fields as they were: `status`, `payload`, `quality`.
        #[sea_orm(column_type = "Json")]
        pub before: Json,
        /// The same fields as they became.
        #[sea_orm(column_type = "Json")]
        pub after: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// What happened to an example.
    pub enum ChangeKind("example change") {
        /// Its content.
        Edited = "edited",
        /// Its status alone.
        Decided = "decided",
        /// What is known of its quality, and nothing else.
        Assessed = "assessed",
        /// It is gone, and its content with it.
        Deleted = "deleted",
    }
}

/// A change to record.
#[derive(Clone, Debug)]
pub(crate) struct NewChange {
    example_id: Uuid,
    batch_id: Option<Uuid>,
    kind: ChangeKind,
    before: Value,
    after: Value,
}

impl NewChange {
    /// What makes `new` of `old`, if anything that is recorded.
    pub(crate) fn between(old: &Example, new: &Example) -> Option<Self> {
        let (mut before, mut after) = (Map::new(), Map::new());
        let mut compare = |name: &str, old: Value, new: Value| {
            let differs = old != new;
            if differs {
                before.insert(name.to_owned(), old);
                after.insert(name.to_owned(), new);
            }
            differs
        };
        let decided = compare("status", json!(old.status), json!(new.status));
        let assessed = compare("quality", old.quality.clone(), new.quality.clone());
        let edited = compare("payload", old.payload.clone(), new.payload.clone());
        let kind = match (edited, decided, assessed) {
            (true, ..) => ChangeKind::Edited,
            (_, true, _) => ChangeKind::Decided,
            (.., true) => ChangeKind::Assessed,
            _ => return None,
        };
        Some(Self { example_id: old.id, batch_id: None, kind, before: before.into(), after: after.into() })
    }

    /// Another status, among others.
    pub(crate) fn decided(example_id: Uuid, old: ExampleStatus, new: ExampleStatus, batch_id: Uuid) -> Self {
        Self {
            example_id,
            batch_id: Some(batch_id),
            kind: ChangeKind::Decided,
            before: json!({ "status": old }),
            after: json!({ "status": new }),
        }
    }

    /// An example that is there again after its end.
    pub(crate) fn restored(example: &Example) -> Self {
        Self {
            example_id: example.id,
            batch_id: None,
            kind: ChangeKind::Edited,
            before: json!({}),
            after: json!({ "status": example.status, "payload": example.payload }),
        }
    }

    /// The end of an example.
    pub(crate) fn deleted(example_id: Uuid, old: ExampleStatus, batch_id: Uuid) -> Self {
        Self {
            example_id,
            batch_id: Some(batch_id),
            kind: ChangeKind::Deleted,
            before: json!({ "status": old }),
            after: json!({}),
        }
    }
}

/// Stores changes as a part of the transaction that makes them.
pub(crate) async fn record_within(
    transaction: &DatabaseTransaction,
    project_id: Uuid,
    actor: &str,
    changes: Vec<NewChange>,
) -> Result<()> {
    let created_at = now();
    let rows = changes.into_iter().map(|change| Change {
        id: Uuid::now_v7(),
        project_id,
        example_id: change.example_id,
        batch_id: change.batch_id,
        kind: change.kind,
        actor: actor.to_owned(),
        before: change.before,
        after: change.after,
        created_at,
    });
    let rows: Vec<_> = rows.collect();
    for part in rows.chunks(ROWS_PER_INSERT) {
        let insert = entity::Entity::insert_many(part.iter().map(|row| row.clone().into_active_model()));
        insert.exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// Deletes the changes of examples that are deleted: what they said goes with them.
pub(crate) async fn forget_within(
    transaction: &DatabaseTransaction,
    project_id: Uuid,
    example_ids: &[Uuid],
) -> Result<()> {
    let delete = entity::Entity::delete_many()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::ExampleId.is_in(example_ids.iter().copied()));
    delete.exec(transaction).await?;
    Ok(())
}

/// A page of a project's changes, newest first; only of one example if it is named.
pub async fn list(
    database: &Database,
    project_id: Uuid,
    example_id: Option<Uuid>,
    page: Page,
) -> Result<Paged<Change>> {
    let mut query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    if let Some(example_id) = example_id {
        query = query.filter(entity::Column::ExampleId.eq(example_id));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_desc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}
