//! Frozen datasets: which files hold them, how many rows, and the hash of their content.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, LockIfAble, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};

pub use entity::Model as DatasetVersion;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored dataset version. Never changed.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "dataset_versions")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// From 1 in each project.
        pub number: i64,
        /// Of all rows; a project holds each content once.
        #[sea_orm(column_type = "Text")]
        pub content_hash: String,
        /// Blob of the rows to train on.
        #[sea_orm(column_type = "Text")]
        pub train_key: String,
        /// Blob of the rows held back for evaluation, if any.
        #[sea_orm(column_type = "Text", nullable)]
        pub eval_key: Option<String>,
        /// Rows to train on.
        pub train_count: i64,
        /// Rows held back.
        pub eval_count: i64,
        /// Split seed, statistics, …
        #[sea_orm(column_type = "Json")]
        pub details: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A dataset version to store; its files are in the blob store already.
#[derive(Clone, Debug)]
pub struct NewDatasetVersion {
    /// The project.
    pub project_id: Uuid,
    /// Of all rows.
    pub content_hash: String,
    /// Blob of the rows to train on.
    pub train_key: String,
    /// Blob of the rows held back.
    pub eval_key: Option<String>,
    /// Rows to train on.
    pub train_count: u64,
    /// Rows held back.
    pub eval_count: u64,
    /// Free.
    pub details: Value,
}

/// Stores a version under the project's next number. Content that is stored already answers the stored version.
pub async fn create(database: &Database, version: NewDatasetVersion) -> Result<DatasetVersion> {
    let transaction = database.begin_write().await?;
    // On PostgreSQL the project's row orders those who freeze at the same time.
    crate::projects::entity::Entity::find_by_id(version.project_id)
        .lock_exclusive_if_able(database)
        .one(&transaction)
        .await?
        .ok_or_else(|| StoreError::not_found("project", version.project_id))?;
    let of_project = entity::Entity::find().filter(entity::Column::ProjectId.eq(version.project_id));
    let same = of_project.clone().filter(entity::Column::ContentHash.eq(version.content_hash.as_str()));
    if let Some(stored) = same.one(&transaction).await? {
        return Ok(stored);
    }
    let last: Option<Option<i64>> = of_project
        .select_only()
        .column_as(entity::Column::Number.max(), "last")
        .into_tuple()
        .one(&transaction)
        .await?;
    let row = DatasetVersion {
        id: Uuid::now_v7(),
        project_id: version.project_id,
        number: last.flatten().unwrap_or(0) + 1,
        content_hash: version.content_hash,
        train_key: version.train_key,
        eval_key: version.eval_key,
        train_count: i64::try_from(version.train_count).unwrap_or(i64::MAX),
        eval_count: i64::try_from(version.eval_count).unwrap_or(i64::MAX),
        details: version.details,
        created_at: now(),
    };
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(&transaction).await?;
    transaction.commit().await?;
    Ok(row)
}

/// One version of a project.
pub async fn get(database: &Database, project_id: Uuid, id: Uuid) -> Result<DatasetVersion> {
    let query = entity::Entity::find_by_id(id).filter(entity::Column::ProjectId.eq(project_id));
    query.one(database.connection()).await?.ok_or_else(|| StoreError::not_found("dataset version", id))
}

/// A page of a project's versions, newest first.
pub async fn list(database: &Database, project_id: Uuid, page: Page) -> Result<Paged<DatasetVersion>> {
    let query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    let total = query.clone().count(database.connection()).await?;
    let query =
        query.order_by_desc(entity::Column::Number).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}
